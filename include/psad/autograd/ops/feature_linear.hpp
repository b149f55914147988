/// \file feature_linear.hpp
/// act(X W + b) for features whose number is known at run time, and their deviations within the list.
#pragma once

#include <cstddef>

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/columns.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI {

/// Features of the rows of an axis. The first `scale.columns` of them are also seen as deviations within their list,
/// z = x scale[list] + shift[list]; the deviations are not stored.
template <class T>
struct FeatureInputs {
    FeatureView<T> x;      ///< [rows]
    FeatureView<T> scale;  ///< [lists] 1 / deviation of the list
    FeatureView<T> shift;  ///< [lists] -mean / deviation

    /// Rows of the weight that they want.
    int weight_rows() const { return x.columns + scale.columns; }
};

}  // namespace psad

namespace psad::inline PSAD_ABI::ops {

/// The weight holds a row per feature, then one per deviation. Where nothing must be kept for a derivative and the host
/// may read the layout, the deviations are folded into the weight of each list, x (W + scale Z) + shift Z: no product
/// grows by them.
template <class Axis, int Out, class Act, class T>
struct FeatureLinear {
    using axis = Axis;
    static constexpr int width = Out;
    static constexpr bool has_parameters = false;

    FeatureInputs<T> in;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> weight, Matrix<const T> bias) const {
        const Operand<T> b{bias.data, 0};
        if (in.scale.columns == 0) {
            const Factor<T> one[] = {{matrix(out.rows), weight}};
            return w.backend->affine(one, b, Act{}, out);
        }
        if constexpr (B::Memory::on_host) {
            if (!w.training) return by_list(w, out, weight, b);
        }
        const Factor<T> two[] = {{matrix(out.rows), weight.row_range(0, in.x.columns)},
                                 {deviations(w, out.rows), deviation_weight(weight)}};
        w.backend->affine(two, b, Act{}, out);
    }

    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, Tracked<T> weight, Tracked<T> bias) const {
        if constexpr (!std::is_same_v<Act, Identity>) {  // in place: from here on the derivative by x W + b
            w.backend->template map<false>(TimesDerivative<Act>{}, dout, Operand<T>{dout.data, dout.stride},
                                           Operand<T>{out.data, out.stride});
        }
        if (bias.grad) w.backend->column_sums(dout, bias.grad.data);
        if (!weight.grad) return;
        w.backend->gemm_tn(matrix(out.rows), dout, weight.grad.row_range(0, in.x.columns), true);
        if (in.scale.columns > 0)
            w.backend->gemm_tn(deviations(w, out.rows), dout, deviation_weight(weight.grad), true);
    }

    template <class Shape, class W, class Bias>
    double flops(const Layout&, Shape out, W weight, Bias) const {
        return 2.0 * static_cast<double>(out.rows) * weight.size();
    }

  private:
    Matrix<const T> matrix(int rows) const { return {in.x.data, rows, in.x.columns, in.x.columns}; }
    template <class U>
    Matrix<U> deviation_weight(Matrix<U> weight) const {
        return weight.row_range(in.x.columns, in.scale.columns);
    }

    template <class B>
    Matrix<const T> deviations(OpWorkspace<B>& w, int rows) const {
        const int columns = in.scale.columns;
        const Matrix<T> z = w.scratch(rows, columns);
        const int* list = w.layout->template jagged<axis>().owner;
        w.backend->template map<false>(MultiplyAdd{}, z, Operand<T>{in.x.data, in.x.columns},
                                       Operand<T>{in.scale.data, columns, list},
                                       Operand<T>{in.shift.data, columns, list});
        return Matrix<const T>(z);
    }

    template <class B>
    void by_list(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> weight, Operand<T> bias) const {
        const int columns = in.scale.columns, others = in.x.columns - columns;
        const Matrix<const T> z = deviation_weight(weight);
        const Matrix<T> folded = w.scratch(columns, Out), shifted = w.scratch(1, Out);
        const Jagged& rows = w.layout->template jagged<axis>();
        for (int l = 0; l < w.layout->lists; ++l) {
            const int first = rows.begin[l], count = rows.end[l] - first;
            if (count == 0) continue;
            const T* scale = in.scale.data + static_cast<std::size_t>(l) * static_cast<std::size_t>(columns);
            const T* shift = in.shift.data + static_cast<std::size_t>(l) * static_cast<std::size_t>(columns);
            w.backend->template map<false>(MultiplyAdd{}, folded, Operand<T, true>{scale, 1},
                                           Operand<T>{z.data, z.stride}, Operand<T>{weight.data, weight.stride});
            const Factor<T> of_list[] = {{{shift, 1, columns, columns}, z}};
            w.backend->affine(of_list, bias, Identity{}, shifted);
            const Matrix<const T> x = matrix(out.rows).row_range(first, count);
            const Factor<T> two[] = {{{x.data, count, columns, x.stride}, Matrix<const T>(folded)},
                                     {{x.data + columns, count, others, x.stride}, weight.row_range(columns, others)}};
            w.backend->affine(two, Operand<T>{shifted.data, 0}, Act{}, out.row_range(first, count));
        }
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// act(X W + b) on the rows of Axis; W [in.weight_rows(), Out], b one row.
template <class Axis, class Act, class Ctx, class T, class W, class Bias>
auto feature_linear(Ctx& ctx, const FeatureInputs<T>& in, const W& weight, const Bias& bias, Act) {
    return ctx.apply(ops::FeatureLinear<Axis, width_of<W>, Act, T>{in}, weight, bias);
}

}  // namespace psad
