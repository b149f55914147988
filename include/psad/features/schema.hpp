/// \file schema.hpp
/// What a request's columns mean, and the facts of the training data that encode them. Saved with every
/// model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/version.hpp"
#include "psad/features/dense_transform.hpp"
#include "psad/features/exposure.hpp"

namespace psad::inline PSAD_ABI {

/// The largest number of ids of a field or of the catalog.
inline constexpr int max_vocabulary = 100'000'000;

/// The largest number of kinds of events.
inline constexpr int max_feedback_kinds = 1000;

/// A categorical field and the number of its ids (id 0 = unknown). Greater ids count as unknown.
struct FieldSchema {
    std::string name;
    int vocabulary = 0;
    bool match = true;  ///< of items: candidates are matched with the history by it (FieldMatch)
    bool operator==(const FieldSchema&) const = default;
};

/// A dense feature.
struct DenseFeature {
    std::string name;
    /// Of a candidate: it is also compared with the candidates further up and with its neighbours (AlongList). Costs
    /// six numbers a candidate.
    bool along_list = false;
    bool optional = false;  ///< some training lists lack the column: set by fit_encoder
    bool operator==(const DenseFeature&) const = default;
};

/// The columns of requests, of the catalog and of events, by name and in order.
struct Schema {
    std::vector<FieldSchema> user_fields = {}, context_fields = {}, item_fields = {}, candidate_fields = {},
                             event_fields = {};
    /// `score` and `aux` among `candidate_dense` may come as columns of their own (Request::scores, aux).
    std::vector<DenseFeature> user_dense = {}, context_dense = {}, item_dense = {}, candidate_dense = {},
                              event_dense = {};
    int feedback_kinds = 16;  ///< kinds of events; 0 = unknown
    bool ordered = true;      ///< false: no input tells where a candidate stands in its list
};

/// Calls visit(name, fields) for the categorical fields of each kind of row.
template <class Visit, class Self>
void for_each_fields(Self& schema, Visit&& visit) {
    visit("user_fields", schema.user_fields);
    visit("context_fields", schema.context_fields);
    visit("item_fields", schema.item_fields);
    visit("candidate_fields", schema.candidate_fields);
    visit("event_fields", schema.event_fields);
}
/// Calls visit(name, features) for the dense features of each kind of row.
template <class Visit, class Self>
void for_each_dense(Self& schema, Visit&& visit) {
    visit("user_dense", schema.user_dense);
    visit("context_dense", schema.context_dense);
    visit("item_dense", schema.item_dense);
    visit("candidate_dense", schema.candidate_dense);
    visit("event_dense", schema.event_dense);
}

/// Which values of a field have an embedding row of their own; all others share row 0. Takes memory by the number of
/// those values, however large they are.
class Vocabulary {
  public:
    Vocabulary() = default;
    /// The first of the values, none of which is negative, has row 1, the next row 2, and so on; none
    /// stands there twice.
    explicit Vocabulary(std::span<const std::int32_t> values) : rows_(static_cast<int>(values.size()) + 1) {
        for (std::size_t i = 0; i < values.size(); ++i) far_.push_back({values[i], static_cast<int>(i) + 1});
        std::ranges::stable_sort(far_, {}, &Entry::value);
        // All values below the end of `near_` are looked up there: not many more than there are rows.
        std::size_t dense = 0, end = 0;
        for (std::size_t k = 0; k < far_.size(); ++k) {
            const auto v = static_cast<std::size_t>(far_[k].value);
            if (v < 16 * (k + 1) + 1024) dense = k + 1, end = v + 1;
        }
        near_.assign(end, 0);
        for (std::size_t k = 0; k < dense; ++k) near_[static_cast<std::size_t>(far_[k].value)] = far_[k].row;
        far_.erase(far_.begin(), far_.begin() + static_cast<std::ptrdiff_t>(dense));
    }

    /// Of the embedding table.
    int rows() const { return rows_; }
    int operator[](std::int32_t value) const {
        const auto v = static_cast<std::size_t>(value);
        if (v < near_.size()) return near_[v];
        if (far_.empty()) return 0;
        const auto found = std::ranges::lower_bound(far_, value, {}, &Entry::value);
        return found != far_.end() && found->value == value ? found->row : 0;
    }
    /// The values in the order of their rows from 1 on.
    std::vector<std::int32_t> values() const {
        std::vector<std::int32_t> out(static_cast<std::size_t>(rows_ - 1));
        for (std::size_t v = 0; v < near_.size(); ++v) {
            if (near_[v] > 0) out[static_cast<std::size_t>(near_[v] - 1)] = static_cast<std::int32_t>(v);
        }
        for (const Entry& e : far_) out[static_cast<std::size_t>(e.row - 1)] = e.value;
        return out;
    }

  private:
    struct Entry {
        std::int32_t value;
        int row;
    };
    std::vector<int> near_;   ///< per value: its row
    std::vector<Entry> far_;  ///< of values beyond, by value
    int rows_ = 1;
};

/// What was learned from the training lists before any gradient step. It is saved with the model: writing and reading
/// go through for_each_column.
struct Statistics {
    double tau0 = 86400;  ///< median gap between events, seconds
    /// One transform for each dense feature of the schema, in its order.
    DenseTransforms user_dense, context_dense, item_dense, candidate_dense, event_dense;
    std::vector<float> derived_inv_std;      ///< per derived number of a candidate; empty = all 1
    std::vector<float> match_inv_std;        ///< per number of a match; empty = all 1
    Exposure exposure;                       ///< of the lists that were shown, where it was estimated
    Vocabulary items;                        ///< item ids
    std::vector<Vocabulary> item_fields;     ///< values of each item field
    std::vector<Vocabulary> profile_fields;  ///< of each user field, then of each context field
    std::vector<Vocabulary> candidate_fields, event_fields;

    template <class Visit, class Self>
    static void for_each_column(Visit&& visit, Self& self) {
        visit("tau0", self.tau0);
        visit("user_dense", self.user_dense);
        visit("context_dense", self.context_dense);
        visit("item_dense", self.item_dense);
        visit("candidate_dense", self.candidate_dense);
        visit("event_dense", self.event_dense);
        visit("derived_inv_std", self.derived_inv_std);
        visit("match_inv_std", self.match_inv_std);
        visit("positions", self.exposure.position);
        visit("neighbours", self.exposure.neighbours);
        visit("items", self.items);
        visit("item_fields", self.item_fields);
        visit("profile_fields", self.profile_fields);
        visit("candidate_fields", self.candidate_fields);
        visit("event_fields", self.event_fields);
    }
};

}  // namespace psad
