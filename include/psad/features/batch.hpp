/// \file batch.hpp
/// What a model is fed: the encoded columns of several requests, jagged, in host memory; and a view of them.
#pragma once

#include <cstdint>
#include <vector>

#include "psad/core/columns.hpp"
#include "psad/features/dense_features.hpp"
#include "psad/features/field_match.hpp"

namespace psad::inline PSAD_ABI {

/// Sizes of the position tables; larger values share the last row.
inline constexpr int age_buckets = 32;
inline constexpr int event_positions = 64;
inline constexpr int rank_positions = 128;

/// What the encoder makes of a schema and its statistics: rows of each embedding table, and numbers of each input.
struct InputSizes {
    std::vector<int> profile, item;     ///< table rows per user and context field; item[0] is the id table
    std::vector<int> candidate, event;  ///< table rows per field of candidates and events alone
    int profile_columns = 0;            ///< of `profile_dense`
    int item_columns = 0;               ///< of `dense`
    int scaled_columns = 0;             ///< the first so many of `dense` are also seen against the list
    int event_columns = 0;              ///< of `event_dense`
    int match_columns = 0;              ///< of `match_dense`
    int feedback_kinds = 0;
};

/// The columns of encoded requests: owned by a Batch, or seen through Inputs. T is the scalar type.
template <class T, class Store>
struct InputColumns {
    template <class U>
    using column = typename Store::template column<U>;
    using features = typename Store::template features<T>;

    typename Store::bags profile_fields{};  ///< one per user and context field, over lists
    features profile_dense{};               ///< [lists] ProfileFeatures, then user and context features
    typename Store::bags item_fields{};     ///< id, then one per item and candidate field, over candidates
    features dense{};                       ///< [items] see CandidateEncoder
    features list_scale{};                  ///< [lists] 1 / deviation within the list of the scaled columns of `dense`
    features list_shift{};                  ///< [lists] -mean / deviation
    column<int> rank{};                     ///< [items] initial rank, below rank_positions
    typename Store::bags event_fields{};    ///< id, then one per item and event field, over events
    features event_dense{};                 ///< [events] features of the event and of its item
    column<int> feedback{};                 ///< [events] below feedback_kinds
    column<int> age_bucket{};               ///< [events] below age_buckets
    column<int> event_index{};              ///< [events] 0 = latest, below event_positions
    column<T> age{};                        ///< [events] age / tau0
    typename Store::bag match{};            ///< per candidate the rows of the events on it, latest first
    features match_dense{};                 ///< [items] MatchFeatures, then one number per kind of feedback
    column<int> match_feedback{};           ///< [items] feedback of the last match, -1 = none
    column<int> match_bucket{};             ///< [items] age bucket of the last match, -1 = none
    column<int> match_index{};              ///< [items] index of the last match, -1 = none
    column<T> has_interacted{};             ///< [lists] 1 where the history holds a candidate
    features like{};                        ///< [items] a value per field with neighbour effects, see NeighbourEncoder
    features like_effect{};                 ///< [lists] their effects, Exposure::reach per field

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit(Column<Lists>{"profile_fields"}, self.profile_fields...);
        visit(Column<Lists>{"profile_dense"}, self.profile_dense...);
        visit(Column<Items>{"item_fields"}, self.item_fields...);
        visit(Column<Items>{"dense"}, self.dense...);
        visit(Column<Lists>{"list_scale"}, self.list_scale...);
        visit(Column<Lists>{"list_shift"}, self.list_shift...);
        visit(Column<Items>{"rank"}, self.rank...);
        visit(Column<Events>{"event_fields"}, self.event_fields...);
        visit(Column<Events>{"event_dense"}, self.event_dense...);
        visit(Column<Events>{"feedback"}, self.feedback...);
        visit(Column<Events>{"age_bucket"}, self.age_bucket...);
        visit(Column<Events>{"event_index"}, self.event_index...);
        visit(Column<Events>{"age"}, self.age...);
        visit(Column<Items>{"match"}, self.match...);
        visit(Column<Items>{"match_dense"}, self.match_dense...);
        visit(Column<Items>{"match_feedback"}, self.match_feedback...);
        visit(Column<Items>{"match_bucket"}, self.match_bucket...);
        visit(Column<Items>{"match_index"}, self.match_index...);
        visit(Column<Lists>{"has_interacted"}, self.has_interacted...);
        visit(Column<Items>{"like"}, self.like...);
        visit(Column<Lists>{"like_effect"}, self.like_effect...);
    }
};

/// Pointers into a Batch, or into its copy on a device. Rows are those of `layout`.
template <class T>
struct Inputs : InputColumns<T, Viewed> {
    Layout layout;
};

/// What the encoder could not take as it came. Counts of all requests since the last reset.
struct EncodingCounts {
    std::int64_t requests = 0;
    std::int64_t late_events = 0;      ///< at or after the request: not read
    std::int64_t cut_events = 0;       ///< older than the latest max_history: not read
    std::int64_t unknown_items = 0;    ///< candidates and events with an item that has no row of its own
    std::int64_t unknown_values = 0;   ///< of categorical fields
    std::int64_t unknown_kinds = 0;    ///< of events, beyond the kinds of the schema
    std::int64_t missing_numbers = 0;  ///< dense features without a value
    std::int64_t cut_numbers = 0;      ///< dense features beyond +-DenseTransforms::bound

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit("requests", self.requests...);
        visit("late_events", self.late_events...);
        visit("cut_events", self.cut_events...);
        visit("unknown_items", self.unknown_items...);
        visit("unknown_values", self.unknown_values...);
        visit("unknown_kinds", self.unknown_kinds...);
        visit("missing_numbers", self.missing_numbers...);
        visit("cut_numbers", self.cut_numbers...);
    }
    EncodingCounts& operator+=(const EncodingCounts& other) {
        for_each_column([](const char*, std::int64_t& a, const std::int64_t& b) { a += b; }, *this, other);
        return *this;
    }
};

/// Owns the columns. Reused from batch to batch: no allocation once warm.
template <class T>
struct Batch : InputColumns<T, Owned> {
    LayoutStorage layout;
    EncodingCounts counts;  ///< go on over clear()
    // The encoder's, of the list that it reads:
    std::vector<T> scratch;                                ///< one column
    std::vector<CatalogRow> candidate_items, event_items;  ///< events latest first
    FieldEvents field_events;                              ///< one field of the history

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
