/// \file map.hpp
/// Pointwise functions of values that meet on the finest of their axes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "psad/autograd/ops/broadcast.hpp"

namespace psad::inline PSAD_ABI::ops {

/// dy times the partial derivative of F by its argument number I.
template <class F, int I>
struct DerivativeTimes {
    F f;
    template <class T, class... X>
    PSAD_HOST_DEVICE T operator()(T dy, T y, X... x) const {
        return dy * f.derivatives(y, x...).d[I];
    }
};

template <class F, class... In>
struct Map {
    using axis = finest<axis_of<In>...>;
    static constexpr int width = (std::max)({width_of<In>...});
    static constexpr bool has_parameters = false;
    template <class V>
    using Meet = Broadcast<axis_of<V>, width_of<V>, axis, width>;

    F f;

    template <class B, class T, class... M>
    void forward(OpWorkspace<B>& w, Matrix<T> out, M... in) const {
        w.backend->template map<false>(f, out, Meet<In>::operand(*w.layout, in)...);
    }

    template <class B, class T, class... X>
    void backward(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, X... in) const {
        each(std::index_sequence_for<In...>{}, w, out, dout, in...);
    }

    template <class Out, class... S>
    double flops(const Layout&, Out out, S...) const {
        return out.size() * static_cast<double>(sizeof...(In));
    }

  private:
    template <std::size_t... I, class B, class T, class... X>
    void each(std::index_sequence<I...>, OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, X... in) const {
        (one<static_cast<int>(I)>(w, out, dout, in.grad, in.value...), ...);
    }

    template <int I, class B, class T, class... M>
    void one(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, Matrix<T> dx, M... in) const {
        if (!dx) return;
        using Own = Meet<std::tuple_element_t<I, std::tuple<In...>>>;
        const DerivativeTimes<F, I> by_argument{f};
        const Operand<T> dy{dout.data, dout.stride}, y{out.data, out.stride};
        if constexpr (Own::exact) {
            w.backend->template map<true>(by_argument, dx, dy, y, Meet<In>::operand(*w.layout, in)...);
        } else {
            const Matrix<T> fine = w.scratch(out.rows, out.cols);
            w.backend->template map<false>(by_argument, fine, dy, y, Meet<In>::operand(*w.layout, in)...);
            Own::fold(w, fine, dx);
        }
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// f(in...) element by element. Values per list and Fixed<1> values are repeated along the finest axis,
/// values of width 1 along the width.
template <class F, class Ctx, class... In>
auto map(Ctx& ctx, F f, const In&... in) {
    return ctx.apply(ops::Map<F, In...>{f}, in...);
}

}  // namespace psad
