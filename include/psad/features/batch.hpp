/// \file batch.hpp
/// What a model is fed: the encoded columns of several requests, jagged, in host memory; and a view of them.
#pragma once

#include <vector>

#include "psad/core/columns.hpp"
#include "psad/features/dense_features.hpp"

namespace psad::inline PSAD_ABI {

/// Sizes of the position tables; larger values share the last row.
inline constexpr int age_buckets = 32;
inline constexpr int event_positions = 64;
inline constexpr int rank_positions = 128;

/// The columns of encoded requests: owned by a Batch, or seen through Inputs. T is the scalar type.
template <class T, class Store>
struct InputColumns {
    typename Store::bags profile_fields{};               ///< one per user and context field, over lists
    typename Store::template column<T> profile{};        ///< [lists, profile_width] see ProfileFeatures
    typename Store::bags item_fields{};                  ///< id, then one per item field, over candidates
    typename Store::template column<T> dense{};          ///< [items, dense_width] see CandidateFeatures
    typename Store::template column<int> rank{};         ///< [items] initial rank, below rank_positions
    typename Store::bags event_fields{};                 ///< as item_fields, over events
    typename Store::template column<int> feedback{};     ///< [events] below feedback_kinds
    typename Store::template column<int> age_bucket{};   ///< [events] below age_buckets
    typename Store::template column<int> event_index{};  ///< [events] 0 = latest, below event_positions
    typename Store::template column<T> age{};            ///< [events] age / tau0
    typename Store::bag match{};                         ///< per candidate the rows of the events on it, latest first
    typename Store::template column<T> match_dense{};    ///< [items, match_width] see MatchFeatures
    typename Store::template column<int> match_feedback{};  ///< [items] feedback of the last match, -1 = none
    typename Store::template column<int> match_bucket{};    ///< [items] age bucket of the last match, -1 = none
    typename Store::template column<int> match_index{};     ///< [items] index of the last match, -1 = none
    typename Store::template column<T> has_interacted{};    ///< [lists] 1 where the history holds a candidate

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit(Column<Lists>{"profile_fields"}, self.profile_fields...);
        visit(Column<Lists, profile_width>{"profile"}, self.profile...);
        visit(Column<Items>{"item_fields"}, self.item_fields...);
        visit(Column<Items, dense_width>{"dense"}, self.dense...);
        visit(Column<Items>{"rank"}, self.rank...);
        visit(Column<Events>{"event_fields"}, self.event_fields...);
        visit(Column<Events>{"feedback"}, self.feedback...);
        visit(Column<Events>{"age_bucket"}, self.age_bucket...);
        visit(Column<Events>{"event_index"}, self.event_index...);
        visit(Column<Events>{"age"}, self.age...);
        visit(Column<Items>{"match"}, self.match...);
        visit(Column<Items, match_width>{"match_dense"}, self.match_dense...);
        visit(Column<Items>{"match_feedback"}, self.match_feedback...);
        visit(Column<Items>{"match_bucket"}, self.match_bucket...);
        visit(Column<Items>{"match_index"}, self.match_index...);
        visit(Column<Lists>{"has_interacted"}, self.has_interacted...);
    }
};

/// Pointers into a Batch, or into its copy on a device. Rows are those of `layout`.
template <class T>
struct Inputs : InputColumns<T, Viewed> {
    Layout layout;
};

/// Owns the columns. Reused from batch to batch: no allocation once warm.
template <class T>
struct Batch : InputColumns<T, Owned> {
    LayoutStorage layout;
    std::vector<float> log_aux;  ///< scratch of the encoder: log(1 + aux) of the list being added

    void clear() {
        layout.clear();
        clear_columns(*this);
    }

    /// Valid until the batch changes.
    Inputs<T> view() {
        Inputs<T> in;
        in.layout = layout.view();
        view_columns(*this, in);
        return in;
    }
};

}  // namespace psad
