/// \file transition.hpp
/// The transition head (docs/method.md, after NART-DCRF, NeurIPS 2019): the candidates one and two positions before add
/// to a candidate's logit, sum_{j=1,2} A_j(e'_{y_{t-j}}) . B_j(e'_i).
#pragma once

#include <type_traits>

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// Row indices of the items one and two positions before each position, -1 where there is none.
struct PreviousItems {
    const int* one = nullptr;
    const int* two = nullptr;
};

/// What decoding adds to the logit of item i after item j: [items x items pairs], row j.
template <class P>
struct TransitionScores {
    P one, two;
};

/// Stands for the head that a policy leaves out.
struct NoTransitions {};

template <int Width, int Rank>
class TransitionHead {
  public:
    explicit TransitionHead(const Scope& scope) : parts_(scope / "parts", Init::gaussian(0.09f)) {}

    /// [items, 4 Rank]: A_1, B_1, A_2, B_2 side by side, from one product.
    template <class Ctx, class E>
    auto prepare(Ctx& ctx, const E& item) const {
        return parts_(ctx, item);
    }

    /// logits [positions x items] plus the transitions along a known list.
    template <class Ctx, class P, class V>
    auto add_to(Ctx& ctx, const P& logits, const V& parts, PreviousItems previous) const {
        const auto one = first(ctx, gather<Positions>(ctx, parts, previous.one), parts);
        const auto two = second(ctx, gather<Positions>(ctx, parts, previous.two), parts);
        return map(ctx, Add{}, logits, map(ctx, Add{}, one, two));
    }

    /// Transition scores between any two candidates, for decoding.
    template <class Ctx, class V>
    auto transition_scores(Ctx& ctx, const V& parts) const {
        const auto one = first(ctx, parts, parts);
        return TransitionScores<std::remove_const_t<decltype(one)>>{one, second(ctx, parts, parts)};
    }

  private:
    template <class Ctx, class L, class R>
    static auto first(Ctx& ctx, const L& left, const R& right) {
        return pair_dot_columns(ctx, left, 0, right, Rank, Rank);
    }
    template <class Ctx, class L, class R>
    static auto second(Ctx& ctx, const L& left, const R& right) {
        return pair_dot_columns(ctx, left, 2 * Rank, right, 3 * Rank, Rank);
    }

    nn::Projection<Width, 4 * Rank> parts_;
};

}  // namespace psad
