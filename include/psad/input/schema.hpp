/// \file schema.hpp
/// What a request's columns mean, and the facts of the training data that encode them. Saved with every model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace psad {

/// A categorical field and the number of its ids (id 0 = unknown).
struct FieldSchema {
    std::string name;
    int vocabulary = 0;
};

struct Schema {
    std::vector<FieldSchema> user_fields, context_fields, item_fields;
};

/// The categorical values of every known item: field f of item i is ids[f][offsets[f][i] .. offsets[f][i + 1]).
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

/// What was learned from the training lists before any gradient step.
struct Statistics {
    double tau0 = 86400;  ///< median gap between events, seconds
    Scaling score, log_aux;
    std::vector<std::int32_t> item_row;  ///< per catalog item: its row in the id table; 0 = out of vocabulary
    int item_rows = 1;                   ///< rows of the id table
};

}  // namespace psad
