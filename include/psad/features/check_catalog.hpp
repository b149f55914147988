/// \file check_catalog.hpp
/// Whether a schema and a catalog from outside agree.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

/// Throws SettingError unless names are text, vocabularies are 1 to `max_vocabulary`, and the catalog has one
/// field per item field whose offsets rise from 0 to its number of ids, and no item more values than limits() say. Ids
/// beyond the vocabulary count as unknown.
inline void check_catalog(const Catalog& catalog, const Schema& schema) {
    const auto wrong = [](const std::string& place, std::size_t found, std::size_t wanted) {
        throw SettingError("catalog", place, std::to_string(found), std::to_string(wanted));
    };
    const auto must_be_few = [](const char* group, std::size_t columns) {
        if (columns > static_cast<std::size_t>(limits().columns))
            throw SettingError("schema", group, std::to_string(columns) + " columns",
                               "at most " + std::to_string(limits().columns) + ", or a larger limit: --max-columns");
    };
    for_each_fields(schema, [&](const char* group, const std::vector<FieldSchema>& fields) {
        must_be_few(group, fields.size());
        for (const FieldSchema& f : fields) {
            if (!is_text(f.name)) throw SettingError("schema", "field names", "bytes that are no text", "UTF-8");
            if (f.vocabulary < 1 || f.vocabulary > max_vocabulary) {
                throw SettingError("schema", f.name, "a vocabulary of " + std::to_string(f.vocabulary),
                                   "1 to " + std::to_string(max_vocabulary));
            }
        }
    });
    for_each_dense(schema, [&](const char* group, const std::vector<DenseFeature>& features) {
        must_be_few(group, features.size());
        std::set<std::string_view> names;
        for (const DenseFeature& f : features) {
            if (!is_text(f.name)) throw SettingError("schema", "feature names", "bytes that are no text", "UTF-8");
            if (!names.insert(f.name).second)
                throw SettingError("schema", f.name, "two features of that name", "each name once");
        }
    });
    if (schema.feedback_kinds < 1 || schema.feedback_kinds > max_feedback_kinds) {
        throw SettingError("schema", "feedback kinds", std::to_string(schema.feedback_kinds),
                           "1 to " + std::to_string(max_feedback_kinds));
    }
    if (catalog.items > static_cast<std::size_t>(max_vocabulary))
        wrong("items", catalog.items, static_cast<std::size_t>(max_vocabulary));
    if (catalog.fields.size() != schema.item_fields.size())
        wrong("fields", catalog.fields.size(), schema.item_fields.size());
    if (catalog.dense.size() != catalog.items * schema.item_dense.size())
        wrong("dense features", catalog.dense.size(), catalog.items * schema.item_dense.size());
    for (const double x : catalog.dense) {
        if (std::isinf(x))
            throw SettingError("catalog", "dense features", "an infinite number",
                               "finite numbers, or NaN for missing ones");
    }
    for (std::size_t f = 0; f < catalog.fields.size(); ++f) {
        const Catalog::Field& field = catalog.fields[f];
        const std::string& name = schema.item_fields[f].name;
        if (field.offsets.empty() || field.offsets.size() - 1 != catalog.items)
            wrong(name + ", number of offsets", field.offsets.size(), catalog.items + 1);
        if (!std::ranges::is_sorted(field.offsets) || field.offsets.front() != 0 ||
            field.offsets.back() != static_cast<std::int64_t>(field.ids.size())) {
            throw SettingError("catalog", name, "offsets that fall or do not end at the last id",
                               "offsets from 0 to " + std::to_string(field.ids.size()));
        }
        for (const std::int32_t id : field.ids) {
            if (id < 0) throw SettingError("catalog", name, "id " + std::to_string(id), "ids of 0 or more");
        }
    }
    if (const std::size_t i = find_crowded_item(catalog); i < catalog.items) {
        throw SettingError("catalog", "item " + std::to_string(i), std::to_string(catalog.values(i)) + " values",
                           "at most " + std::to_string(limits().values) + ", or a larger limit: --max-values");
    }
}

}  // namespace psad
