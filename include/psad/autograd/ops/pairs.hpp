/// \file pairs.hpp
/// Matrices of (query, key) pairs, one per list: scores, their softmax, and what they select.
#pragma once

#include "psad/autograd/ops/broadcast.hpp"
#include "psad/autograd/ops/loss_kernels.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// scale query[q] . key[k], over `columns` columns of each from its first.
template <class Query, class Key, class T>
struct PairDot {
    using axis = Pairs<Query, Key>;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    T scale;
    int query_first, key_first, columns;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> q, Matrix<const T> k) const {
        w.backend->pair_dot(q.columns(query_first, columns), k.columns(key_first, columns),
                            w.layout->template pairs<Query, Key>(), scale, out.data, false);
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> q, Tracked<T> k) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        if (scale != T(1)) {
            w.backend->template map<false>(Times<T>{scale}, dout, Operand<T>{dout.data, 1});
        }
        if (q.grad) {
            w.backend->pair_apply(dout.data, k.value.columns(key_first, columns), pairs,
                                  q.grad.columns(query_first, columns));
        }
        if (k.grad) {
            w.backend->pair_apply_transposed(dout.data, q.value.columns(query_first, columns), pairs,
                                             k.grad.columns(key_first, columns));
        }
    }
    template <class Out, class Q, class K>
    double flops(const Layout&, Out out, Q, K) const {
        return 2 * out.size() * columns;
    }
};

/// Repeats one number per key for every query of the list.
template <class Query, class Key>
struct SpreadKeys {
    using axis = Pairs<Query, Key>;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    template <class T>
    struct Row {
        const T* in;
        PairLayout pairs;
        T* out;
        PSAD_HOST_DEVICE void operator()(int q, int begin, int step) const {
            const QueryPairs row = pairs.row(q);
            for (int j = begin; j < row.count; j += step) out[row.start + j] = in[row.first_key + j];
        }
    };
    template <class T>
    struct ListBackward {
        const T* dout;
        PairLayout pairs;
        T* din;
        PSAD_HOST_DEVICE void operator()(int l, int begin, int step) const {
            const int first = pairs.key_begin[l], n = pairs.key_end[l] - first;
            const T* d = dout + pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, d += n) {
                for (int j = begin; j < n; j += step) din[first + j] += d[j];
            }
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> key) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each_row(pairs.queries, Row<T>{key.data, pairs, out.data});
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> key) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        if (key.grad) w.backend->for_each_row(pairs.lists, ListBackward<T>{dout.data, pairs, key.grad.data});
    }
    template <class Out, class K>
    double flops(const Layout&, Out, K) const {
        return 0;
    }
};

/// Softmax of each query's row of pairs.
template <class Query, class Key>
struct PairSoftmax {
    using axis = Pairs<Query, Key>;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> scores) const {
        w.backend->template map<false>(Identity{}, out, Operand<T>{scores.data, 1});
        w.backend->pair_softmax(out.data, w.layout->template pairs<Query, Key>(), nullptr);
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, Tracked<T> scores) const {
        if (!scores.grad) return;
        w.backend->pair_softmax_backward(out.data, dout.data, w.layout->template pairs<Query, Key>(), T(1));
        w.backend->template map<true>(Identity{}, scores.grad, Operand<T>{dout.data, 1});
    }
    template <class Out, class S>
    double flops(const Layout&, Out out, S) const {
        return 5 * out.size();
    }
};

/// out[q] = sum_k p[q,k] value[k]; zero for a list without keys.
template <class Query, class Key, int Width>
struct PairApply {
    using axis = Query;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> p, Matrix<const T> value) const {
        w.backend->fill(out.data, out.rows * Width, T(0));
        w.backend->pair_apply(p.data, value, w.layout->template pairs<Query, Key>(), out);
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> p, Tracked<T> value) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        if (p.grad) w.backend->pair_dot(dout, value.value, pairs, T(1), p.grad.data, true);
        if (value.grad) w.backend->pair_apply_transposed(p.value.data, dout, pairs, value.grad);
    }
    template <class Out, class P, class V>
    double flops(const Layout&, Out, P p, V) const {
        return 2 * p.size() * Width;
    }
};

