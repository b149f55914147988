/// \file segments.hpp
/// One row per list from the rows of a finer axis: sum, mean, largest.
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// Sum, or mean, of a list's rows; zero for a list without rows.
template <class Axis, int Width, bool Mean>
struct SegmentSum {
    using axis = Lists;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    /// Multiplies the row of list l by 1 / (its number of rows).
    template <class T>
    struct Divide {
        Jagged rows;
        Matrix<T> out;
        PSAD_HOST_DEVICE void operator()(int l, int first, int step) const {
            const int n = rows.end[l] - rows.begin[l];
            for (int c = first; c < out.cols && n > 1; c += step) out(l, c) /= static_cast<T>(n);
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> x) const {
        const Jagged& rows = w.layout->template jagged<Axis>();
        w.backend->fill(out.data, out.rows * Width, T(0));
        w.backend->segment_sums(x, rows, out);
        if constexpr (Mean) w.backend->for_each_row(out.rows, Divide<T>{rows, out});
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> x) const {
        if (!x.grad) return;
        const Jagged& rows = w.layout->template jagged<Axis>();
        if constexpr (Mean) w.backend->for_each_row(dout.rows, Divide<T>{rows, dout});
        w.backend->template map<true>(Identity{}, x.grad, Operand<T>{dout.data, Width, rows.owner});
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S in) const {
        return in.size();
    }
};

/// The largest of a list's rows, column by column; zero for a list without rows.
template <class Axis, int Width>
struct SegmentMax {
    using axis = Lists;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    int* from = nullptr;  ///< the row of each maximum

    template <class T>
    struct ToWinner {
        const int* from;
        Matrix<const T> dout;
        Matrix<T> dx;
        PSAD_HOST_DEVICE void operator()(int l, int first, int step) const {
            for (int c = first; c < Width; c += step) {
                const int r = from[l * Width + c];
                if (r >= 0) dx(r, c) += dout(l, c);
            }
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> x) {
        if (w.training) from = w.template take<int>(static_cast<std::size_t>(out.rows) * Width);
        w.backend->segment_max(x, w.layout->template jagged<Axis>(), out, from);
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> x) const {
        if (x.grad) w.backend->for_each_row(dout.rows, ToWinner<T>{from, dout, x.grad});
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S in) const {
        return in.size();
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

template <class Ctx, class X>
auto sum_per_list(Ctx& ctx, const X& x) {
    return ctx.apply(ops::SegmentSum<axis_of<X>, width_of<X>, false>{}, x);
}
template <class Ctx, class X>
auto mean_per_list(Ctx& ctx, const X& x) {
    return ctx.apply(ops::SegmentSum<axis_of<X>, width_of<X>, true>{}, x);
}
template <class Ctx, class X>
auto max_per_list(Ctx& ctx, const X& x) {
    return ctx.apply(ops::SegmentMax<axis_of<X>, width_of<X>>{}, x);
}

}  // namespace psad
