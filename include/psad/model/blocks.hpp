/// \file blocks.hpp
/// How lists are cut into blocks that are written one after the other.
#pragma once

#include <cstddef>

#include "psad/core/arena.hpp"
#include "psad/core/layout.hpp"

namespace psad {

/// The arrays of one block, one after the other in memory. They depend on the extents alone.
template <class Int>
struct BlockArrays {
    Int* begin;       ///< [lists]
    Int* end;         ///< [lists]
    Int* filled_end;  ///< [lists] end of the slots written once this block is
    Int* slot_pairs;  ///< [lists]
    Int* item_pairs;  ///< [lists]
    Int* owner;       ///< [rows]
    Int* slot_of;     ///< [rows]
    Int* position;    ///< [rows]
    Int* start;       ///< [rows] 0 while t < K, else -1

    BlockArrays(Int* at, int lists, int rows)
        : begin(at),
          end(begin + lists),
          filled_end(end + lists),
          slot_pairs(filled_end + lists),
          item_pairs(slot_pairs + lists),
          owner(item_pairs + lists),
          slot_of(owner + rows),
          position(slot_of + rows),
          start(position + rows) {}
    static int size(int lists, int rows) { return 5 * lists + 4 * rows; }
};

/// All blocks of a batch, laid out on the host in one piece, which a device may get as a whole.
struct Blocks {
    struct Place {
        int first;  ///< of the numbers
        int rows, slot_pairs, item_pairs;
    };

    int block = 0;  ///< K, no more than the longest list has places
    int count = 0;
    int most_rows = 0;
    const Place* places = nullptr;
    const int* numbers = nullptr;
    int size = 0;

    /// Block k becomes the layout's; its arrays lie in `at`, these numbers or a copy of them.
    BlockArrays<const int> enter(int k, const int* at, Layout& layout) const {
        const Place& place = places[k];
        const BlockArrays<const int> a(at + place.first, layout.lists, place.rows);
        layout.block = {place.rows, a.begin, a.end, a.owner};
        layout.slots.end = a.filled_end;
        layout.block_slots = {a.slot_pairs, place.slot_pairs};
        layout.block_items = {a.item_pairs, place.item_pairs};
        return a;
    }
};

namespace blocks_detail {
inline int least(int a, int b) {
    return a < b ? a : b;
}

/// Fills the arrays of the block of places [from, from + block).
inline void lay(const Layout& layout, int from, int block, const BlockArrays<int>& a, Blocks::Place& place) {
    int rows = 0;
    for (int l = 0; l < layout.lists; ++l) {
        const int first = layout.slots.begin[l], length = layout.slots.end[l] - first;
        a.begin[l] = rows;
        a.slot_pairs[l] = place.slot_pairs;
        a.item_pairs[l] = place.item_pairs;
        const int until = least(length, from + block);
        for (int t = from; t < until; ++t) {
            a.owner[rows] = l;
            a.slot_of[rows] = first + t;
            a.position[rows] = t;
            a.start[rows] = t < block ? 0 : -1;
            ++rows;
        }
        a.end[l] = rows;
        const int written = until > from ? until : 0;  // a finished list asks for no keys
        a.filled_end[l] = first + written;
        const int mine = a.end[l] - a.begin[l];
        place.slot_pairs += mine * written;
        place.item_pairs += mine * (layout.items.end[l] - layout.items.begin[l]);
    }
}
}  // namespace blocks_detail

/// The blocks of `block` places of the lists of a layout that the host may read.
inline Blocks lay_blocks(const Layout& layout, int block, Arena<HostMemory>& arena) {
    using blocks_detail::least;
    Blocks out;
    int longest = 0;
    const auto length = [&](int l) { return layout.slots.end[l] - layout.slots.begin[l]; };
    for (int l = 0; l < layout.lists; ++l) longest = length(l) > longest ? length(l) : longest;
    if (longest == 0) return out;
    out.block = least(block, longest);
    out.count = (longest - 1) / out.block + 1;
    auto* places = arena.make<Blocks::Place>(static_cast<std::size_t>(out.count));
    for (int k = 0; k < out.count; ++k) {
        int rows = 0;
        for (int l = 0; l < layout.lists; ++l) {
            const int left = length(l) - k * out.block;
            rows += left > 0 ? least(left, out.block) : 0;
        }
        places[k] = {out.size, rows, 0, 0};
        out.size += BlockArrays<int>::size(layout.lists, rows);
        out.most_rows = rows > out.most_rows ? rows : out.most_rows;
    }
    auto* numbers = arena.make<int>(static_cast<std::size_t>(out.size));
    for (int k = 0; k < out.count; ++k) {
        blocks_detail::lay(layout, k * out.block, out.block,
                           {numbers + places[k].first, layout.lists, places[k].rows}, places[k]);
    }
    out.places = places;
    out.numbers = numbers;
    return out;
}

}  // namespace psad
