/// \file blocks.hpp
/// How lists are cut into blocks that are written one after the other.
#pragma once

#include <cstddef>

#include "psad/core/arena.hpp"
#include "psad/core/layout.hpp"

namespace psad::inline PSAD_ABI {

/// The arrays of one block, side by side in memory. They depend on the extents alone.
template <class Int>
struct BlockArrays {
    Int* begin;           ///< [lists]
    Int* end;             ///< [lists]
    Int* filled_end;      ///< [lists] end of the positions written once this block is
    Int* position_pairs;  ///< [lists]
    Int* item_pairs;      ///< [lists]
    Int* owner;           ///< [rows]
    Int* position_row;    ///< [rows] row of the position among all of the batch
    Int* position;        ///< [rows] t, within the list
    Int* start;           ///< [rows] 0 while t < K, else -1

    BlockArrays(Int* at, int lists, int rows)
        : begin(at),
          end(begin + lists),
          filled_end(end + lists),
          position_pairs(filled_end + lists),
          item_pairs(position_pairs + lists),
          owner(item_pairs + lists),
          position_row(owner + rows),
          position(position_row + rows),
          start(position + rows) {}
    static int size(int lists, int rows) { return 5 * lists + 4 * rows; }
};

/// All blocks of a batch, planned on the host. Their numbers lie in one piece, which a device may get as a whole.
struct Blocks {
    struct Extent {
        int first;  ///< where the block's numbers begin
        int rows, position_pairs, item_pairs;
    };

    int block = 0;  ///< K, no more than the longest list has positions
    int count = 0;
    int max_rows = 0;
    const Extent* extents = nullptr;
    const int* numbers = nullptr;
    int size = 0;
};

/// Makes one block the current block of a layout, for as long as this lives: its rows, its pairs, and the positions
/// that are written once it is.
class BlockScope {
  public:
    /// The block's arrays lie in `numbers`: those of the plan, or a copy of them.
    BlockScope(const Blocks& blocks, int k, const int* numbers, Layout& layout)
        : arrays(numbers + blocks.extents[k].first, layout.lists, blocks.extents[k].rows),
          layout_(layout),
          positions_(layout.positions) {
        const Blocks::Extent& extent = blocks.extents[k];
        layout.block = {extent.rows, arrays.begin, arrays.end, arrays.owner};
        layout.positions.end = arrays.filled_end;
        layout.block_positions = {arrays.position_pairs, extent.position_pairs};
        layout.block_items = {arrays.item_pairs, extent.item_pairs};
    }
    BlockScope(const BlockScope&) = delete;
    BlockScope& operator=(const BlockScope&) = delete;
    ~BlockScope() { layout_.positions = positions_; }

    const BlockArrays<const int> arrays;

  private:
    Layout& layout_;
    Jagged positions_;
};

namespace blocks_detail {
inline int smaller(int a, int b) {
    return a < b ? a : b;
}

/// Fills the arrays of the block of positions [from, from + block).
inline void fill(const Layout& layout, int from, int block, const BlockArrays<int>& a, Blocks::Extent& extent) {
    int rows = 0;
    for (int l = 0; l < layout.lists; ++l) {
        const int first = layout.positions.begin[l], length = layout.positions.end[l] - first;
        a.begin[l] = rows;
        a.position_pairs[l] = extent.position_pairs;
        a.item_pairs[l] = extent.item_pairs;
        const int until = smaller(length, from + block);
        for (int t = from; t < until; ++t) {
            a.owner[rows] = l;
            a.position_row[rows] = first + t;
            a.position[rows] = t;
            a.start[rows] = t < block ? 0 : -1;
            ++rows;
        }
        a.end[l] = rows;
        const int written = until > from ? until : 0;  // a finished list asks for no keys
        a.filled_end[l] = first + written;
        const int rows_of_list = a.end[l] - a.begin[l];
        extent.position_pairs += rows_of_list * written;
        extent.item_pairs += rows_of_list * (layout.items.end[l] - layout.items.begin[l]);
    }
}
}  // namespace blocks_detail

/// Cuts the lists of a layout that the host may read into blocks of `block` positions. The plan lies in the arena.
inline Blocks plan_blocks(const Layout& layout, int block, Arena<HostMemory>& arena) {
    using blocks_detail::smaller;
    Blocks out;
    int longest = 0;
    const auto length = [&](int l) { return layout.positions.end[l] - layout.positions.begin[l]; };
    for (int l = 0; l < layout.lists; ++l) longest = length(l) > longest ? length(l) : longest;
    if (longest == 0) return out;
    out.block = smaller(block, longest);
    out.count = (longest - 1) / out.block + 1;
    auto* extents = arena.make<Blocks::Extent>(static_cast<std::size_t>(out.count));
    for (int k = 0; k < out.count; ++k) {
        int rows = 0;
        for (int l = 0; l < layout.lists; ++l) {
            const int left = length(l) - k * out.block;
            rows += left > 0 ? smaller(left, out.block) : 0;
        }
        extents[k] = {out.size, rows, 0, 0};
        out.size += BlockArrays<int>::size(layout.lists, rows);
        out.max_rows = rows > out.max_rows ? rows : out.max_rows;
    }
    auto* numbers = arena.make<int>(static_cast<std::size_t>(out.size));
    for (int k = 0; k < out.count; ++k) {
        blocks_detail::fill(layout, k * out.block, out.block,
                            {numbers + extents[k].first, layout.lists, extents[k].rows}, extents[k]);
    }
    out.extents = extents;
    out.numbers = numbers;
    return out;
}

}  // namespace psad
