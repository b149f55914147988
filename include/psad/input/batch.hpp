/// \file batch.hpp
/// What a model is fed: the encoded columns of several requests, jagged, in host memory; and a view of them.
#pragma once

#include <cstddef>
#include <vector>

#include "psad/autograd/ops/gather.hpp"
#include "psad/core/layout.hpp"

namespace psad {

/// Sizes of the position tables; larger values share the last row.
inline constexpr int age_buckets = 32;
inline constexpr int event_positions = 64;
inline constexpr int rank_positions = 128;
inline constexpr int feedback_kinds = 16;
/// Widths of the encoded dense columns; see encoder.hpp for what each number is.
inline constexpr int dense_width = 16;
inline constexpr int match_width = 10 + feedback_kinds;
inline constexpr int profile_width = 4;

/// Pointers into a Batch (or into its copy on a device). Rows are those of `layout`.
template <class T>
struct Inputs {
    Layout layout;
    int profile_field_count = 0, item_field_count = 0;
    const Bag* profile_fields = nullptr;  ///< one per user and context field, over lists
    const T* profile = nullptr;           ///< [lists, profile_width]
    const Bag* item_fields = nullptr;     ///< id, then one per item field, over candidates
    const T* dense = nullptr;             ///< [items, dense_width]
    const int* rank = nullptr;            ///< [items] prior rank, below rank_positions
    const Bag* event_fields = nullptr;    ///< as item_fields, over events
    const int* feedback = nullptr;        ///< [events] below feedback_kinds
    const int* age_bucket = nullptr;      ///< [events] below age_buckets
    const int* event_index = nullptr;     ///< [events] 0 = latest, below event_positions
    const T* age = nullptr;               ///< [events] age / tau0
    Bag match;                            ///< per candidate the rows of the events on it, latest first
    const T* match_dense = nullptr;       ///< [items, match_width]
    const int* match_feedback = nullptr;  ///< [items] feedback of the last match, -1 = none
    const int* match_bucket = nullptr;    ///< [items] age bucket of the last match, -1 = none
    const int* match_index = nullptr;     ///< [items] index of the last match, -1 = none
    const T* touched = nullptr;           ///< [lists] 1 where the history holds a candidate of the list
};

/// Owns the columns. Reused from batch to batch: no allocation once warm.
template <class T>
class Batch {
  public:
    /// Ids of one categorical field, row after row.
    struct Field {
        std::vector<int> bag{0};
        std::vector<int> ids;

        void clear() {
            bag.assign(1, 0);
            ids.clear();
        }
        /// One row of several values, each through its vocabulary.
        template <class Values, class Rows>
        void add(const Values& values, const Rows& row_of) {
            for (const auto value : values) ids.push_back(row_of[value]);
            bag.push_back(static_cast<int>(ids.size()));
        }
        void add(int id) {
            ids.push_back(id);
            bag.push_back(static_cast<int>(ids.size()));
        }
    };

    LayoutStorage layout;
    std::vector<Field> profile_fields, item_fields, event_fields;
    Field match;
    std::vector<T> profile, dense, age, match_dense, touched;
    std::vector<float> log_aux;  ///< scratch: log(1 + aux) of the list being added
    std::vector<int> rank, feedback, age_bucket, event_index, match_feedback, match_bucket, match_index;

    void clear() {
        layout.clear();
        for (auto* fields : {&profile_fields, &item_fields, &event_fields}) {
            for (Field& f : *fields) f.clear();
        }
        match.clear();
        for (auto* column : {&profile, &dense, &age, &match_dense, &touched}) column->clear();
        for (auto* column :
             {&rank, &feedback, &age_bucket, &event_index, &match_feedback, &match_bucket, &match_index}) {
            column->clear();
        }
    }

    /// Valid until the batch changes.
    Inputs<T> view() {
        bags_.clear();
        for (const auto* fields : {&profile_fields, &item_fields, &event_fields}) {
            for (const Field& f : *fields)
                bags_.push_back({f.bag.data(), f.ids.data(), static_cast<int>(f.ids.size())});
        }
        Inputs<T> in;
        in.layout = layout.view();
        in.profile_field_count = static_cast<int>(profile_fields.size());
        in.item_field_count = static_cast<int>(item_fields.size());
        in.profile_fields = bags_.data();
        in.item_fields = in.profile_fields + profile_fields.size();
        in.event_fields = in.item_fields + item_fields.size();
        in.profile = profile.data();
        in.dense = dense.data();
        in.rank = rank.data();
        in.feedback = feedback.data();
        in.age_bucket = age_bucket.data();
        in.event_index = event_index.data();
        in.age = age.data();
        in.match = {match.bag.data(), match.ids.data(), static_cast<int>(match.ids.size())};
        in.match_dense = match_dense.data();
        in.match_feedback = match_feedback.data();
        in.match_bucket = match_bucket.data();
        in.match_index = match_index.data();
        in.touched = touched.data();
        return in;
    }

  private:
    std::vector<Bag> bags_;
};

}  // namespace psad
