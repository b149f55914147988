/// \file schema.hpp
/// What a request's columns mean, and the facts of the training data that encode them. Saved with every
/// model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace psad {

/// The most ids that a field, or the catalog, may have.
inline constexpr int most_values = 100'000'000;

/// A categorical field and the number of its ids (id 0 = unknown).
struct FieldSchema {
    std::string name;
    int vocabulary = 0;
    bool operator==(const FieldSchema&) const = default;
};

struct Schema {
    std::vector<FieldSchema> user_fields, context_fields, item_fields;
};

/// The categorical values of every known item: field f of item i is ids[f][offsets[f][i] .. offsets[f][i +
/// 1]).
struct Catalog {
    struct Field {
        std::vector<std::int64_t> offsets{0};
        std::vector<std::int32_t> ids;
        std::span<const std::int32_t> operator[](std::size_t item) const {
            return {ids.data() + offsets[item], ids.data() + offsets[item + 1]};
        }
    };
    std::vector<Field> fields;
    std::size_t items = 0;
};

/// Mean and inverse deviation of a dense column over the training lists.
struct Scaling {
    float mean = 0;
    float rate = 1;
};

/// Which values of a field have an embedding row of their own; all others share row 0.
struct Vocabulary {
    std::vector<std::int32_t> row_of;  ///< per value: its row; values beyond the end have row 0
    int rows = 1;

    int operator[](std::int32_t value) const {
        const auto v = static_cast<std::size_t>(value);
        return v < row_of.size() ? row_of[v] : 0;
    }
};

/// What was learned from the training lists before any gradient step.
struct Statistics {
    double tau0 = 86400;  ///< median gap between events, seconds
    Scaling score, log_aux;
    std::vector<float> dense_rate,
        match_rate;                       ///< per dense column, what brings its deviation to 1; empty = all 1
    Vocabulary items;                     ///< item ids
    std::vector<Vocabulary> item_fields;  ///< values of each item field
    std::vector<Vocabulary> profile_fields;  ///< of each user field, then of each context field
};

}  // namespace psad
