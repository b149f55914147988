/// \file load_model.hpp
/// Reads the models that save_model.hpp writes.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/model/model.hpp"
#include "psad/model_file/describe.hpp"
#include "psad/model_file/encoder_file.hpp"
#include "psad/model_file/safetensors.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// The file where it is a psad model of this version.
inline FromFile<TensorFile> try_read_model_file(const std::filesystem::path& path) {
    auto file = try_read_safetensors(path);
    if (!file) return file;
    const auto format = file->metadata.find("psad.format");
    const bool is_there = format != file->metadata.end();
    if (is_there && format->second == model_format) return file;
    return ModelFileError(file->source, "metadata psad.format", is_there ? printable(format->second) : "no such key",
                          std::string(model_format));
}
/// The same, and throws the error.
inline TensorFile read_model_file(const std::filesystem::path& path) {
    return try_read_model_file(path).value();
}

/// The name under which a model was saved; an error where there is none.
inline FromFile<std::string> variant_name(const TensorFile& file) {
    const auto name = file.metadata.find("psad.name");
    if (name != file.metadata.end()) return name->second;
    return ModelFileError(file.source, "metadata psad.name", "no such key", "the name of a variant");
}

/// Whether a file holds a teacher. Throws ModelFileError where it does not say what it holds.
inline bool has_teacher(const TensorFile& file) {
    std::optional<ModelFileError> fault;
    const detail::MetadataReader reader(file, "psad.variant", fault);
    if (fault) raise(*fault);
    return reader.json().contains("teacher");
}

namespace detail {

/// What keeps a file from being one of this network.
template <class Network>
std::optional<ModelFileError> find_difference(const TensorFile& file) {
    std::optional<ModelFileError> fault;
    const MetadataReader reader(file, "psad.variant", fault);
    describe<Network>().for_each_member([&](const std::string& part, const JsonValue& described) {
        if (fault) return;
        if (!reader.json().contains(part)) return reader.fail("no " + part, "a model with its " + part);
        const JsonValue& found = reader.json()[part];
        const auto compare = [&](const std::string& key, const JsonValue& value) {
            if (found.contains(key) && found[key] == value) return;
            reader.fail(part + "." + key + " = " + (found.contains(key) ? printable(found[key].dump()) : "nothing"),
                        value.dump());
        };
        // What says most comes first: the name, then the policies, then the numbers.
        if (described.contains("name")) compare("name", described["name"]);
        for (const bool text : {true, false}) {
            described.for_each_member([&](const std::string& key, const JsonValue& value) {
                if (value.is_string() == text) compare(key, value);
            });
        }
    });
    return fault;
}

}  // namespace detail

/// The model of a file; an error when it was made for another variant, a tensor is missing or has another shape, or a
/// number is not finite. A StudentOf<...> also reads a file that holds the teacher.
template <class Network>
FromFile<Model<Network>> try_load(const TensorFile& file) {
    if (const auto fault = detail::find_difference<Network>(file)) return *fault;
    auto encoder = try_read_encoder(file);
    if (!encoder) return encoder.error();
    Model<Network> model(std::move(*encoder));
    for (const ParameterInfo& p : model.registry.parameters) {
        const auto numbers = file.find<float>(p.name, {p.rows, p.cols});
        if (!numbers) return numbers.error();
        const auto strange = std::ranges::find_if(*numbers, [](float x) { return !std::isfinite(x); });
        if (strange != numbers->end())
            return ModelFileError(file.source, "tensor " + p.name, std::to_string(*strange), "finite numbers");
        std::ranges::copy(*numbers, model.parameters.at(p));
    }
    return model;
}
template <class Network>
FromFile<Model<Network>> try_load(const std::filesystem::path& path) {
    const auto file = try_read_model_file(path);
    if (!file) return file.error();
    return try_load<Network>(*file);
}

/// The same, and throws the error.
template <class Network>
Model<Network> load(const TensorFile& file) {
    return try_load<Network>(file).value();
}
template <class Network>
Model<Network> load(const std::filesystem::path& path) {
    return try_load<Network>(path).value();
}

}  // namespace psad::model_file
