// Model files and what they hold.
#pragma once

#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "psad/model_file/mapped_tensors.hpp"
#include "psad/model_file/model_file.hpp"

namespace psad::fuzz {

/// The bytes of a file that holds a model, without the checksum that would hide all else.
inline std::string without_checksum(const std::string& bytes) {
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    nlohmann::json header = nlohmann::json::parse(bytes.substr(8, size));
    header["__metadata__"].erase("psad.checksum");
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = text.size();
    std::string out(reinterpret_cast<const char*>(&length), 8);
    return out + text + bytes.substr(8 + size);
}
inline std::string saved_model() {
    const MemoryFolder folder;
    const auto path = folder.path() / "model";
    model_file::save(path, test::shaken<Network>(), "fuzz", model_file::Parts::student);
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    std::string out(1 << 20, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), file));
    std::fclose(file);
    return out;
}

inline void model_bytes(std::string_view bytes) {
    static const MemoryFile file;
    file.put(bytes);
    try {
        must_serve(model_file::load<Network>(file.path()));
    } catch (const ModelFileError& e) {
        must_be_a_line(e);
    }
    try {
        const model_file::MappedTensors mapped(file.path());
        mapped.has("x");
    } catch (const ModelFileError& e) {
        must_be_a_line(e);
    }
}
inline Seeds model_bytes_seeds() {
    return {saved_model(), without_checksum(saved_model())};
}

/// Metadata and catalog, in parts: a model that is made of them serves, and its encoder is written as it was read.
inline void metadata(std::string_view bytes) {
    const auto given = parts(bytes, '\xff');
    const auto part = [&](std::size_t i) { return i < given.size() ? std::string(given[i]) : std::string(); };
    model_file::TensorFile file;
    file.source = "fuzz";
    file.metadata = {{"psad.schema", part(0)}, {"psad.statistics", part(1)}, {"psad.variant", part(2)}};
    for (std::size_t f = 0; f < 4; ++f) {
        std::vector<std::int64_t> offsets;
        std::vector<std::int32_t> ids;
        const std::string of_offsets = part(3 + 2 * f), of_ids = part(4 + 2 * f);
        for (const auto word : parts(of_offsets, ','))
            offsets.push_back(std::strtoll(std::string(word).c_str(), nullptr, 10));
        for (const auto word : parts(of_ids, ','))
            ids.push_back(static_cast<std::int32_t>(std::strtoll(std::string(word).c_str(), nullptr, 10)));
        const std::string name = "catalog." + std::to_string(f);
        file.tensors.push_back(
            model_file::tensor(name + ".offsets", {static_cast<std::int64_t>(offsets.size())}, offsets));
        file.tensors.push_back(model_file::tensor(name + ".ids", {static_cast<std::int64_t>(ids.size())}, ids));
    }
    try {
        const Model<Network> model(model_file::read_encoder(file));
        must_serve(model);
        model_file::TensorFile again;
        model_file::add_encoder(again, model.encoder);
        model_file::TensorFile twice;
        model_file::add_encoder(twice, model_file::read_encoder(again));
        must(again.metadata == twice.metadata, "an encoder is written as it was read");
    } catch (const ModelFileError& e) {
        must_be_a_line(e);
    }
    try {
        model_file::load<Network>(file);
    } catch (const ModelFileError& e) {
        must_be_a_line(e);
    }
}
inline Seeds metadata_seeds() {
    model_file::TensorFile file;
    model_file::add_encoder(file, test::shaken<Network>().encoder);
    const auto numbers = [&](const std::string& name, auto kind) {
        std::vector<std::string> out;
        for (const auto x : file.values<decltype(kind)>(name)) out.push_back(std::to_string(x));
        return joined(out, ',');
    };
    std::vector<std::string> all{file.metadata["psad.schema"], file.metadata["psad.statistics"],
                                 model_file::describe<Network>().dump()};
    for (const char* f : {"catalog.0", "catalog.1"}) {
        all.push_back(numbers(std::string(f) + ".offsets", std::int64_t{}));
        all.push_back(numbers(std::string(f) + ".ids", std::int32_t{}));
    }
    return {joined(all, '\xff')};
}

}  // namespace psad::fuzz
