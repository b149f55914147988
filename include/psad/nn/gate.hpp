/// \file gate.hpp
/// Personalised gates (PEPNet, KDD 2023): 2 sigmoid(W2 relu(W1 x + b1) + b2), neutral (1) at the start.
#pragma once

#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI::nn {

template <int In, int Hidden, int Out>
class Gate {
  public:
    explicit Gate(const Scope& scope) : hidden_(scope / "hidden"), out_(scope / "out", Init::value(0)) {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        return out_(ctx, hidden_(ctx, x));
    }

  private:
    Linear<In, Hidden, Relu> hidden_;
    Linear<Hidden, Out, TwoSigmoid> out_;
};

}  // namespace psad::nn
