/// \file gru.hpp
/// A gated recurrent unit (Cho et al., EMNLP 2014), one step at a time.
#pragma once

#include "psad/autograd/ops/map.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI::nn {

/// h' = h + z (c - h), z = sigmoid(W_z [x, h]), c = tanh(W_c [x, r h]), r = sigmoid(W_r [x, h]).
template <int In, int Width>
class GruCell {
  public:
    explicit GruCell(const Scope& scope)
        : update_(scope / "update"), reset_(scope / "reset"), candidate_(scope / "candidate") {}

    template <class Ctx, class X, class H>
    auto operator()(Ctx& ctx, const X& x, const H& h) const {
        const auto kept = map(ctx, Multiply{}, reset_(ctx, parts(x, h)), h);
        return map(ctx, Blend{}, h, candidate_(ctx, parts(x, kept)), update_(ctx, parts(x, h)));
    }

  private:
    Linear<In + Width, Width, Sigmoid> update_, reset_;
    Linear<In + Width, Width, Tanh> candidate_;
};

}  // namespace psad::nn
