/// \file write_safetensors.hpp
/// Writes files in the safetensors format, with a checksum: see safetensors.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "psad/core/atomic_file.hpp"
#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/model_file/safetensors.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// A tensor that is written piece by piece: `pieces(take)` calls take(data, bytes) for all of it, in order and each
/// time it is asked.
struct PiecewiseTensor {
    using Take = std::function<void(const void* data, std::size_t bytes)>;
    std::string name, dtype;
    std::vector<std::int64_t> shape;
    std::function<void(const Take&)> pieces;
};

/// Whether a file is written, or only tried: before long work, at whose end writing would fail. A rehearsal leaves
/// nothing behind.
enum class Writing { file, rehearsal };

/// Writes a file with its checksum. The bytes depend on names and content alone, not on the tensors' order;
/// the widest numbers come first, so that each tensor is aligned in the file. An existing file is replaced in
/// one step once the new one is on disk; on an error it stays as it was and nothing else remains. Throws
/// ModelFileError for a tensor whose bytes don't fit its shape, a duplicated or reserved name and text that is not
/// UTF-8, FileError for whatever keeps the file from being written.
inline void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& words,
                              std::span<const PiecewiseTensor> tensors, Writing writing = Writing::file) {
    const std::string source = path.string();
    const auto must_be_text = [&](const std::string& text) {
        if (!is_utf8(text)) throw ModelFileError(source, "header", in_quotes(text), "names and metadata in UTF-8");
    };
    for (const auto& [key, value] : words) {
        if (key == detail::checksum_key || value.starts_with(detail::checksum_mark)) {
            throw ModelFileError(source, "__metadata__", "\"" + printable(key) + "\" with a checksum",
                                 "the checksum left to the writer");
        }
        must_be_text(key), must_be_text(value);
    }
    std::vector<const PiecewiseTensor*> order;
    for (const PiecewiseTensor& tensor : tensors) order.push_back(&tensor);
    std::ranges::sort(order, {}, [](const PiecewiseTensor* tensor) {
        return std::tuple(-static_cast<int>(detail::dtype_size(tensor->dtype)), std::string_view(tensor->name));
    });
    std::vector<detail::Placed> placed;
    std::set<std::string_view> names{detail::metadata_key};
    std::uint64_t offset = 0;
    for (const PiecewiseTensor* tensor : order) {
        const std::uint64_t size = detail::byte_count(source, tensor->name, tensor->dtype, tensor->shape).value();
        must_be_text(tensor->name);
        if (!names.insert(tensor->name).second) {
            throw ModelFileError(source, detail::place(tensor->name), "a name that is taken", "each name once");
        }
        placed.push_back({{tensor->name, tensor->dtype, tensor->shape, {}}, offset, offset + size});
        offset += size;
    }

    std::string text = detail::header_text(words, placed);
    detail::Checksum checksum;
    checksum.add(text.data(), text.size());
    for (const PiecewiseTensor* tensor : order) {
        std::uint64_t written = 0;
        tensor->pieces([&](const void* data, std::size_t bytes) { checksum.add(data, bytes), written += bytes; });
        const std::uint64_t size = detail::byte_count(source, tensor->name, tensor->dtype, tensor->shape).value();
        if (written != size) {
            throw ModelFileError(source, detail::place(tensor->name), std::to_string(written) + " bytes",
                                 std::to_string(size) + " for shape " + detail::shape_text(tensor->shape));
        }
    }
    std::map<std::string, std::string> with_checksum = words;
    with_checksum.emplace(detail::checksum_key, checksum.text());
    text = detail::header_text(with_checksum, placed);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t header_size = text.size();
    if (header_size > detail::longest_header) {
        throw ModelFileError(source, "header", std::to_string(header_size) + " bytes",
                             "at most " + std::to_string(detail::longest_header));
    }
    AtomicFile replacement(path);
    replacement.write(&header_size, sizeof header_size);
    replacement.write(text.data(), text.size());
    for (const PiecewiseTensor* tensor : order)
        tensor->pieces([&](const void* data, std::size_t bytes) { replacement.write(data, bytes); });
    if (writing == Writing::file)
        replacement.commit();
    else
        replacement.rehearse();
}
inline void write_safetensors(const std::filesystem::path& path, const TensorFile& file,
                              Writing writing = Writing::file) {
    std::vector<PiecewiseTensor> tensors;
    for (const Tensor& t : file.tensors) {
        tensors.push_back({t.name, t.dtype, t.shape,
                           [&t](const PiecewiseTensor::Take& take) { take(t.bytes.data(), t.bytes.size()); }});
    }
    write_safetensors(path, file.metadata, tensors, writing);
}

}  // namespace psad::model_file
