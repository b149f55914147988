/// \file schema.hpp
/// What a request's columns mean, and the facts of the training data that encode them. Saved with every
/// model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// The largest number of ids of a field or of the catalog.
inline constexpr int max_vocabulary = 100'000'000;

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

/// Mean and inverse deviation of a number over the training lists.
struct Scaling {
    float mean = 0;
    float inv_std = 1;

    template <class Visit, class Self>
    static void for_each_column(Visit&& visit, Self& self) {
        visit("mean", self.mean);
        visit("inv_std", self.inv_std);
    }
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

/// What was learned from the training lists before any gradient step. It is saved with the model: writing and reading
/// go through for_each_column.
struct Statistics {
    double tau0 = 86400;  ///< median gap between events, seconds
    Scaling score, log_aux;
    std::vector<float> dense_inv_std;        ///< per number of CandidateFeatures; empty = all 1
    std::vector<float> match_inv_std;        ///< per number of MatchFeatures; empty = all 1
    Vocabulary items;                        ///< item ids
    std::vector<Vocabulary> item_fields;     ///< values of each item field
    std::vector<Vocabulary> profile_fields;  ///< of each user field, then of each context field

    template <class Visit, class Self>
    static void for_each_column(Visit&& visit, Self& self) {
        visit("tau0", self.tau0);
        visit("score", self.score);
        visit("log_aux", self.log_aux);
        visit("dense_inv_std", self.dense_inv_std);
        visit("match_inv_std", self.match_inv_std);
        visit("items", self.items);
        visit("item_fields", self.item_fields);
        visit("profile_fields", self.profile_fields);
    }
};

}  // namespace psad
