/// \file dropout.hpp
/// Dropout (Srivastava et al., 2014) with counter-based masks: the same on every device and thread.
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/default_kernels.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

template <class Axis, int Width, class T>
struct Dropout {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    float probability;
    T* mask = nullptr;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> x) {
        const int count = out.rows * Width;
        mask = w.take(static_cast<std::size_t>(count));
        w.dropout_key = rng::derive(w.dropout_key, 1);
        w.backend->for_each(count, default_kernels::DropoutMask<T>{w.dropout_key, probability, mask});
        w.backend->template map<false>(Multiply{}, out, Operand<T>{x.data, Width}, Operand<T>{mask, Width});
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> x) const {
        if (!x.grad) return;
        w.backend->template map<true>(Multiply{}, x.grad, Operand<T>{dout.data, Width}, Operand<T>{mask, Width});
    }
    template <class Out, class S>
    double flops(const Layout&, Out out, S) const {
        return out.size();
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// Zeroes each number with the context's probability and scales the others up; x itself where that is 0
/// (inference).
template <class Ctx, class X>
X dropout(Ctx& ctx, const X& x) {
    if (ctx.dropout_probability() <= 0) return x;
    return ctx.apply(ops::Dropout<axis_of<X>, width_of<X>, typename Ctx::Scalar>{ctx.dropout_probability()}, x);
}

}  // namespace psad
