/// \file linear.hpp
/// Fully connected layers over one value or over parts on several axes.
#pragma once

#include "psad/autograd/ops/feature_linear.hpp"
#include "psad/autograd/ops/linear.hpp"
#include "psad/autograd/parameters.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::nn {

/// act(x W + b): In numbers to Out.
template <int In, int Out, class Act = Identity>
class Linear {
  public:
    explicit Linear(const Scope& scope, Init weight = Init::glorot(In, Out), float bias = 0)
        : weight_(scope.weight<In, Out>("weight", weight)), bias_(scope.weight<1, Out>("bias", Init::value(bias))) {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        expect_width<X, In>();
        return linear(ctx, parts(x), ctx.weight(weight_), ctx.weight(bias_), Act{});
    }

  private:
    Weight<In, Out> weight_;
    Weight<1, Out> bias_;
};

/// act(x W + b) for features whose number is known when the model is built; `scaled` of them are also seen as
/// deviations within their list (FeatureInputs).
template <int Out, class Act = Identity>
class FeatureLinear {
  public:
    FeatureLinear(const Scope& scope, int features, int scaled = 0)
        : weight_(scope.weight<Out>("weight", features + scaled, Init::glorot(features + scaled, Out))),
          bias_(scope.weight<1, Out>("bias", Init::value(0))) {}

    template <class Axis, class Ctx, class T>
    auto on(Ctx& ctx, const FeatureInputs<T>& in) const {
        return feature_linear<Axis>(ctx, in, ctx.weight(weight_), ctx.weight(bias_), Act{});
    }
    /// Whether there are no features.
    bool empty() const { return weight_.rows == 0; }

  private:
    FeatureWeight<Out> weight_;
    Weight<1, Out> bias_;
};

/// act([first, rest] W + b) in two steps: precompute() with the part that is known early, one row per list; the
/// call with the rest.
template <int First, int Rest, int Out, class Act = Identity>
class SplitLinear {
  public:
    explicit SplitLinear(const Scope& scope)
        : weight_(scope.weight<First + Rest, Out>("weight", Init::glorot(First + Rest, Out))),
          bias_(scope.weight<1, Out>("bias", Init::value(0))) {}

    /// first W_first + b: [lists, Out].
    template <class Ctx, class... Part>
    auto precompute(Ctx& ctx, const Parts<Part...>& first) const {
        expect_width<Parts<Part...>, First>();
        return linear(ctx, first, ctx.weight(Weight<First, Out>{weight_.offset}), ctx.weight(bias_), Identity{});
    }
    /// act(partial + rest W_rest).
    template <class Ctx, class S, class... Part>
    auto operator()(Ctx& ctx, const S& partial, const Parts<Part...>& rest) const {
        expect_width<Parts<Part...>, Rest>();
        return linear(ctx, rest, ctx.weight(Weight<Rest, Out>{weight_.offset + First * Out}), partial, Act{});
    }

  private:
    Weight<First + Rest, Out> weight_;
    Weight<1, Out> bias_;
};

/// x W: a linear layer without bias, so that zero stays zero.
template <int In, int Out>
class Projection {
  public:
    explicit Projection(const Scope& scope, Init weight = Init::glorot(In, Out))
        : weight_(scope.weight<In, Out>("weight", weight)) {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        expect_width<X, In>();
        return linear(ctx, parts(x), ctx.weight(weight_), Identity{});
    }

  private:
    Weight<In, Out> weight_;
};

}  // namespace psad::nn
