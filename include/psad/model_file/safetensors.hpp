/// \file safetensors.hpp
/// Model files in the safetensors format: named arrays and words about them, checked bit by bit when read. Written by
/// write_safetensors.hpp.
///
/// A file is: the header's length (8 bytes, little endian); a JSON header that gives each tensor's dtype,
/// shape and place, padded with spaces so that the data begins 8-byte aligned; the data. Other tools read our
/// files, and we read theirs. Our files carry a checksum in the metadata, under the key `psad.checksum`: the
/// CRC-32 of the header's JSON (compact, keys sorted, that key left out) followed by the data. It finds every
/// single flipped bit; a file without it is read on its structure alone.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/model_file/json_value.hpp"
#include "psad/model_file/strict_json.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::inline PSAD_ABI::model_file {
namespace detail {

inline constexpr std::string_view metadata_key = "__metadata__";
inline constexpr std::string_view checksum_key = "psad.checksum";
// Marks the value as well as the key: a bit flipped in the key would otherwise switch the check off.
inline constexpr std::string_view checksum_mark = "psad-crc32:";
inline constexpr std::uint64_t longest_header = 100'000'000;  // the format's own limit

class Checksum {
  public:
    void add(const void* data, std::size_t size) {
        // An empty tensor's pointer may be null, which would tell zlib to start afresh.
        if (size != 0) sum_ = crc32_z(sum_, static_cast<const Bytef*>(data), size);
    }
    /// The value under `psad.checksum`, e.g. "psad-crc32:00c0ffee".
    std::string text() const {
        std::string digits(8, '0');
        for (std::size_t i = 0; i < 8; ++i) digits[7 - i] = "0123456789abcdef"[(sum_ >> (4 * i)) & 15U];
        return std::string(checksum_mark) + digits;
    }

