/// \file save_model.hpp
/// Writes models as safetensors files: the parameters as F32 tensors by name, the encoder, and the variant's
/// description.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "psad/core/error.hpp"
#include "psad/model/model.hpp"
#include "psad/model_file/describe.hpp"
#include "psad/model_file/encoder_file.hpp"
#include "psad/model_file/named_data_file.hpp"
#include "psad/model_file/write_safetensors.hpp"

namespace psad::inline PSAD_ABI::model_file {

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

}  // namespace psad::model_file