/// out[q] = sum_k p[q,k] m[q,k].
template <class Query, class Key>
struct PairInner {
    using axis = Query;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    template <class T>
    struct Row {
        const T* a;
        const T* b;
        PairLayout pairs;
        T* out;
        PSAD_HOST_DEVICE void operator()(int q) const {
            const auto [first_key, n, start] = pairs.row(q);
            T sum = 0;
            for (int j = 0; j < n; ++j) sum += a[start + j] * b[start + j];
            out[q] = sum;
        }
    };
    template <class T>
    struct RowBackward {
        const T* dout;
        const T* other;
        PairLayout pairs;
        T* din;
        PSAD_HOST_DEVICE void operator()(int q) const {
            const auto [first_key, n, start] = pairs.row(q);
            for (int j = 0; j < n; ++j) din[start + j] += dout[q] * other[start + j];
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> p, Matrix<const T> m) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries, Row<T>{p.data, m.data, pairs, out.data});
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> p, Tracked<T> m) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        if (p.grad) w.backend->for_each(pairs.queries, RowBackward<T>{dout.data, m.value.data, pairs, p.grad.data});
        if (m.grad) w.backend->for_each(pairs.queries, RowBackward<T>{dout.data, p.value.data, pairs, m.grad.data});
    }
    template <class Out, class P, class M>
    double flops(const Layout&, Out, P p, M) const {
        return 2 * p.size();
    }
};

/// softmax(logits / temperature) over the keys a row may still choose.
template <class Query, class Key, class T>
struct MaskedSoftmax {
    using axis = Pairs<Query, Key>;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    RowMask mask;
    T temperature;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> logits) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries, MaskedSoftmaxRow<T>{logits.data, pairs, mask, T(1) / temperature, out.data});
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T> out, Matrix<T> dout, Tracked<T> logits) const {
        if (!logits.grad) return;
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->pair_softmax_backward(out.data, dout.data, pairs, T(1) / temperature);
        w.backend->template map<true>(Identity{}, logits.grad, Operand<T>{dout.data, 1});
    }
    template <class Out, class S>
    double flops(const Layout&, Out out, S) const {
        return 5 * out.size();
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

template <class Ctx, class Q, class K>
auto pair_dot(Ctx& ctx, const Q& query, const K& key, typename Ctx::Scalar scale) {
    expect_width<K, width_of<Q>>();
    return ctx.apply(ops::PairDot<axis_of<Q>, axis_of<K>, typename Ctx::Scalar>{scale, 0, 0, width_of<Q>}, query, key);
}

/// The same over `columns` columns, from column `query_first` of the queries and `key_first` of the keys.
template <class Ctx, class Q, class K>
auto pair_dot_columns(Ctx& ctx, const Q& query, int query_first, const K& key, int key_first, int columns) {
    return ctx.apply(ops::PairDot<axis_of<Q>, axis_of<K>, typename Ctx::Scalar>{1, query_first, key_first, columns},
                     query, key);
}

template <class Query, class Ctx, class K>
auto spread_keys(Ctx& ctx, const K& key) {
    expect_width<K, 1>();
    return ctx.apply(ops::SpreadKeys<Query, axis_of<K>>{}, key);
}

namespace ops {
template <class V>
struct PairAxes;
template <class Query, class Key>
struct PairAxes<Pairs<Query, Key>> {
    using query = Query;
    using key = Key;
};
}  // namespace ops
template <class V>
using query_of = typename ops::PairAxes<axis_of<V>>::query;
template <class V>
using key_of = typename ops::PairAxes<axis_of<V>>::key;

template <class Ctx, class P>
auto pair_softmax(Ctx& ctx, const P& scores) {
    return ctx.apply(ops::PairSoftmax<query_of<P>, key_of<P>>{}, scores);
}

template <class Ctx, class P>
auto masked_softmax(Ctx& ctx, const P& logits, RowMask mask, typename Ctx::Scalar temperature) {
    using Op = ops::MaskedSoftmax<query_of<P>, key_of<P>, typename Ctx::Scalar>;
    return ctx.apply(Op{mask, temperature}, logits);
}

template <class Ctx, class P, class V>
auto pair_apply(Ctx& ctx, const P& weights, const V& value) {
    expect_axis<V, key_of<P>>();
    return ctx.apply(ops::PairApply<query_of<P>, key_of<P>, width_of<V>>{}, weights, value);
}

template <class Ctx, class P>
auto pair_inner(Ctx& ctx, const P& a, const P& b) {
    return ctx.apply(ops::PairInner<query_of<P>, key_of<P>>{}, a, b);
}

}  // namespace psad
