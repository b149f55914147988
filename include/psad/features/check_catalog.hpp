/// \file check_catalog.hpp
/// Whether a schema and a catalog from outside agree.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

namespace check_detail {

inline std::optional<SettingError> few_columns(const char* group, std::size_t columns) {
    if (columns <= static_cast<std::size_t>(limits().columns)) return {};
    return SettingError("schema", group, std::to_string(columns) + " columns",
                        "at most " + std::to_string(limits().columns) + ", or a larger limit: --max-columns");
}
inline std::optional<SettingError> columns(const char* group, const std::vector<FieldSchema>& fields) {
    if (auto fault = few_columns(group, fields.size())) return fault;
    for (const FieldSchema& f : fields) {
        if (!is_text(f.name)) return SettingError("schema", "field names", "bytes that are no text", "UTF-8");
        if (f.vocabulary < 1 || f.vocabulary > max_vocabulary) {
            return SettingError("schema", f.name, "a vocabulary of " + std::to_string(f.vocabulary),
                                "1 to " + std::to_string(max_vocabulary));
        }
    }
    return {};
}
inline std::optional<SettingError> columns(const char* group, const std::vector<DenseFeature>& features) {
    if (auto fault = few_columns(group, features.size())) return fault;
    std::set<std::string_view> names;
    for (const DenseFeature& f : features) {
        if (!is_text(f.name)) return SettingError("schema", "feature names", "bytes that are no text", "UTF-8");
        if (!names.insert(f.name).second)
            return SettingError("schema", f.name, "two features of that name", "each name once");
    }
    return {};
}
inline std::optional<SettingError> count(const std::string& place, std::size_t found, std::size_t wanted) {
    if (found == wanted) return {};
    return SettingError("catalog", place, std::to_string(found), std::to_string(wanted));
}

}  // namespace check_detail

/// What is wrong with a catalog or its schema, if anything is. Names must be text and vocabularies 1 to
/// `max_vocabulary`; the catalog must have one field per item field whose offsets rise from 0 to its number of ids, and
/// no item more values than limits() say. Ids beyond the vocabulary count as unknown.
inline std::optional<SettingError> find_fault(const Catalog& catalog, const Schema& schema) {
    namespace detail = check_detail;
    std::optional<SettingError> of_columns;
    const auto visit = [&](const char* group, const auto& columns) {
        if (!of_columns) of_columns = detail::columns(group, columns);
    };
    for_each_fields(schema, visit);
    for_each_dense(schema, visit);
    if (of_columns) return of_columns;
    if (schema.feedback_kinds < 1 || schema.feedback_kinds > max_feedback_kinds) {
        return SettingError("schema", "feedback kinds", std::to_string(schema.feedback_kinds),
                            "1 to " + std::to_string(max_feedback_kinds));
    }
    const std::size_t items = catalog.items;
    if (items > static_cast<std::size_t>(max_vocabulary))
        return SettingError("catalog", "items", std::to_string(items), std::to_string(max_vocabulary));
    if (auto fault = detail::count("fields", catalog.fields.size(), schema.item_fields.size())) return fault;
    if (auto fault = detail::count("dense features", catalog.dense.size(), items * schema.item_dense.size()))
        return fault;
    for (const double x : catalog.dense) {
        if (std::isinf(x))
            return SettingError("catalog", "dense features", "an infinite number",
                                "finite numbers, or NaN for missing ones");
    }
    for (std::size_t f = 0; f < catalog.fields.size(); ++f) {
        const Catalog::Field& field = catalog.fields[f];
        const std::string& name = schema.item_fields[f].name;
        if (auto fault = detail::count(name + ", number of offsets", field.offsets.size(), items + 1)) return fault;
        if (!std::ranges::is_sorted(field.offsets) || field.offsets.front() != 0 ||
            field.offsets.back() != static_cast<std::int64_t>(field.ids.size())) {
            return SettingError("catalog", name, "offsets that fall or do not end at the last id",
                                "offsets from 0 to " + std::to_string(field.ids.size()));
        }
        for (const std::int32_t id : field.ids) {
            if (id < 0) return SettingError("catalog", name, "id " + std::to_string(id), "ids of 0 or more");
        }
    }
    if (const std::size_t i = find_crowded_item(catalog); i < items) {
        return SettingError("catalog", "item " + std::to_string(i), std::to_string(catalog.values(i)) + " values",
                            "at most " + std::to_string(limits().values) + ", or a larger limit: --max-values");
    }
    return {};
}

/// Throws what find_fault finds.
inline void check_catalog(const Catalog& catalog, const Schema& schema) {
    if (const auto fault = find_fault(catalog, schema)) raise(*fault);
}

}  // namespace psad