  private:
    uLong sum_ = 0;
};

/// A tensor of the header and its bytes' place, counted from the start of the data.
struct Placed {
    Tensor tensor;
    std::uint64_t begin = 0, end = 0;
};

/// The header's JSON as an object.
inline FromFile<JsonValue> parse_header(const std::string& source, const std::string& text) {
    const std::size_t last = text.find_last_not_of(' ');
    if (last == std::string::npos || text.front() != '{' || text[last] != '}') {
        return ModelFileError(source, "header", "text that does not run from { to }", "a JSON object");
    }
    auto parsed = parse_strictly(text, 3);
    if (!parsed) return ModelFileError(source, "header", parsed.error().found, parsed.error().wanted);
    return std::move(*parsed);
}

inline FromFile<std::map<std::string, std::string>> parse_metadata(const std::string& source, const JsonValue& entry) {
    std::map<std::string, std::string> metadata;
    bool texts = entry.is_object();
    entry.for_each_member([&](const std::string& key, const JsonValue& value) {
        texts = texts && value.is_string();
        if (texts) metadata.emplace(key, value.get<std::string>());
    });
    if (!texts) return ModelFileError(source, "__metadata__", printable(entry.dump()), "an object of strings");
    return metadata;
}

/// One entry of the header, its shape, dtype and offsets checked against each other and the data's size.
inline FromFile<Placed> parse_tensor(const std::string& source, const std::string& name, const JsonValue& entry,
                                     std::uint64_t data_size) {
    const auto integers = [](const JsonValue& value) {
        return value.is_array() && std::ranges::all_of(value.elements(), &JsonValue::is_number_integer);
    };
    const bool formed = entry.is_object() && entry.size() == 3 && entry.contains("dtype") && entry.contains("shape") &&
                        entry.contains("data_offsets") && entry["dtype"].is_string() && integers(entry["shape"]) &&
                        integers(entry["data_offsets"]) && entry["data_offsets"].size() == 2;
    if (!formed) {
        return ModelFileError(source, place(name), printable(entry.dump()),
                              R"({"dtype": string, "shape": [integers], "data_offsets": [begin, end]})");
    }
    Placed placed;
    placed.tensor.name = name;
    placed.tensor.dtype = entry["dtype"].get<std::string>();
    for (const JsonValue& extent : entry["shape"].elements()) {
        // A number beyond the signed range wraps to a negative one, which byte_count refuses.
        placed.tensor.shape.push_back(extent.get<std::int64_t>());
    }
    placed.begin = entry["data_offsets"][std::size_t{0}].get<std::uint64_t>();
    placed.end = entry["data_offsets"][std::size_t{1}].get<std::uint64_t>();
    const auto wanted = byte_count(source, name, placed.tensor.dtype, placed.tensor.shape);
    if (!wanted) return wanted.error();
    if (placed.begin > placed.end || placed.end > data_size || placed.end - placed.begin != *wanted) {
        return ModelFileError(
            source, place(name), "data_offsets " + printable(entry["data_offsets"].dump()),
            std::to_string(*wanted) + " bytes within the " + std::to_string(data_size) + " bytes of data");
    }
    return placed;
}

/// What the header's JSON says.
struct Header {
    std::map<std::string, std::string> metadata = {};
    std::vector<Placed> tensors = {};  ///< by their place in the file
};

/// Tensors that lie within so many bytes of data.
inline FromFile<Header> parse_entries(const std::string& source, const std::string& text, std::uint64_t data_size) {
    const auto json = parse_header(source, text);
    if (!json) return json.error();
    Header out;
    std::optional<ModelFileError> fault;
    const auto take = [&](auto read, const auto& put) {
        if (read)
            put(std::move(*read));
        else
            fault = read.error();
    };
    json->for_each_member([&](const std::string& name, const JsonValue& entry) {
        if (fault) return;
        if (name == metadata_key)
            take(parse_metadata(source, entry), [&](auto metadata) { out.metadata = std::move(metadata); });
        else
            take(parse_tensor(source, name, entry, data_size), [&](Placed p) { out.tensors.push_back(std::move(p)); });
    });
    if (fault) return *fault;
    std::ranges::sort(out.tensors, {}, [](const Placed& placed) { return std::pair(placed.begin, placed.end); });
    return out;
}

/// The header's JSON, compact, its keys sorted.
inline std::string header_text(const std::map<std::string, std::string>& words, std::span<const Placed> tensors) {
    std::map<std::string_view, const Placed*> entries{{metadata_key, nullptr}};
    for (const Placed& p : tensors) entries.emplace(p.tensor.name, &p);
    JsonValue metadata = JsonValue::object();
    for (const auto& [key, value] : words) metadata.set(key, value);
    JsonValue out = JsonValue::object();
    for (const auto& [name, placed] : entries) {
        if (placed == nullptr) {
            out.set(name, metadata);
        } else {
            out.set(name, JsonValue::object("data_offsets", std::vector<std::uint64_t>{placed->begin, placed->end},
                                            "dtype", placed->tensor.dtype, "shape", placed->tensor.shape));
        }
    }
    return out.dump();
}

/// An error for data that no tensor owns or that two own.
inline FromFile<Header> read_header(const std::string& source, const std::string& text, std::uint64_t data_size) {
    auto header = parse_entries(source, text, data_size);
    if (!header) return header;
    std::uint64_t covered = 0;
    for (const Placed& placed : header->tensors) {
        if (placed.begin != covered) {
            return ModelFileError(source, place(placed.tensor.name), "data from byte " + std::to_string(placed.begin),
                                  "data from byte " + std::to_string(covered) + ", where the one before ends");
        }
        covered = placed.end;
    }
    if (covered != data_size) {
        return ModelFileError(source, "data", std::to_string(data_size) + " bytes",
                              std::to_string(covered) + ", where the last tensor ends");
    }
    return header;
}

/// A whole file from a stream without an end that is known: no more than its header says, and a byte.
inline FromFile<std::string> read_stream(const std::string& source, std::istream& in) {
    std::string out;
    const auto read_up_to = [&](std::uint64_t size) {
        constexpr std::uint64_t chunk = std::uint64_t{1} << 20;  // what is not there takes no memory
        while (out.size() < size && in) {
            const std::size_t begin = out.size();
            out.resize(begin + static_cast<std::size_t>((std::min)(chunk, size - begin)));
            in.read(out.data() + begin, static_cast<std::streamsize>(out.size() - begin));
            out.resize(begin + static_cast<std::size_t>(in.gcount()));
        }
        return out.size() == size;
    };
    std::uint64_t header_size = 0;
    if (!read_up_to(sizeof header_size)) return out;
    std::memcpy(&header_size, out.data(), sizeof header_size);
    if (header_size > longest_header) {
        return ModelFileError(source, "header", "a length of " + std::to_string(header_size) + " bytes",
                              "at most " + std::to_string(longest_header));
    }
    if (!read_up_to(sizeof header_size + header_size)) return out;
    const auto header = parse_entries(source, out.substr(sizeof header_size),
                                      static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)()));
    if (!header) return header.error();
    std::uint64_t data_size = 0;
    for (const Placed& placed : header->tensors) data_size = (std::max)(data_size, placed.end);
    read_up_to(sizeof header_size + header_size + data_size + 1);
    return out;
}

}  // namespace detail

