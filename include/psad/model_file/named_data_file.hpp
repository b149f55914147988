/// \file named_data_file.hpp
/// What a model file says of the data that its model was trained on: the meaning of columns, and the ids of names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/named_ids.hpp"
#include "psad/model_file/data_schema_json.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// Adds all that read_named_data needs.
inline void add_named_data(TensorFile& file, const NamedData& data) {
    file.metadata["psad.data"] = to_json(data.schema).dump();
    NamedIds::for_each_map(
        [&](const std::string& name, const IdMap& map) {
            const std::span bytes(reinterpret_cast<const std::int8_t*>(map.bytes().data()), map.bytes().size());
            file.tensors.push_back(
                tensor("names." + name + ".bytes", {static_cast<std::int64_t>(bytes.size())}, bytes));
            file.tensors.push_back(
                tensor("names." + name + ".ends", {static_cast<std::int64_t>(map.size())}, map.ends()));
        },
        data.ids);
}

/// The names that end to end are `bytes`; throws ModelFileError naming `place` where they are no map.
inline IdMap to_id_map(const std::string& source, const std::string& place, std::span<const std::int8_t> bytes,
                       std::span<const std::int64_t> ends) {
    try {
        return {std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), {ends.begin(), ends.end()}};
    } catch (const SettingError& e) {
        throw ModelFileError(source, "tensor " + place + ".ends", e.found(), e.wanted());
    }
}

/// Nothing where the model was made of numbered ids. `schema` and `catalog` are those of the model: throws
/// ModelFileError where names and ids do not agree.
inline std::optional<NamedData> read_named_data(const TensorFile& file, const Schema& schema, const Catalog& catalog) {
    const auto text = file.metadata.find("psad.data");
    if (text == file.metadata.end()) return std::nullopt;
    NamedData out;
    try {
        out.schema = parse_data_schema(text->second, file.source);
    } catch (const DataError& e) {
        throw ModelFileError(file.source, "metadata psad.data, " + e.place(), e.found(), e.wanted());
    }
    out.ids = NamedIds(out.schema);
    NamedIds::for_each_map(
        [&](const std::string& name, IdMap& map) {
            const std::string place = "names." + name;
            map = to_id_map(file.source, place, file.values<std::int8_t>(place + ".bytes"),
                            file.values<std::int64_t>(place + ".ends"));
        },
        out.ids);
    const Schema named = request_schema(out);
    const auto must_agree = [&](const std::string& what, std::size_t found, std::size_t wanted) {
        if (found != wanted)
            throw ModelFileError(file.source, "names of " + what, std::to_string(found), std::to_string(wanted));
    };
    must_agree("items", out.ids.items.size(), catalog.items);
    must_agree("kinds of events", static_cast<std::size_t>(named.feedback_kinds),
               static_cast<std::size_t>(schema.feedback_kinds));
    for_each_fields(named, [&](const std::string& group, const std::vector<FieldSchema>& fields) {
        for_each_fields(schema, [&](const std::string& other, const std::vector<FieldSchema>& of_model) {
            if (group != other) return;
            must_agree(group, fields.size(), of_model.size());
            for (std::size_t f = 0; f < fields.size(); ++f)
                must_agree(fields[f].name, static_cast<std::size_t>(fields[f].vocabulary),
                           static_cast<std::size_t>(of_model[f].vocabulary));
        });
    });
    for_each_dense(named, [&](const std::string& group, const std::vector<DenseFeature>& dense) {
        for_each_dense(schema, [&](const std::string& other, const std::vector<DenseFeature>& of_model) {
            if (group == other) must_agree(group, dense.size(), of_model.size());
        });
    });
    return out;
}

}  // namespace psad::model_file
