/// \file generate.hpp
/// Writing lists: the teacher block after block with cached keys and values, the student from one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "psad/autograd/eval.hpp"
#include "psad/model/decode.hpp"
#include "psad/model/student.hpp"
#include "psad/model/teacher.hpp"

namespace psad {

/// Written lists: one entry per slot of the batch's layout. Lies in the context's arena.
template <class T>
struct Written {
    const int* chosen = nullptr;  ///< [slots] item row
    const T* score = nullptr;     ///< [slots] logit of the choice
};

namespace generate_detail {

struct FillInt {
    int* out;
    int value;
    PSAD_HOST_DEVICE void operator()(int i) const { out[i] = value; }
};

template <class Ctx>
auto empty_board(Ctx& ctx) {
    using T = typename Ctx::Scalar;
    const Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto items = static_cast<std::size_t>(layout.items.rows),
               slots = static_cast<std::size_t>(layout.slots.rows);
    const decode::Board<T> board{layout.slots, layout.items, w.template take<int>(items),
                                 w.template take<int>(slots), w.template take<T>(slots)};
    w.backend->for_each(layout.items.rows, FillInt{board.placed_at, kernels::RowMask::never_placed});
    return board;
}

template <class Policy, class Ctx>
void fill_block(Ctx& ctx, const decode::Board<typename Ctx::Scalar>& board,
                decode::BlockLogits<typename Ctx::Scalar> in, const typename Ctx::Scalar* step1,
                const typename Ctx::Scalar* step2, Matrix<const typename Ctx::Scalar> item) {
    using T = typename Ctx::Scalar;
    const Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto slots = static_cast<std::size_t>(layout.slots.rows);
    const auto items = static_cast<std::size_t>(layout.items.rows),
               lists = static_cast<std::size_t>(layout.lists);
    if constexpr (std::is_same_v<Policy, decode::LeftToRight>) {
        w.backend->for_each(layout.lists,
                            decode::FillLeftToRight<T>{board, in, step1, step2, layout.items_items.offset});
    } else if constexpr (std::is_same_v<Policy, decode::Contrastive>) {
        w.backend->for_each(layout.lists, decode::FillContrastive<T>{board, in, item, T(0.1)});
    } else if constexpr (std::is_same_v<Policy, decode::ByConfidence>) {
        w.backend->for_each(layout.lists, decode::FillByConfidence<T>{board, in, w.template take<T>(slots)});
    } else {
        static_assert(std::is_same_v<Policy, decode::OptimalAssignment>, "psad: not a decode policy");
        const auto per_item = items + lists;
        w.backend->for_each(layout.lists, decode::FillOptimally<T>{
                                              board, in, w.template take<T>(per_item),
                                              w.template take<T>(per_item), w.template take<int>(per_item),
                                              w.template take<int>(per_item), w.template take<int>(per_item),
                                              w.template take<T>(slots + lists), w.template take<T>(slots)});
    }
}

/// Keys and values of the blocks already written, [slots] rows per layer.
template <class Ctx, int Width, std::size_t Layers>
class SlotCache {
  public:
    using Rows = typename Ctx::template Value<Slots, Width>;

    explicit SlotCache(Ctx& ctx) {
        const int slots = ctx.layout().slots.rows;
        for (std::size_t i = 0; i < Layers; ++i) {
            keys_[i] = ctx.workspace().scratch(slots, Width);
            values_[i] = ctx.workspace().scratch(slots, Width);
        }
    }
    /// Rows of the block being decoded are slots slot_of[r].
    void at(const int* slot_of) { slot_of_ = slot_of; }

    template <class Prepared>
    auto extend(Ctx& ctx, int layer, const Prepared& fresh) {
        const auto i = static_cast<std::size_t>(layer);
        store(ctx, fresh.keys.matrix(), keys_[i]);
        store(ctx, fresh.values.matrix(), values_[i]);
        return nn::KeysValues<Rows, Rows>{Rows(keys_[i].data, keys_[i].rows),
                                          Rows(values_[i].data, values_[i].rows)};
    }

  private:
    using T = typename Ctx::Scalar;
    struct CopyRow {
        Matrix<const T> from;
        const int* to_row;
        Matrix<T> to;
        PSAD_HOST_DEVICE void operator()(int r) const {
            for (int c = 0; c < from.cols; ++c) to(to_row[r], c) = from(r, c);
        }
    };
    void store(Ctx& ctx, Matrix<const T> from, Matrix<T> to) {
        ctx.workspace().backend->for_each(from.rows, CopyRow{from, slot_of_, to});
    }