/// Reads a whole file; every malformation or mismatch of the checksum is an error that names the file, the place
/// ("header", "tensor NAME", ...), what was found and what was wanted. Nothing is allocated on a number's word before
/// it was checked against the file's size.
inline FromFile<TensorFile> try_read_safetensors(const std::filesystem::path& path) {
    TensorFile result;
    result.source = path.string();
    const auto wrong = [&](const std::string& place, const std::string& found, const std::string& wanted) {
        return ModelFileError(result.source, place, found, wanted);
    };
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (!std::filesystem::exists(status)) {
        const bool unknown = failure && failure != std::errc::no_such_file_or_directory;
        return wrong("", unknown ? failure.message() : "No such file or directory", "a model file");
    }
    if (std::filesystem::is_directory(status)) return wrong("", "a folder", "a model file");
    std::ifstream file(path, std::ios::binary);
    if (!file) return wrong("", "a file that cannot be opened", "a readable model file");
    std::istringstream piped;  // a pipe does not tell its size
    std::uint64_t file_size = 0;
    const bool is_file = std::filesystem::is_regular_file(status);
    if (is_file) {
        file_size = std::filesystem::file_size(path, failure);
        if (failure) return wrong("", failure.message(), "a readable model file");
    } else {
        auto bytes = detail::read_stream(result.source, file);
        if (!bytes) return bytes.error();
        file_size = bytes->size();
        piped.str(std::move(*bytes));
    }
    std::istream& in = is_file ? static_cast<std::istream&>(file) : piped;
    const auto read = [&](void* to, std::uint64_t size) {
        return static_cast<bool>(in.read(static_cast<char*>(to), static_cast<std::streamsize>(size)));
    };
    const auto cut_off = [&] { return wrong("", "its end too early", std::to_string(file_size) + " bytes"); };

    std::uint64_t header_size = 0;
    if (file_size < sizeof header_size) return wrong("header", std::to_string(file_size) + " bytes", "at least 8");
    if (!read(&header_size, sizeof header_size)) return cut_off();
    const std::uint64_t max_size = (std::min)(file_size - sizeof header_size, detail::longest_header);
    if (header_size > max_size)
        return wrong("header", "a length of " + std::to_string(header_size) + " bytes",
                     "at most " + std::to_string(max_size));
    std::string text(header_size, '\0');
    if (!read(text.data(), header_size)) return cut_off();
    auto header = detail::read_header(result.source, text, file_size - sizeof header_size - header_size);
    if (!header) return header.error();
    result.metadata = std::move(header->metadata);

    const auto entry = result.metadata.extract(std::string(detail::checksum_key));
    detail::Checksum checksum;
    if (!entry.empty()) {
        const std::string signed_text = detail::header_text(result.metadata, header->tensors);
        checksum.add(signed_text.data(), signed_text.size());
    }
    for (detail::Placed& placed : header->tensors) {
        placed.tensor.bytes.resize(placed.end - placed.begin);
        if (!read(placed.tensor.bytes.data(), placed.tensor.bytes.size())) return cut_off();
        checksum.add(placed.tensor.bytes.data(), placed.tensor.bytes.size());
        result.tensors.push_back(std::move(placed.tensor));
    }
    if (!entry.empty() && entry.mapped() != checksum.text())
        return wrong("checksum", checksum.text() + " for its content",
                     printable(entry.mapped()) + " as it was written");
    for (const auto& [key, value] : result.metadata) {
        if (value.starts_with(detail::checksum_mark))
            return wrong("__metadata__", "a checksum under \"" + printable(key) + "\"", "it under \"psad.checksum\"");
    }
    std::ranges::sort(result.tensors, {}, &Tensor::name);
    return result;
}

/// The same, and throws the error.
inline TensorFile read_safetensors(const std::filesystem::path& path) {
    return try_read_safetensors(path).value();
}

}  // namespace psad::model_file
