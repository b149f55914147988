/// \file generate.hpp
/// Generating lists: the teacher block after block with cached keys and values, the student from one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "psad/autograd/inference.hpp"
#include "psad/model/blocks.hpp"
#include "psad/model/decode.hpp"
#include "psad/model/scorer.hpp"
#include "psad/model/teacher.hpp"

namespace psad::inline PSAD_ABI {

/// Generated lists: one entry per position of the batch's layout. Lies in the context's arena.
template <class T>
struct GeneratedLists {
    const int* chosen = nullptr;  ///< [positions] item row
    const T* score = nullptr;     ///< [positions] logit of the choice
};

namespace generate_detail {

struct FillInt {
    int* out;
    int value;
    PSAD_HOST_DEVICE void operator()(int i) const { out[i] = value; }
};

template <class Ctx>
auto empty_lists(Ctx& ctx) {
    using T = typename Ctx::Scalar;
    const Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto items = static_cast<std::size_t>(layout.items.rows),
               positions = static_cast<std::size_t>(layout.positions.rows);
    const decode::DecodingState<T> state{layout.positions, layout.items, w.template take<int>(items),
                                         w.template take<int>(positions), w.template take<T>(positions)};
    w.backend->for_each(layout.items.rows, FillInt{state.placed_at, RowMask::never_placed});
    return state;
}

template <class Ctx, class T>
decode::LikeNeighbours<T> like_neighbours(Ctx& ctx, const Inputs<T>& in) {
    if (in.like.columns == 0) return {};
    return {in.like, in.like_effect,
            ctx.workspace().template take<T>(static_cast<std::size_t>(ctx.layout().items.rows))};
}

template <class Policy, class Ctx>
void fill_block(Ctx& ctx, const decode::DecodingState<typename Ctx::Scalar>& state,
                decode::BlockLogits<typename Ctx::Scalar> in, const typename Ctx::Scalar* after_one,
                const typename Ctx::Scalar* after_two, const decode::LikeNeighbours<typename Ctx::Scalar>& neighbours,
                Matrix<const typename Ctx::Scalar> item) {
    using T = typename Ctx::Scalar;
    const Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto positions = static_cast<std::size_t>(layout.positions.rows);
    const auto items = static_cast<std::size_t>(layout.items.rows), lists = static_cast<std::size_t>(layout.lists);
    if constexpr (std::is_same_v<Policy, decode::LeftToRight>) {
        w.backend->for_each(layout.lists, decode::FillLeftToRight<T>{state, in, neighbours, after_one, after_two,
                                                                     layout.items_items.offset});
    } else if constexpr (std::is_same_v<Policy, decode::Contrastive>) {
        w.backend->for_each(layout.lists, decode::FillContrastive<T>{state, in, item, T(0.1)});
    } else if constexpr (std::is_same_v<Policy, decode::ByConfidence>) {
        w.backend->for_each(layout.lists, decode::FillByConfidence<T>{state, in, w.template take<T>(positions)});
    } else {
        static_assert(std::is_same_v<Policy, decode::OptimalAssignment>, "psad: not a decode policy");
        const auto per_item = items + lists;
        w.backend->for_each(layout.lists, decode::FillOptimally<T>{
                                              state, in, w.template take<T>(per_item), w.template take<T>(per_item),
                                              w.template take<int>(per_item), w.template take<int>(per_item),
                                              w.template take<int>(per_item), w.template take<T>(positions + lists),
                                              w.template take<T>(positions)});
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

/// Keys and values of the blocks already written, [positions] rows per layer.
template <class Ctx, int Width, std::size_t Layers>
class PositionCache {
  public:
    using Rows = typename Ctx::template Value<Positions, Width>;

    explicit PositionCache(Ctx& ctx) {
        const int positions = ctx.layout().positions.rows;
        for (std::size_t i = 0; i < Layers; ++i) {
            keys_[i] = ctx.workspace().scratch(positions, Width);
            values_[i] = ctx.workspace().scratch(positions, Width);
        }
    }
    /// Row r of the block being decoded is row position_row[r] of all positions.
    void at(const int* position_row) { position_row_ = position_row; }

    template <class Prepared>
    auto extend(Ctx& ctx, int layer, const Prepared& fresh) {
        const auto i = static_cast<std::size_t>(layer);
        store(ctx, fresh.keys.matrix(), keys_[i]);
        store(ctx, fresh.values.matrix(), values_[i]);
        return nn::KeysValues<Rows, Rows>{Rows(keys_[i].data, keys_[i].rows), Rows(values_[i].data, values_[i].rows)};
    }

  private:
    using T = typename Ctx::Scalar;
    void store(Ctx& ctx, Matrix<const T> from, Matrix<T> to) {
        ctx.workspace().backend->for_each_row(from.rows, CopyRow<T>{from, position_row_, to});
    }

    std::array<Matrix<T>, Layers> keys_, values_;
    const int* position_row_ = nullptr;
};

struct BlockInput {
    const int* position_row;
    const int* start;
    const int* chosen;
    int block;
    int* input;
    PSAD_HOST_DEVICE void operator()(int r) const { input[r] = start[r] == 0 ? -1 : chosen[position_row[r] - block]; }
};

}  // namespace generate_detail

/// The teacher's lists: ceil(L / K) passes of the decoder, no candidate twice.
template <class Ctx, Spec spec, class... Policies, class T>
GeneratedLists<T> generate(Ctx& ctx, const Teacher<spec, Policies...>& teacher, const Inputs<T>& in) {
    namespace detail = generate_detail;
    using TeacherModel = Teacher<spec, Policies...>;
    Layout& layout = ctx.layout();
    const auto& w = ctx.workspace();
    const auto encoded = teacher.encode(ctx, in);
    const T* after_one = nullptr;
    const T* after_two = nullptr;
    if constexpr (TeacherModel::has_transitions) {
        const auto transitions = teacher.transition_scores(ctx, encoded);
        after_one = transitions.one.data;
        after_two = transitions.two.data;
    }
    const decode::DecodingState<T> state = detail::empty_lists(ctx);
    const decode::LikeNeighbours<T> neighbours = detail::like_neighbours(ctx, in);
    const Blocks blocks = plan_blocks(layout.on_host(), TeacherModel::block, w.arena->host());
    const int* numbers = w.on_device(blocks.numbers, static_cast<std::size_t>(blocks.size));
    int* const input = w.template take<int>(static_cast<std::size_t>(blocks.max_rows));  // item rows K before, or -1
    detail::PositionCache<Ctx, TeacherModel::width, static_cast<std::size_t>(TeacherModel::layers)> cache(ctx);
    for (int k = 0; k < blocks.count; ++k) {
        const BlockScope block(blocks, k, numbers, layout);
        const BlockArrays<const int>& a = block.arrays;
        w.backend->for_each(layout.block.rows,
                            detail::BlockInput{a.position_row, a.start, state.chosen, blocks.block, input});
        cache.at(a.position_row);
        const auto logits = teacher.template decode<Block>(ctx, encoded, input, a.start, a.position, nullptr, cache);
        detail::fill_block<typename TeacherModel::DecodePolicy>(
            ctx, state,
            decode::BlockLogits<T>{logits.data, layout.block_items.offset, k * blocks.block, blocks.block, 1},
            after_one, after_two, neighbours, encoded.item.matrix());
    }
    return {state.chosen, state.score};
}

/// The lists of a student (a Scorer) from one pass. `scores` is what its score() gave of `inputs`. One that is not
/// greedy sorts, unless like candidates take something off each other (LikeNeighbours).
template <class Ctx, class Student, class S, class T = typename Ctx::Scalar>
requires HasName<Student>
auto generate(Ctx& ctx, [[maybe_unused]] const Student& student, const S& scores, const Inputs<T>& inputs) {
    namespace detail = generate_detail;
    const Layout& layout = ctx.layout();
    const decode::DecodingState<T> state = detail::empty_lists(ctx);
    if constexpr (!is_greedy<Student>() && std::is_same_v<T, float>) {
        if (inputs.like.columns == 0) {
            const auto& w = ctx.workspace();
            auto* ranked = w.template take<std::int64_t>(static_cast<std::size_t>(layout.items.rows));
            w.backend->for_each(layout.lists, decode::FillSorted{state, scores.score.data, ranked});
            return GeneratedLists<T>{state.chosen, state.score};
        }
    }
    const T* after_one = nullptr;
    const T* after_two = nullptr;
    if constexpr (is_greedy<Student>()) {
        const auto transitions = student.transition_scores(ctx, scores);
        after_one = transitions.one.data;
        after_two = transitions.two.data;
    }
    const decode::BlockLogits<T> in{scores.score.data, layout.items.begin, 0, layout.positions.rows, 0};
    detail::fill_block<decode::LeftToRight>(ctx, state, in, after_one, after_two, detail::like_neighbours(ctx, inputs),
                                            {});
    return GeneratedLists<T>{state.chosen, state.score};
}

}  // namespace psad
