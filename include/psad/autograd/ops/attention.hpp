/// \file attention.hpp
/// Multi-head attention between two axes of the same list (Vaswani et al., 2017), without padding.
#pragma once

#include <cmath>

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// Query row q sees the first key_length[q] keys of its list; all of them when null. A list without keys gives
/// zeros.
template <class Query, class Key, int Width, int Heads, class T>
struct Attention {
    static_assert(Width % Heads == 0, "psad: the width of an attention layer is a multiple of its heads");
    using axis = Query;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    const int* key_length;
    T* weights = nullptr;  ///< softmax of every head, one block of pairs per head

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> q, Matrix<const T> k, Matrix<const T> v) {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        if (!w.training) {
            const auto take = [&w](std::size_t count) { return w.take(count); };
            w.backend->attention_forward(q, k, v, Heads, scale(), pairs, key_length, take, out);
            return;
        }
        weights = w.take(static_cast<std::size_t>(pairs.rows) * Heads);
        w.backend->attention_forward_train(q, k, v, Heads, scale(), pairs, key_length, weights, out);
    }

    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> q, Tracked<T> k, Tracked<T> v) const {
        const auto take = [&w](std::size_t count) { return w.take(count); };
        w.backend->attention_backward(weights, Matrix<const T>(dout), q.value, k.value, v.value, Heads, scale(),
                                      w.layout->template pairs<Query, Key>(), take, q.grad, k.grad, v.grad);
    }

    template <class Out, class... S>
    double flops(const Layout& layout, Out, S...) const {
        return layout.template pairs<Query, Key>().rows * (4.0 * Width + 5.0 * Heads);
    }

  private:
    static T scale() { return T(1) / std::sqrt(static_cast<T>(Width / Heads)); }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// For each head: softmax(q k / sqrt(head width)) v, heads side by side. `key_length` (one number per query row)
/// hides the later keys of a list; null shows all.
template <int Heads, class Ctx, class Q, class K>
auto attention(Ctx& ctx, const Q& query, const K& key, const K& value, const int* key_length = nullptr) {
    expect_width<K, width_of<Q>>();
    using Op = ops::Attention<axis_of<Q>, axis_of<K>, width_of<Q>, Heads, typename Ctx::Scalar>;
    return ctx.apply(Op{key_length}, query, key, value);
}

}  // namespace psad
