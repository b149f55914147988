/// \file layout.hpp
/// Where the rows of each list lie: jagged offsets per axis and per pair of axes. Nothing is padded.
///
/// A batch of two requests, the first with 3 candidates and 2 events, the second with 2 candidates and none:
///     items   rows 0 1 2 | 3 4      begin {0, 3}, end {3, 5}, owner {0, 0, 0, 1, 1}
///     events  rows 0 1   |          begin {0, 2}, end {2, 2}, owner {0, 0}
///     pairs of items and events: 6 | 0, offset {0, 6}; candidate 1 and event 0 of list 0 are pair 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "psad/core/axes.hpp"
#include "psad/core/error.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// The rows of one axis: list l owns rows [begin[l], end[l]); owner[r] is the list of row r.
struct Jagged {
    int rows = 0;
    const int* begin = nullptr;  ///< [lists]
    const int* end = nullptr;    ///< [lists]
    const int* owner = nullptr;  ///< [rows]
};

/// One query's row of pairs: `count` pairs from `start`, with the keys from row `first_key` on.
struct QueryPairs {
    int first_key, count, start;
};

/// The (query, key) pairs of each list: list l owns a row-major matrix, queries by keys, from offset[l].
struct PairLayout {
    int lists = 0;
    int rows = 0;  ///< pairs in all
    const int* query_begin = nullptr;
    const int* query_end = nullptr;
    const int* query_owner = nullptr;
    const int* key_begin = nullptr;
    const int* key_end = nullptr;
    const int* offset = nullptr;  ///< [lists]
    int queries = 0;              ///< query rows in all
    int keys = 0;                 ///< key rows in all

    PSAD_HOST_DEVICE QueryPairs row(int query) const {
        const int l = query_owner[query];
        const int count = key_end[l] - key_begin[l];
        return {key_begin[l], count, offset[l] + (query - query_begin[l]) * count};
    }
};

/// Where the pairs of two axes lie.
struct PairOffsets {
    const int* offset = nullptr;  ///< [lists] the list's first pair
    int rows = 0;                 ///< pairs in all
};

/// The numbers of rows of a batch, list by list. A view: LayoutStorage (or a decoder) owns the arrays. They lie where
/// the device reads them; `lists` and every `rows` can always be read on the host.
struct Layout {
    int lists = 0;
    const Layout* host = nullptr;  ///< the same with arrays on the host; null: this one's are there
    Jagged per_list, items, events, positions, block;
    PairOffsets items_items, items_events, positions_positions, positions_items, block_positions, block_items;

    /// Calls visit(jagged...) for every axis of a batch. The block is not one of them: it is a decoder's.
    template <class Visit, class... Self>
    static void for_each_axis(Visit&& visit, Self&... self) {
        visit(self.per_list...);
        visit(self.items...);
        visit(self.events...);
        visit(self.positions...);
    }
    /// Calls visit(offsets...) for every pair of axes whose offsets a batch brings.
    template <class Visit, class... Self>
    static void for_each_pair(Visit&& visit, Self&... self) {
        visit(self.items_items...);
        visit(self.items_events...);
        visit(self.positions_positions...);
        visit(self.positions_items...);
    }

    /// The rows of an axis.
    template <class Axis>
    const Jagged& jagged() const {
        if constexpr (std::is_same_v<Axis, Lists>)
            return per_list;
        else if constexpr (std::is_same_v<Axis, Items>)
            return items;
        else if constexpr (std::is_same_v<Axis, Events>)
            return events;
        else if constexpr (std::is_same_v<Axis, Positions>)
            return positions;
        else {
            static_assert(std::is_same_v<Axis, Block>, "psad: this axis has no rows of its own in a batch");
            return block;
        }
    }

    /// Where the pairs of two axes lie.
    template <class Query, class Key>
    PairLayout pairs() const {
        const Jagged& q = jagged<Query>();
        const Jagged& k = jagged<Key>();
        PairLayout out{.lists = lists,
                       .query_begin = q.begin,
                       .query_end = q.end,
                       .query_owner = q.owner,
                       .key_begin = k.begin,
                       .key_end = k.end,
                       .queries = q.rows,
                       .keys = k.rows};
        if constexpr (std::is_same_v<Query, Lists>) {  // one query per list: its pairs lie as the keys do
            out.offset = k.begin;
            out.rows = k.rows;
        } else {
            const PairOffsets& pairs = pair_offsets<Query, Key>();
            out.offset = pairs.offset;
            out.rows = pairs.rows;
        }
        return out;
    }

