/// \file prefix.hpp
/// A known order of each list's candidates, laid out for teacher forcing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/backend/kernels.hpp"
#include "psad/core/layout.hpp"
#include "psad/input/upload.hpp"
#include "psad/model/transition.hpp"

namespace psad {

/// Pointers into a PrefixStorage (or its copy on a device).
struct Prefix {
    const int* placed = nullptr;       ///< [slots] item row at this slot
    const int* placed_pair = nullptr;  ///< [slots] its row among the pairs of slots and items
    const int* block_input = nullptr;  ///< [slots] item row at slot t - K, -1 while t < K
    const int* start = nullptr;        ///< [slots] 0 while t < K, else -1: the learned beginning of a list
    const int* position = nullptr;     ///< [slots] t
    const int* visible = nullptr;      ///< [slots] slots of the same and of earlier blocks
    const int* block_begin = nullptr;  ///< [slots] first slot of the block of t
    const int* placed_at =
        nullptr;    ///< [items] the slot at which an item stands, RowMask::never_placed if none
    Before before;  ///< item rows one and two slots before

    /// Forbids what stands in any earlier slot.
    kernels::RowMask not_before_slot() const { return {placed_at, position}; }
    /// Forbids what stands in an earlier block.
    kernels::RowMask not_before_block() const { return {placed_at, block_begin}; }
};

/// Adds all arrays of a prefix.
template <class B>
void add_prefix(Upload<B>& to, Prefix& prefix, int slots, int items) {
    for (const int** numbers :
         {&prefix.placed, &prefix.placed_pair, &prefix.block_input, &prefix.start, &prefix.position,
          &prefix.visible, &prefix.block_begin, &prefix.before.one, &prefix.before.two})
        to.add(*numbers, static_cast<std::size_t>(slots));
    to.add(prefix.placed_at, static_cast<std::size_t>(items));
}

class PrefixStorage {
  public:
    void clear() {
        for (auto* c : {&placed_, &placed_pair_, &block_input_, &start_, &position_, &visible_, &block_begin_,
                        &placed_at_, &one_, &two_}) {
            c->clear();
        }
        pairs_ = 0;
    }

    /// Adds one list: `order` holds at least `slots` local candidate positions, the list's first item row is
    /// `first_item`, and it has `items` candidates.
    void add(std::span<const int> order, int slots, int first_item, int items, int block) {
        placed_at_.resize(static_cast<std::size_t>(first_item + items), kernels::RowMask::never_placed);
        const auto at = [&](int t) { return t < 0 ? -1 : first_item + order[static_cast<std::size_t>(t)]; };
        for (int t = 0; t < slots; ++t) {
            placed_.push_back(at(t));
            placed_pair_.push_back(pairs_ + t * items + order[static_cast<std::size_t>(t)]);
            block_input_.push_back(at(t - block));
            start_.push_back(t < block ? 0 : -1);
            position_.push_back(t);
            block_begin_.push_back(t / block * block);
            visible_.push_back((std::min)(slots, (t / block + 1) * block));
            one_.push_back(at(t - 1));
            two_.push_back(at(t - 2));
            placed_at_[static_cast<std::size_t>(at(t))] = t;
        }
        pairs_ += slots * items;
    }

    Prefix view() const {
        return {placed_.data(),      placed_pair_.data(), block_input_.data(),
                start_.data(),       position_.data(),    visible_.data(),
                block_begin_.data(), placed_at_.data(),   {one_.data(), two_.data()}};
    }

  private:
    std::vector<int> placed_, placed_pair_, block_input_, start_, position_, visible_, block_begin_,
        placed_at_, one_, two_;
    int pairs_ = 0;
};

}  // namespace psad
