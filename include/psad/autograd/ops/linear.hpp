/// \file linear.hpp
/// act(x W + b) for an x made of parts on several axes. A part with one row per list is multiplied once per list,
/// and the product is broadcast to the finer rows. b is one row for all, or one per list.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "psad/autograd/ops/broadcast.hpp"

namespace psad::inline PSAD_ABI {

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
/// What has parts stays as it is.
template <class... Part>
const Parts<Part...>& parts(const Parts<Part...>& x) {
    return x;
}

}  // namespace psad

namespace psad::inline PSAD_ABI::ops {

template <class Act, int Out, class BiasAxis, class... Part>
struct Linear {
    using axis = finest<axis_of<Part>...>;
    static constexpr int width = Out;
    static constexpr bool has_parameters = false;
    /// Whether a part has one row per list while the result has finer rows.
    template <class P>
    static constexpr bool is_per_list = !std::is_same_v<axis_of<P>, axis>;
    static_assert(
        ((!is_per_list<Part> || std::is_same_v<axis_of<Part>, Lists>)&&...),
        "psad: a part of a linear layer's input has rows of its own kind; wanted: one per list, or those of the "
        "finest part");
    static constexpr int per_list_parts = (0 + ... + static_cast<int>(is_per_list<Part>));
    static constexpr int per_row_parts = static_cast<int>(sizeof...(Part)) - per_list_parts;
    static constexpr bool bias_per_list = std::is_same_v<BiasAxis, Lists>;
    /// Whether the sum of the per-list products and the bias has one row per list and must be broadcast.
    static constexpr bool partial_per_list = (per_list_parts > 0 || bias_per_list) && !std::is_same_v<axis, Lists>;

    template <class B, class T, class... M>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> weight, Matrix<const T> bias, M... in) const {
        Operand<T> partial{bias.data, bias_per_list ? Out : 0};  // no bias: null, which counts as zero
        if constexpr (per_list_parts > 0) {
            Factor<T> per_list_factors[per_list_parts];
            factors<true>(per_list_factors, weight, in...);
            const Matrix<T> sum = w.scratch(w.layout->lists, Out);
            w.backend->affine(per_list_factors, partial, Identity{}, sum);
            partial = {sum.data, Out};
        }
        if constexpr (partial_per_list) partial.row_of = w.layout->template jagged<axis>().owner;
        Factor<T> per_row_factors[per_row_parts];
        factors<false>(per_row_factors, weight, in...);
        w.backend->affine(per_row_factors, partial, Act{}, out);
    }

    template <class B, class T, class... X>
    void backward(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, Tracked<T> weight, Tracked<T> bias,
                  X... in) const {
        if constexpr (!std::is_same_v<Act, Identity>) {  // in place: from here on the derivative by x W + b
            w.backend->template map<false>(TimesDerivative<Act>{}, dout, Operand<T>{dout.data, dout.stride},
                                           Operand<T>{out.data, out.stride});
        }
        Matrix<T> per_list = dout;
        if constexpr (partial_per_list) {
            per_list = w.zeros(w.layout->lists, Out);
            w.backend->segment_sums(dout, w.layout->template jagged<axis>(), per_list);
        }
        if (bias.grad) {
            if constexpr (bias_per_list)
                w.backend->template map<true>(Identity{}, bias.grad, Operand<T>{per_list.data, Out});
            else
                w.backend->column_sums(per_list, bias.grad.data);
        }
        for_each_part<true>([&](auto x, int first) { part_backward(w, per_list, weight, x, first); }, in...);
        for_each_part<false>([&](auto x, int first) { part_backward(w, dout, weight, x, first); }, in...);
    }

    template <class Shape, class W, class Bias, class... S>
    double flops(const Layout&, Shape, W, Bias, S... in) const {
        return (0.0 + ... + (2.0 * in.size() * Out));
    }

  private:
    /// Calls f(part, first row of its weights) for the parts per list, or for the others.
    template <bool PerList, class F, class... X>
    static void for_each_part(F f, X... in) {
        int first_row = 0;
        ((is_per_list<Part> == PerList ? f(in, first_row) : void(), first_row += width_of<Part>), ...);
    }

    template <bool PerList, class T, class... M>
    static void factors(Factor<T>* to, Matrix<const T> weight, M... in) {
        for_each_part<PerList>([&](auto x, int first_row) { *to++ = {x, weight.row_range(first_row, x.cols)}; }, in...);
    }

    template <class B, class T>
    static void part_backward(OpWorkspace<B>& w, Matrix<T> d, Tracked<T> weight, Tracked<T> x, int first) {
        const int n = x.value.cols;
        if (weight.grad) w.backend->gemm_tn(x.value, d, weight.grad.row_range(first, n), true);
        if (x.grad) {
            const auto take = [&w](std::size_t count) { return w.take(count); };
            w.backend->gemm_nt(d, weight.value.row_range(first, n), x.grad, take);
        }
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

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
