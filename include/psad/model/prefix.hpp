/// \file prefix.hpp
/// A known order of each list's candidates, laid out for teacher forcing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/autograd/ops/row_mask.hpp"
#include "psad/core/columns.hpp"
#include "psad/model/transition.hpp"

namespace psad::inline PSAD_ABI {

/// The columns of a prefix: owned by a PrefixStorage, or seen through a Prefix. t is a position in its list, K the
/// block size.
template <class Store>
struct PrefixColumns {
    typename Store::template column<int> placed{};       ///< [positions] item row at this position
    typename Store::template column<int> placed_pair{};  ///< [positions] its row among the pairs of positions and items
    typename Store::template column<int> block_input{};  ///< [positions] item row at t - K, -1 while t < K
    typename Store::template column<int> start{};        ///< [positions] 0 while t < K, else -1: the learned beginning
    typename Store::template column<int> position{};     ///< [positions] t
    typename Store::template column<int> key_length{};   ///< [positions] positions of the same and of earlier blocks
    typename Store::template column<int> block_begin{};  ///< [positions] first position of the block of t
    typename Store::template column<int> one_before{};   ///< [positions] item row at t - 1, -1 if none
    typename Store::template column<int> two_before{};   ///< [positions] item row at t - 2, -1 if none
    typename Store::template column<int> placed_at{};    ///< [items] position of an item, RowMask::never_placed if none

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit(Column<Positions>{"placed"}, self.placed...);
        visit(Column<Positions>{"placed_pair"}, self.placed_pair...);
        visit(Column<Positions>{"block_input"}, self.block_input...);
        visit(Column<Positions>{"start"}, self.start...);
        visit(Column<Positions>{"position"}, self.position...);
        visit(Column<Positions>{"key_length"}, self.key_length...);
        visit(Column<Positions>{"block_begin"}, self.block_begin...);
        visit(Column<Positions>{"one_before"}, self.one_before...);
        visit(Column<Positions>{"two_before"}, self.two_before...);
        visit(Column<Items>{"placed_at"}, self.placed_at...);
    }
};

/// Pointers into a PrefixStorage, or into its copy on a device.
struct Prefix : PrefixColumns<Viewed> {
    PreviousItems previous() const { return {one_before, two_before}; }
    /// Forbids what stands at any earlier position.
    RowMask not_before_position() const { return {placed_at, position}; }
    /// Forbids what stands in an earlier block.
    RowMask not_before_block() const { return {placed_at, block_begin}; }
};

/// Owns the columns. Reused from batch to batch: no allocation once warm.
class PrefixStorage : PrefixColumns<Owned> {
  public:
    void clear() {
        clear_columns(*static_cast<PrefixColumns<Owned>*>(this));
        pairs_ = 0;
    }

    /// Adds one list: `order` holds at least `positions` local candidate positions, the list's first item row is
    /// `first_item`, and it has `items` candidates.
    void add(std::span<const int> order, int positions, int first_item, int items, int block) {
        placed_at.resize(static_cast<std::size_t>(first_item + items), RowMask::never_placed);
        const auto at = [&](int t) { return t < 0 ? -1 : first_item + order[static_cast<std::size_t>(t)]; };
        for (int t = 0; t < positions; ++t) {
            placed.push_back(at(t));
            placed_pair.push_back(pairs_ + t * items + order[static_cast<std::size_t>(t)]);
            block_input.push_back(at(t - block));
            start.push_back(t < block ? 0 : -1);
            position.push_back(t);
            block_begin.push_back(t / block * block);
            key_length.push_back((std::min)(positions, (t / block + 1) * block));
            one_before.push_back(at(t - 1));
            two_before.push_back(at(t - 2));
            placed_at[static_cast<std::size_t>(at(t))] = t;
        }
        pairs_ += positions * items;
    }

    Prefix view() {
        Prefix out;
        view_columns(*static_cast<PrefixColumns<Owned>*>(this), out);
        return out;
    }

  private:
    int pairs_ = 0;
};

}  // namespace psad
