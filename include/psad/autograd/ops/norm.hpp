/// \file norm.hpp
/// Layer normalisation of rows (Ba et al., 2016).
#pragma once

#include "psad/autograd/value.hpp"
#include "psad/autograd/workspace.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::ops {

template <class Axis, int Width, class T>
struct LayerNorm {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    Matrix<T> normal{};  ///< the normalised rows, kept for the derivative
    T* rate = nullptr;   ///< 1 / deviation of each row

    template <class B>
    void forward(Workspace<B>& w, Matrix<T> out, Matrix<const T> x, Matrix<const T> gain,
                 Matrix<const T> shift) {
        if (w.training) {
            normal = w.scratch(out.rows, Width);
            rate = w.take(static_cast<std::size_t>(out.rows));
        }
        w.backend->layer_norm(x, gain.data, shift.data, out, normal, rate);
    }

    template <class B>
    void backward(Workspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> x, Tracked<T> gain,
                  Tracked<T> shift) const {
        if (x.grad) w.backend->layer_norm_backward(dout, gain.value.data, normal, rate, x.grad);
        if (shift.grad) w.backend->column_sums(dout, shift.grad.data);
        if (gain.grad) {
            const Operand<T> d{dout.data, dout.stride};
            w.backend->template map<false>(Multiply{}, dout, d, Operand<T>{normal.data, Width});
            w.backend->column_sums(dout, gain.grad.data);
        }
    }

    template <class Out, class... S>
    double flops(const Layout&, Out out, S...) const {
        return 8 * out.size();
    }
};

}  // namespace psad::ops

namespace psad {

/// (x - mean) / deviation * gain + shift, row by row.
template <class Ctx, class X, class V>
auto layer_norm(Ctx& ctx, const X& x, const V& gain, const V& shift) {
    return ctx.apply(ops::LayerNorm<axis_of<X>, width_of<X>, typename Ctx::Scalar>{}, x, gain, shift);
}

}  // namespace psad
