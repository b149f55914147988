/// \file model_file.hpp
/// Models as safetensors files: the parameters as F32 tensors by name, the encoder, and the variant's
/// description.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "psad/model/model.hpp"
#include "psad/model_file/describe.hpp"
#include "psad/model_file/encoder_file.hpp"
#include "psad/model_file/named_data_file.hpp"
#include "psad/model_file/safetensors.hpp"
#include "psad/model_file/write_safetensors.hpp"

namespace psad::inline PSAD_ABI::model_file {

inline constexpr std::string_view model_format = "psad-model-4";

/// Which parts of a model a file holds.
enum class Parts { all, student };

/// Writes the file as a whole or not at all; throws FileError when it can't be written, SettingError for a model that
/// still has whitened columns. `name` is the variant's name, for people and for programs that choose among variants;
/// `data` the names of the data that it was trained on, null where ids are numbers; `notes` further metadata, on which
/// nothing depends.
template <class Network>
void save(const std::filesystem::path& path, const Model<Network>& model, const std::string& name,
          Parts parts = Parts::all, const NamedData* data = nullptr,
          const std::map<std::string, std::string>& notes = {}, Writing writing = Writing::file) {
    if (model.encoder.candidates().whitened() > 0)
        throw SettingError("model", "", "whitened columns, which no file holds", "fold_whitening(model) before");
    check_sizes(model);
    TensorFile file;
    JsonValue variant = JsonValue::object();
    describe<Network>().for_each_member([&](const std::string& part, const JsonValue& said) {
        if (part != "teacher" || parts == Parts::all) variant.set(part, said);
    });
    file.metadata.insert(notes.begin(), notes.end());
    file.metadata["psad.format"] = model_format;
    file.metadata["psad.name"] = name;
    file.metadata["psad.variant"] = variant.dump();
    add_encoder(file, model.encoder);
    if (data != nullptr) add_named_data(file, *data);
    for (const ParameterInfo& p : model.registry.parameters) {
        if (parts == Parts::student && p.part == Part::teacher) continue;
        const std::span<const float> numbers(model.parameters.at(p), p.size());
        file.tensors.push_back(tensor(p.name, {p.rows, p.cols}, numbers));
    }
    write_safetensors(path, file, writing);
}

/// A file read and known to be a psad model of this version.
inline TensorFile read_model_file(const std::filesystem::path& path) {
    TensorFile file = read_safetensors(path);
    const auto format = file.metadata.find("psad.format");
    if (format == file.metadata.end() || format->second != model_format) {
        throw ModelFileError(file.source, "metadata psad.format",
                             format == file.metadata.end() ? "no such key" : printable(format->second),
                             std::string(model_format));
    }
    return file;
}

/// The name under which a model was saved; throws ModelFileError when there is none.
inline std::string variant_name(const TensorFile& file) {
    const auto name = file.metadata.find("psad.name");
    if (name == file.metadata.end())
        throw ModelFileError(file.source, "metadata psad.name", "no such key", "the name of a variant");
    return name->second;
}

/// Whether a file holds a teacher. Throws ModelFileError where it does not say what it holds.
inline bool has_teacher(const TensorFile& file) {
    return detail::MetadataReader(file, "psad.variant").json().contains("teacher");
}

/// The model of a file; throws ModelFileError when it was made for another variant, a tensor is missing or
/// has another shape, or a number is not finite. A StudentOf<...> also reads a file that holds the teacher.
template <class Network>
Model<Network> load(const TensorFile& file) {
    const detail::MetadataReader reader(file, "psad.variant");
    describe<Network>().for_each_member([&](const std::string& part, const JsonValue& described) {
        if (!reader.json().contains(part)) reader.fail("no " + part, "a model with its " + part);
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
    Model<Network> model(read_encoder(file));
    for (const ParameterInfo& p : model.registry.parameters) {
        const auto numbers = file.values<float>(p.name, {p.rows, p.cols});
        for (const float x : numbers) {
            if (!std::isfinite(x)) {
                throw ModelFileError(file.source, "tensor " + p.name, std::to_string(x), "finite numbers");
            }
        }
        std::ranges::copy(numbers, model.parameters.at(p));
    }
    return model;
}

template <class Network>
Model<Network> load(const std::filesystem::path& path) {
    return load<Network>(read_model_file(path));
}

}  // namespace psad::model_file
