/// \file layer_norm.hpp
/// Layer normalisation with a learned gain and shift.
#pragma once

#include "psad/autograd/ops/norm.hpp"
#include "psad/autograd/parameters.hpp"

namespace psad::nn {

template <int Width>
class LayerNorm {
  public:
    explicit LayerNorm(const Scope& scope)
        : gain_(scope.weight<1, Width>("gain", Init::value(1))),
          shift_(scope.weight<1, Width>("shift", Init::value(0))) {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        expect_width<X, Width>();
        return layer_norm(ctx, x, ctx.weight(gain_), ctx.weight(shift_));
    }

  private:
    Weight<1, Width> gain_, shift_;
};

}  // namespace psad::nn
