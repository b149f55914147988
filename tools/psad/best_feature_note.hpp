// The best single feature on the validation lists, kept in the model file: evaluate shows it beside the model.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/eval/best_feature.hpp"
#include "psad/model_file/strict_json.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::cli {

inline constexpr const char* best_feature_key = "psad.best_feature";

inline std::map<std::string, std::string> best_feature_note(const std::optional<eval::FeatureOrder>& found) {
    if (!found) return {};
    return {
        {best_feature_key, model_file::JsonValue::object("name", found->name, "direction", found->direction).dump()}};
}

/// Throws ModelFileError for a note that says something else.
inline std::optional<eval::FeatureOrder> read_best_feature(const model_file::TensorFile& file) {
    const auto found = file.metadata.find(best_feature_key);
    if (found == file.metadata.end()) return std::nullopt;
    if (const auto parsed = model_file::parse_strictly(found->second, 2)) {
        const model_file::JsonValue& note = *parsed;
        const bool is_note = note.contains("name") && note["name"].is_string() && note.contains("direction") &&
                             note["direction"].is_number();
        const double direction = is_note ? note["direction"].get<double>() : 0;
        if (direction == 1 || direction == -1) return eval::FeatureOrder{note["name"].get<std::string>(), direction};
    }
    throw ModelFileError(file.source, std::string("metadata ") + best_feature_key, printable(found->second),
                         "the name of a feature and its direction, 1 or -1");
}

/// Its column; throws ModelFileError where lists have none of that name.
inline eval::DenseColumn best_feature_column(const Schema& schema, const eval::FeatureOrder& feature,
                                             const model_file::TensorFile& file) {
    try {
        return eval::DenseColumn(schema, feature.name);
    } catch (const SettingError& e) {
        throw ModelFileError(file.source, std::string("metadata ") + best_feature_key, e.found(), e.wanted());
    }
}

}  // namespace psad::cli