    /// The layout whose arrays the host may read.
    const Layout& on_host() const { return host ? *host : *this; }

    /// Rows of any axis.
    template <class Axis>
    int rows() const {
        if constexpr (is_fixed<Axis>)
            return fixed_rows(Axis{});
        else if constexpr (is_pairs<Axis>)
            return rows_of_pairs(Axis{});
        else
            return jagged<Axis>().rows;
    }

  private:
    template <class Query, class Key>
    const PairOffsets& pair_offsets() const {
        using std::is_same_v;
        if constexpr (is_same_v<Query, Items> && is_same_v<Key, Items>)
            return items_items;
        else if constexpr (is_same_v<Query, Items> && is_same_v<Key, Events>)
            return items_events;
        else if constexpr (is_same_v<Query, Positions> && is_same_v<Key, Positions>)
            return positions_positions;
        else if constexpr (is_same_v<Query, Positions> && is_same_v<Key, Items>)
            return positions_items;
        else if constexpr (is_same_v<Query, Block> && is_same_v<Key, Positions>)
            return block_positions;
        else {
            static_assert(is_same_v<Query, Block> && is_same_v<Key, Items>,
                          "psad: no model pairs these two axes; add their offsets to Layout");
            return block_items;
        }
    }
    template <int R>
    static constexpr int fixed_rows(Fixed<R>) {
        return R;
    }
    template <class Query, class Key>
    int rows_of_pairs(Pairs<Query, Key>) const {
        return pairs<Query, Key>().rows;
    }
};

/// Owns the numbers of a Layout; reused from batch to batch without a new allocation once warm.
class LayoutStorage {
  public:
    /// Starts a batch.
    void clear() {
        Layout::for_each_axis([](Offsets& axis) { axis.clear(); }, arrays_);
        Layout::for_each_pair([](PairStarts& pairs) { pairs.clear(); }, arrays_);
        lists_ = 0;
    }

    /// Adds one list with its numbers of candidates, history events and output positions. Throws SettingError for
    /// a batch of 2^31 pairs or more.
    void add(int candidates, int history, int positions) {
        Arrays& a = arrays_;
        a.per_list.add(1, lists_);
        a.items.add(candidates, lists_);
        a.events.add(history, lists_);
        a.positions.add(positions, lists_);
        a.items_items.add(candidates, candidates);
        a.items_events.add(candidates, history);
        a.positions_positions.add(positions, positions);
        a.positions_items.add(positions, candidates);
        ++lists_;
    }

    int lists() const { return lists_; }

    /// A view that stays valid until the next clear() or add().
    Layout view() const {
        Layout out;
        out.lists = lists_;
        Layout::for_each_axis([](Jagged& to, const Offsets& from) { to = from.view(); }, out, arrays_);
        Layout::for_each_pair([](PairOffsets& to, const PairStarts& from) { to = from.view(); }, out, arrays_);
        return out;
    }

  private:
    struct Offsets {
        std::vector<int> bounds{0};
        std::vector<int> owner;
        void clear() {
            bounds.assign(1, 0);
            owner.clear();
        }
        void add(int count, int list) {
            bounds.push_back(bounds.back() + count);
            owner.insert(owner.end(), static_cast<std::size_t>(count), list);
        }
        Jagged view() const { return {bounds.back(), bounds.data(), bounds.data() + 1, owner.data()}; }
    };

    struct PairStarts {
        std::vector<int> start;
        int rows = 0;
        void clear() {
            start.clear();
            rows = 0;
        }
        void add(int queries, int keys) {
            start.push_back(rows);
            const std::int64_t sum = rows + std::int64_t{queries} * keys;
            if (sum > (std::numeric_limits<int>::max)()) {
                raise(SettingError("batch", "", std::to_string(sum) + " pairs of rows",
                                   "fewer than 2^31: fewer or shorter lists at a time"));
            }
            rows = static_cast<int>(sum);
        }
        PairOffsets view() const { return {start.data(), rows}; }
    };

    /// Named as in Layout.
    struct Arrays {
        Offsets per_list, items, events, positions;
        PairStarts items_items, items_events, positions_positions, positions_items;
    };

    int lists_ = 0;
    Arrays arrays_;
};

}  // namespace psad
