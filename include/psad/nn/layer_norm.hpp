/// \file layer_norm.hpp
/// Layer normalisation with a learned weight and bias.
#pragma once

#include "psad/autograd/ops/norm.hpp"
#include "psad/autograd/parameters.hpp"

namespace psad::inline PSAD_ABI::nn {

template <int Width>
class LayerNorm {
  public:
    explicit LayerNorm(const Scope& scope)
        : weight_(scope.weight<1, Width>("weight", Init::value(1))),
          bias_(scope.weight<1, Width>("bias", Init::value(0))) {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        expect_width<X, Width>();
        return layer_norm(ctx, x, ctx.weight(weight_), ctx.weight(bias_));
    }

  private:
    Weight<1, Width> weight_, bias_;
};

}  // namespace psad::nn
