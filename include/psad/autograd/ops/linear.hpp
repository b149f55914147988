/// \file linear.hpp
/// act(x W + b) for an x made of parts on several axes: each part is multiplied on its own axis. b is one row
/// for all, or one per list.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "psad/autograd/ops/broadcast.hpp"

namespace psad {

/// The pieces of a linear layer's input, side by side, each on its own axis.
template <class... Part>
struct Parts {
    std::tuple<Part...> values;
    using axis = finest<axis_of<Part>...>;
    static constexpr int width = (0 + ... + width_of<Part>);
};
template <class... Part>
Parts<Part...> parts(const Part&... part) {
    return {{part...}};
}

}  // namespace psad

namespace psad::ops {

template <class Act, int Out, class BiasAxis, class... Part>
struct Linear {
    using axis = finest<axis_of<Part>...>;
    static constexpr int width = Out;
    static constexpr bool has_parameters = false;
    /// Parts per list are multiplied once per list and repeated.
    template <class P>
    static constexpr bool coarse = !std::is_same_v<axis_of<P>, axis>;
    static constexpr int coarse_parts = (0 + ... + static_cast<int>(coarse<Part>));
    static constexpr bool bias_per_list = std::is_same_v<BiasAxis, Lists>;
    /// Whether what the fine parts are added to has one row per list of a finer axis.
    static constexpr bool start_per_list =
        (coarse_parts > 0 || bias_per_list) && !std::is_same_v<axis, Lists>;
    static constexpr int fine_parts = static_cast<int>(sizeof...(Part)) - coarse_parts;

    template <class B, class T, class... M>
    void forward(Workspace<B>& w, Matrix<T> out, Matrix<const T> weight, Matrix<const T> bias,
                 M... in) const {
        Operand<T> start{bias.data, bias_per_list ? Out : 0};  // no bias: null, which counts as zero
        if constexpr (coarse_parts > 0) {
            Factor<T> once[coarse_parts];
            factors<true>(once, weight, in...);
            const Matrix<T> begun = w.scratch(w.layout->lists, Out);
            w.backend->affine(once, start, Identity{}, begun);
            start = {begun.data, Out};
        }
        if constexpr (start_per_list) start.row_of = w.layout->template jagged<axis>().owner;
        Factor<T> each[fine_parts];
        factors<false>(each, weight, in...);
        w.backend->affine(each, start, Act{}, out);
    }

    template <class B, class T, class... X>
    void backward(Workspace<B>& w, Matrix<const T> out, Matrix<T> dout, Tracked<T> weight, Tracked<T> bias,
                  X... in) const {
        if constexpr (!std::is_same_v<Act, Identity>) {  // dout is read by nobody else: turn it into the
                                                         // slope by x W + b
            w.backend->template map<false>(TimesSlope<Act>{}, dout, Operand<T>{dout.data, dout.stride},
                                           Operand<T>{out.data, out.stride});
        }
        Matrix<T> per_list = dout;
        if constexpr (start_per_list) {
            per_list = w.zeros(w.layout->lists, Out);
            w.backend->segment_sums(dout, w.layout->template jagged<axis>(), per_list);
        }
        if (bias.grad) {
            if constexpr (bias_per_list)
                w.backend->template map<true>(Identity{}, bias.grad, Operand<T>{per_list.data, Out});
            else
                w.backend->column_sums(per_list, bias.grad.data);
        }
        int at = 0;
        each_part<true>([&](auto x, int first) { part_backward(w, per_list, weight, x, first); }, at, in...);
        at = 0;
        each_part<false>([&](auto x, int first) { part_backward(w, dout, weight, x, first); }, at, in...);
    }

    template <class Shape, class W, class Bias, class... S>
    double flops(const Layout&, Shape, W, Bias, S... in) const {
        return (0.0 + ... + (2.0 * in.size() * Out));
    }

  private:
    /// Calls f(part, first row of its weights) for the coarse parts or for the fine ones.
    template <bool Coarse, class F, class... X>
    static void each_part(F f, int& at, X... in) {
        ((coarse<Part> == Coarse ? f(in, at) : void(), at += width_of<Part>), ...);
    }

    template <bool Coarse, class T, class... M>
    static void factors(Factor<T>* to, Matrix<const T> weight, M... in) {
        int at = 0;
        each_part<Coarse>(
            [&](auto x, int first) {
                *to++ = {x, weight.row_range(first, x.cols)};
            },
            at, in...);
    }

    template <class B, class T>
    static void part_backward(Workspace<B>& w, Matrix<T> d, Tracked<T> weight, Tracked<T> x, int first) {
        const int n = x.value.cols;
        if (weight.grad) w.backend->gemm_transposed(x.value, d, weight.grad.row_range(first, n), true);
        if (x.grad) {
            const auto take = [&w](std::size_t count) { return w.take(count); };
            w.backend->gemm_by_transposed(d, weight.value.row_range(first, n), x.grad, take);
        }
    }
};

}  // namespace psad::ops

namespace psad {

/// act(parts W + b), on the finest axis of the parts. W has one row per column of the parts, in their order;
/// b is a row [1] or one per list.
template <class Act, class Ctx, class... Part, class W, class Bias>
auto linear(Ctx& ctx, const Parts<Part...>& x, const W& weight, const Bias& bias, Act) {
    return std::apply(
        [&](const Part&... part) {
            using Op = ops::Linear<Act, width_of<W>, axis_of<Bias>, Part...>;
            return ctx.apply(Op{}, weight, bias, part...);
        },
        x.values);
}

/// The same without a bias.
template <class Act, class Ctx, class... Part, class W>
auto linear(Ctx& ctx, const Parts<Part...>& x, const W& weight, Act act) {
    return linear(ctx, x, weight, typename Ctx::template Value<Fixed<1>, width_of<W>>{}, act);
}

}  // namespace psad
