/// \file transition.hpp
/// The transition head (METHOD 2, after NART-DCRF, NeurIPS 2019): what stood one and two places before speaks for or
/// against a candidate, sum_{j=1,2} A_j(e'_{y_{t-j}}) . B_j(e'_i).
#pragma once

#include <type_traits>

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/nn/linear.hpp"

namespace psad {

/// Row indices of the items one and two places before each slot, -1 where there is none.
struct Before {
    const int* one = nullptr;
    const int* two = nullptr;
};

template <class V>
struct TransitionParts {
    V left1, right1, left2, right2;  ///< [items, rank]
};

/// What decoding adds to the logits of item i after item j: [items x items pairs], row j.
template <class P>
struct TransitionSteps {
    P one, two;
};

/// Stands for the parts of a head that a policy left out.
struct NoTransitions {};

template <int Width, int Rank>
class TransitionHead {
  public:
    explicit TransitionHead(const Scope& scope)
        : left1_(scope / "left1", Init::gaussian(0.05f)),
          right1_(scope / "right1"),
          left2_(scope / "left2", Init::gaussian(0.05f)),
          right2_(scope / "right2") {}

    template <class Ctx, class E>
    auto prepare(Ctx& ctx, const E& item) const {
        const auto left1 = left1_(ctx, item);
        return TransitionParts<std::remove_const_t<decltype(left1)>>{left1, right1_(ctx, item), left2_(ctx, item),
                                                                     right2_(ctx, item)};
    }

    /// logits [slots x items] plus the transitions along a known list.
    template <class Ctx, class P, class V>
    auto along(Ctx& ctx, const P& logits, const TransitionParts<V>& t, Before before) const {
        const auto one = pair_dot(ctx, gather<Slots>(ctx, t.left1, before.one), t.right1, 1);
        const auto two = pair_dot(ctx, gather<Slots>(ctx, t.left2, before.two), t.right2, 1);
        return map(ctx, Add{}, logits, map(ctx, Add{}, one, two));
    }

    /// All steps between two candidates, for decoding.
    template <class Ctx, class V>
    auto steps(Ctx& ctx, const TransitionParts<V>& t) const {
        const auto one = pair_dot(ctx, t.left1, t.right1, 1);
        return TransitionSteps<std::remove_const_t<decltype(one)>>{one, pair_dot(ctx, t.left2, t.right2, 1)};
    }

  private:
    nn::Projection<Width, Rank> left1_, right1_, left2_, right2_;
};

}  // namespace psad
