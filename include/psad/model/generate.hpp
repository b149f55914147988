/// \file generate.hpp
/// Writing lists: the teacher block after block with cached keys and values, the student from one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "psad/autograd/eval.hpp"
#include "psad/model/blocks.hpp"
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

template <class T>
struct CopyRow {
    Matrix<const T> from;
    const int* to_row;
    Matrix<T> to;
    PSAD_HOST_DEVICE void operator()(int r, int first, int step) const {
        for (int c = first; c < from.cols; c += step) to(to_row[r], c) = from(r, c);
    }
};

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
    void store(Ctx& ctx, Matrix<const T> from, Matrix<T> to) {
        ctx.workspace().backend->for_each_row(from.rows, CopyRow<T>{from, slot_of_, to});
    }

    std::array<Matrix<T>, Layers> keys_, values_;
    const int* slot_of_ = nullptr;
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

}  // namespace generate_detail

/// The teacher's lists: ceil(L / K) passes of the decoder, no candidate twice.
template <class Ctx, Spec spec, class... Policies, class T>
Written<T> generate(Ctx& ctx, const Teacher<spec, Policies...>& teacher, const Inputs<T>& in) {
    namespace detail = generate_detail;
    using Model = Teacher<spec, Policies...>;
    Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto memory = teacher.encode(ctx, in);
    const T* step1 = nullptr;
    const T* step2 = nullptr;
    if constexpr (Model::has_transitions) {
        const auto steps = teacher.steps(ctx, memory);
        step1 = steps.one.data;
        step2 = steps.two.data;
    }
    const decode::Board<T> board = detail::empty_board(ctx);
    const Blocks blocks = lay_blocks(layout.on_host(), Model::block, w.arena->host());
    const int* numbers = w.on_device(blocks.numbers, static_cast<std::size_t>(blocks.size));
    int* const input =
        w.template take<int>(static_cast<std::size_t>(blocks.most_rows));  // item rows K places before, or -1
    const Jagged slots = layout.slots;
    detail::SlotCache<Ctx, Model::width, static_cast<std::size_t>(Model::layers)> cache(ctx);
    for (int k = 0; k < blocks.count; ++k) {
        const BlockArrays<const int> a = blocks.enter(k, numbers, layout);
        w.backend->for_each(layout.block.rows,
                            detail::BlockInput{a.slot_of, a.start, board.chosen, blocks.block, input});
        cache.at(a.slot_of);
        const auto logits =
            teacher.template decode<Block>(ctx, memory, input, a.start, a.position, nullptr, cache);
        detail::fill_block<typename Model::DecodePolicy>(
            ctx, board,
            decode::BlockLogits<T>{logits.data, layout.block_items.offset, k * blocks.block, blocks.block, 1},
            step1, step2, memory.item.matrix());
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