    std::array<Matrix<T>, Layers> keys_, values_;
    const int* slot_of_ = nullptr;
};

/// The arrays of one block: they depend on the extents alone, except what stands K places before.
struct BlockArrays {
    int* begin;       ///< [lists]
    int* end;         ///< [lists]
    int* filled_end;  ///< [lists] end of the slots written once this block is
    int* owner;       ///< [rows]
    int* slot_of;     ///< [rows]
    int* position;    ///< [rows]
    int* start;       ///< [rows] 0 while t < K, else -1
    int* input;       ///< [rows] item row K places before, or -1
    int* slot_pairs;  ///< [lists]
    int* item_pairs;  ///< [lists]
};

struct BlockInput {
    const int* slot_of;
    const int* start;
    const int* chosen;
    int block;
    int* input;
    PSAD_HOST_DEVICE void operator()(int r) const {
        input[r] = start[r] == 0 ? -1 : chosen[slot_of[r] - block];
    }
};

/// Describes places [from, from + block) of every list to the layout.
inline void enter_block(const BlockArrays& a, const Jagged& slots, Layout& layout, int from, int block) {
    int rows = 0, slot_pairs = 0, item_pairs = 0;
    for (int l = 0; l < layout.lists; ++l) {
        a.begin[l] = rows;
        a.slot_pairs[l] = slot_pairs;
        a.item_pairs[l] = item_pairs;
        const int length = slots.end[l] - slots.begin[l];
        const int until = length < from + block ? length : from + block;
        for (int t = from; t < until; ++t) {
            a.owner[rows] = l;
            a.slot_of[rows] = slots.begin[l] + t;
            a.position[rows] = t;
            a.start[rows] = t < block ? 0 : -1;
            ++rows;
        }
        a.end[l] = rows;
        const int written = until > from ? until : 0;  // a finished list asks for no keys
        a.filled_end[l] = slots.begin[l] + written;
        const int mine = a.end[l] - a.begin[l];
        slot_pairs += mine * written;
        item_pairs += mine * (layout.items.end[l] - layout.items.begin[l]);
    }
    layout.block = {rows, a.begin, a.end, a.owner};
    layout.slots.end = a.filled_end;
    layout.block_slots = {a.slot_pairs, slot_pairs};
    layout.block_items = {a.item_pairs, item_pairs};
}

}  // namespace generate_detail

/// The teacher's lists: ceil(L / K) passes of the decoder, no candidate twice.
template <class Ctx, Spec spec, class... Policies, class T>
Written<T> generate(Ctx& ctx, const Teacher<spec, Policies...>& teacher, const Inputs<T>& in) {
    namespace detail = generate_detail;
    using Model = Teacher<spec, Policies...>;
    Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    static_assert(Ctx::Device::on_host, "psad: block arrays are laid out on the host");

    const auto memory = teacher.encode(ctx, in);
    const T* step1 = nullptr;
    const T* step2 = nullptr;
    if constexpr (Model::has_transitions) {
        const auto steps = teacher.steps(ctx, memory);
        step1 = steps.one.data;
        step2 = steps.two.data;
    }
    const decode::Board<T> board = detail::empty_board(ctx);
    const Jagged slots = layout.slots;
    int longest = 0;
    for (int l = 0; l < layout.lists; ++l) {
        const int length = slots.end[l] - slots.begin[l];
        longest = length > longest ? length : longest;
    }
    const int block = Model::block < longest ? Model::block : longest;
    const auto lists = static_cast<std::size_t>(layout.lists), rows = lists * static_cast<std::size_t>(block);
    const auto ints = [&](std::size_t n) { return w.template take<int>(n); };
    const detail::BlockArrays arrays{ints(lists), ints(lists), ints(lists), ints(rows),  ints(rows),
                                     ints(rows),  ints(rows),  ints(rows),  ints(lists), ints(lists)};
    detail::SlotCache<Ctx, Model::width, static_cast<std::size_t>(Model::layers)> cache(ctx);
    for (int from = 0; from < longest; from += block) {
        detail::enter_block(arrays, slots, layout, from, block);
        w.backend->for_each(layout.block.rows, detail::BlockInput{arrays.slot_of, arrays.start, board.chosen,
                                                                  block, arrays.input});
        cache.at(arrays.slot_of);
        const auto logits = teacher.template decode<Block>(ctx, memory, arrays.input, arrays.start,
                                                           arrays.position, nullptr, cache);
        detail::fill_block<typename Model::DecodePolicy>(
            ctx, board, decode::BlockLogits<T>{logits.data, layout.block_items.offset, from, block, 1}, step1,
            step2, memory.item.matrix());
    }
    layout.slots = slots;
    return {board.chosen, board.score};
}

/// The student's lists from one pass, or those of any scorer that says whether it is `greedy`. `scores` is
/// what its score() gave.
template <class Ctx, class Scorer, class S>
requires requires {
    Scorer::greedy;
}
auto generate(Ctx& ctx, [[maybe_unused]] const Scorer& student, const S& scores) {
    namespace detail = generate_detail;
    using T = typename Ctx::Scalar;
    const Layout& layout = ctx.layout();
    const decode::Board<T> board = detail::empty_board(ctx);
    if constexpr (!Scorer::greedy && std::is_same_v<T, float>) {
        const auto& w = ctx.workspace();
        auto* ranked = w.template take<std::int64_t>(static_cast<std::size_t>(layout.items.rows));
        w.backend->for_each(layout.lists, decode::FillSorted{board, scores.score.data, ranked});
    } else {
        const T* step1 = nullptr;
        const T* step2 = nullptr;
        if constexpr (Scorer::greedy) {
            const auto steps = student.steps(ctx, scores);
            step1 = steps.one.data;
            step2 = steps.two.data;
        }
        const decode::BlockLogits<T> in{scores.score.data, layout.items.begin, 0, layout.slots.rows, 0};
        detail::fill_block<decode::LeftToRight>(ctx, board, in, step1, step2, {});
    }
    return Written<T>{board.chosen, board.score};
}

}  // namespace psad
