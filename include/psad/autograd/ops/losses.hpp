/// \file losses.hpp
/// Losses over rows of pairs: one distribution over a list's candidates per row.
#pragma once

#include <cmath>

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/ops/loss_kernels.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// -weight[q] sum_k target[q,k] log softmax(logits / temperature)[q,k], over the keys a row may still choose.
template <class Query, class Key, class T>
struct CrossEntropy {
    using axis = Query;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    const T* target;  ///< [pairs]
    const T* weight;  ///< [queries]
    RowMask mask;
    T temperature;
    T* p = nullptr;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> logits) {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        p = w.take(static_cast<std::size_t>(pairs.rows));
        w.backend->for_each(pairs.queries, MaskedSoftmaxRow<T>{logits.data, pairs, mask, T(1) / temperature, p});
        w.backend->for_each(pairs.queries, CrossEntropyRow<T>{p, target, weight, pairs, out.data});
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> logits) const {
        if (!logits.grad) return;
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries, CrossEntropyRowBackward<T>{p, target, weight, dout.data, pairs,
                                                                      T(1) / temperature, logits.grad.data});
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S in) const {
        return 8 * in.size();
    }
};

/// -weight[q] sum_k target[q,k] log(1 - p[q,k]), p = softmax(logits) over the keys a row may still choose.
template <class Query, class Key, class T>
struct Unlikelihood {
    using axis = Query;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    const T* target;  ///< [pairs]
    const T* weight;  ///< [queries]
    RowMask mask;
    T* p = nullptr;

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> logits) {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        p = w.take(static_cast<std::size_t>(pairs.rows));
        w.backend->for_each(pairs.queries, MaskedSoftmaxRow<T>{logits.data, pairs, mask, T(1), p});
        w.backend->for_each(pairs.queries, UnlikelihoodRow<T>{p, target, weight, pairs, out.data});
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> logits) const {
        if (!logits.grad) return;
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries,
                            UnlikelihoodRowBackward<T>{p, target, weight, dout.data, pairs, logits.grad.data});
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S in) const {
        return 8 * in.size();
    }
};

/// weight[q] times the mean over allowed keys of (a - b - their mean difference)^2: logits are free up to a
/// constant.
template <class Query, class Key, class T>
struct SquaredLogits {
    using axis = Query;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    const T* weight;
    RowMask mask;

    struct Row {
        const T* a;
        const T* b;
        const T* weight;
        RowMask mask;
        PairLayout pairs;
        T* out;         ///< the loss, or null
        const T* dout;  ///< its gradient, read when da or db is given
        T* da;
        T* db;

        PSAD_HOST_DEVICE void operator()(int q) const {
            const auto [first, n, start] = pairs.row(q);
            T mean = 0, count = 0;
            for (int j = 0; j < n; ++j) {
                if (!mask.allows(q, first + j)) continue;
                mean += a[start + j] - b[start + j];
                count += T(1);
            }
            if (count == T(0)) {
                if (out) out[q] = T(0);
                return;
            }
            mean /= count;
            T sum = 0;
            for (int j = 0; j < n; ++j) {
                if (!mask.allows(q, first + j)) continue;
                const T gap = a[start + j] - b[start + j] - mean;
                sum += gap * gap;
                if (dout) {
                    const T derivative = T(2) * dout[q] * weight[q] * gap / count;
                    if (da) da[start + j] += derivative;
                    if (db) db[start + j] -= derivative;
                }
            }
            if (out) out[q] = weight[q] * sum / count;
        }
    };

    template <class B>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> a, Matrix<const T> b) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries,
                            Row{a.data, b.data, weight, mask, pairs, out.data, nullptr, nullptr, nullptr});
    }
    template <class B>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> a, Tracked<T> b) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->for_each(pairs.queries, Row{a.value.data, b.value.data, weight, mask, pairs, nullptr, dout.data,
                                               a.grad.data, b.grad.data});
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S in, S) const {
        return 5 * in.size();
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// Cross entropy of each query's row of logits against `target` (one number per pair), weighted per row.
template <class Ctx, class P>
auto cross_entropy(Ctx& ctx, const P& logits, const typename Ctx::Scalar* target, const typename Ctx::Scalar* weight,
                   RowMask mask = {}, typename Ctx::Scalar temperature = 1) {
    using Op = ops::CrossEntropy<query_of<P>, key_of<P>, typename Ctx::Scalar>;
    return ctx.apply(Op{target, weight, mask, temperature}, logits);
}

/// Unlikelihood of `target` (Welleck et al., ICLR 2020; for lists without a positive NAR4Rec, KDD 2024), weighted per
/// row.
template <class Ctx, class P>
auto unlikelihood(Ctx& ctx, const P& logits, const typename Ctx::Scalar* target, const typename Ctx::Scalar* weight,
                  RowMask mask = {}) {
    using Op = ops::Unlikelihood<query_of<P>, key_of<P>, typename Ctx::Scalar>;
    return ctx.apply(Op{target, weight, mask}, logits);
}

/// Squared difference of two rows of logits, each row centred.
template <class Ctx, class P>
auto squared_logits(Ctx& ctx, const P& a, const P& b, const typename Ctx::Scalar* weight, RowMask mask) {
    return ctx.apply(ops::SquaredLogits<query_of<P>, key_of<P>, typename Ctx::Scalar>{weight, mask}, a, b);
}

/// log(1 + e^s) - y s: the logistic loss of score s and label y.
struct LogisticLoss {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T s, T y) const {
        return math::softplus(s) - y * s;
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 2> derivatives(T, T s, T y) const {
        return {{math::sigmoid(s) - y, -s}};
    }
};

}  // namespace psad
