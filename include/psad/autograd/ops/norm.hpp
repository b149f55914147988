/// \file norm.hpp
/// Layer normalisation of rows (Ba et al., 2016).
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

template <class Axis, int Width, class T>
struct LayerNorm {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    Matrix<T> normalized{};  ///< (x - mean) / deviation, kept for the derivative
    T* inv_std = nullptr;    ///< 1 / deviation of each row

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> x, Matrix<const T> weight, Matrix<const T> bias) {
        if (w.training) {
            normalized = w.scratch(out.rows, Width);
            inv_std = w.take(static_cast<std::size_t>(out.rows));
        }
        w.backend->layer_norm(x, weight.data, bias.data, out, normalized, inv_std);
    }

    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> x, Tracked<T> weight,
                  Tracked<T> bias) const {
        if (x.grad) w.backend->layer_norm_backward(dout, weight.value.data, normalized, inv_std, x.grad);
        if (bias.grad) w.backend->column_sums(dout, bias.grad.data);
        if (weight.grad) {
            const Operand<T> d{dout.data, dout.stride};
            w.backend->template map<false>(Multiply{}, dout, d, Operand<T>{normalized.data, Width});
            w.backend->column_sums(dout, weight.grad.data);
        }
    }

    template <class Out, class... S>
    double flops(const Layout&, Out out, S...) const {
        return 8 * out.size();
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// (x - mean) / deviation * weight + bias, row by row.
template <class Ctx, class X, class V>
auto layer_norm(Ctx& ctx, const X& x, const V& weight, const V& bias) {
    return ctx.apply(ops::LayerNorm<axis_of<X>, width_of<X>, typename Ctx::Scalar>{}, x, weight, bias);
}

}  // namespace psad
