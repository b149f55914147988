/// \file encoding.hpp
/// From a dataset to what models take: its schema, its catalog, its requests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/data/dataset.hpp"
#include "psad/features/fit_encoder.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI::data {

/// A kind of event has a row of its own if it is below max_feedback_kinds.
inline Schema schema_of(const Dataset& d) {
    const Meta& meta = d.meta;
    const auto fields = [](const std::vector<std::string>& names, const std::vector<std::int32_t>& sizes) {
        std::vector<FieldSchema> out;
        for (std::size_t f = 0; f < names.size(); ++f) out.push_back({names[f], sizes[f]});
        return out;
    };
    Schema out{fields(meta.user_fields, meta.user_vocab), fields(meta.context_fields, meta.context_vocab),
               fields(meta.item_fields, meta.item_vocab)};
    for (const std::int32_t kind : d.events.feedback)
        out.feedback_kinds = (std::min)(max_feedback_kinds, (std::max)(out.feedback_kinds, kind + 1));
    return out;
}

inline Catalog catalog_of(const Dataset& d) {
    Catalog out;
    out.items = d.meta.items;
    for (const JaggedColumn& column : d.item_fields) {
        out.fields.push_back(
            {{column.offsets.begin(), column.offsets.end()}, {column.values.begin(), column.values.end()}});
    }
    return out;
}

/// All requests of a split: spans into the dataset, which must outlive them.
inline std::vector<Request> requests_of(const Dataset& d, const ListColumns& lists) {
    std::vector<Request> out;
    out.reserve(lists.size());
    for (std::size_t l = 0; l < lists.size(); ++l) out.push_back(d.request(lists, l));
    return out;
}

/// Ids mean the same only within one data set: throws DataError unless the set has the fields that the encoder was
/// fitted for, and all its items. It may have grown since: more items, and more values of a field, which count as
/// unknown.
inline void check_same_ids(const Encoder& encoder, const Dataset& d) {
    const Schema found = schema_of(d);
    const Schema& wanted = encoder.schema();
    const auto same = [&](const char* kind, const std::vector<FieldSchema>& have,
                          const std::vector<FieldSchema>& want) {
        const auto shown = [](const std::vector<FieldSchema>& fields) {
            std::string out;
            for (const FieldSchema& f : fields)
                out += (out.empty() ? "" : ", ") + f.name + " of " + std::to_string(f.vocabulary);
            return out.empty() ? "none" : out;
        };
        const auto fits = [](const FieldSchema& a, const FieldSchema& b) {
            return a.name == b.name && a.vocabulary >= b.vocabulary;
        };
        if (!std::ranges::equal(have, want, fits))
            throw DataError(d.meta.name, kind, shown(have), shown(want) + " or more, as the model knows");
    };
    same("user fields", found.user_fields, wanted.user_fields);
    same("context fields", found.context_fields, wanted.context_fields);
    same("item fields", found.item_fields, wanted.item_fields);
    if (d.meta.items < encoder.catalog().items) {
        throw DataError(d.meta.name, "items", std::to_string(d.meta.items),
                        std::to_string(encoder.catalog().items) + " or more, as the model knows");
    }
}

/// An encoder fitted to the training split alone.
inline Encoder fit_encoder(const Dataset& d, const EncoderSettings& settings = {}) {
    return psad::fit_encoder(schema_of(d), catalog_of(d), requests_of(d, d.train), settings);
}

}  // namespace psad::data
