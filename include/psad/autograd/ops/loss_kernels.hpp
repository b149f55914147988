/// \file loss_kernels.hpp
/// Losses over one query's row of pairs and their derivatives, as functors that every backend runs through its
/// for_each.
#pragma once

#include <cmath>

#include "psad/autograd/ops/row_mask.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"

namespace psad::inline PSAD_ABI::ops {

/// One query row of p = softmax(logits / temperature) over the allowed keys; forbidden ones get 0, allowed
/// ones never do, so that log p stays finite for targets of very low probability.
template <class T>
struct MaskedSoftmaxRow {
    const T* logits;
    PairLayout pairs;
    RowMask mask;
    T inverse_temperature;
    T* p;

    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first, n, start] = pairs.row(q);
        T top = math::lowest<T>;
        for (int j = 0; j < n; ++j) {
            if (mask.allows(q, first + j) && logits[start + j] > top) top = logits[start + j];
        }
        T sum = 0;
        for (int j = 0; j < n; ++j) {
            const bool allowed = mask.allows(q, first + j);
            T e = allowed ? math::exp((logits[start + j] - top) * inverse_temperature) : T(0);
            if (allowed && e < T(1e-36)) e = T(1e-36);  // a NaN stays one
            p[start + j] = e;
            sum += e;
        }
        for (int j = 0; j < n; ++j) p[start + j] = sum != T(0) ? p[start + j] / sum : T(0);
    }
};

/// loss[q] = -weight[q] sum_i target[q,i] log p[q,i], one query row; p as MaskedSoftmaxRow left it.
/// A target on a forbidden key counts nothing.
template <class T>
struct CrossEntropyRow {
    const T* p;
    const T* target;
    const T* weight;
    PairLayout pairs;
    T* loss;

    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, n, start] = pairs.row(q);
        T sum = 0;
        for (int j = 0; j < n; ++j) {
            const T t = target[start + j];
            if (t > T(0) && p[start + j] != T(0)) sum -= t * std::log(p[start + j]);
        }
        loss[q] = weight[q] == T(0) ? T(0) : weight[q] * sum;
    }
};

/// dlogits[q,i] += dloss[q] weight[q] / temperature (p[q,i] sum(target) - target[q,i]) over the allowed keys.
template <class T>
struct CrossEntropyRowBackward {
    const T* p;
    const T* target;
    const T* weight;
    const T* dloss;
    PairLayout pairs;
    T inverse_temperature;
    T* dlogits;

    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, n, start] = pairs.row(q);
        const T scale = dloss[q] * weight[q] * inverse_temperature;
        if (scale == T(0)) return;
        T mass = 0;
        for (int j = 0; j < n; ++j) mass += p[start + j] != T(0) ? target[start + j] : T(0);
        for (int j = 0; j < n; ++j) {
            if (p[start + j] != T(0)) dlogits[start + j] += scale * (p[start + j] * mass - target[start + j]);
        }
    }
};

/// loss[q] = -weight[q] sum_i target[q,i] log(1 - p[q,i]), one query row. p is held 1e-6 away from 1.
template <class T>
struct UnlikelihoodRow {
    const T* p;
    const T* target;
    const T* weight;
    PairLayout pairs;
    T* loss;

    static constexpr T min_rest = T(1e-6);
    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, n, start] = pairs.row(q);
        T sum = 0;
        for (int j = 0; j < n; ++j) {
            const T rest = T(1) - p[start + j];
            sum -= target[start + j] * std::log(rest > min_rest ? rest : min_rest);
        }
        loss[q] = weight[q] * sum;
    }
};

/// dlogits[q,i] += dloss[q] weight[q] p[q,i] (r[q,i] - sum_j r[q,j] p[q,j]), r = target / (1 - p).
template <class T>
struct UnlikelihoodRowBackward {
    const T* p;
    const T* target;
    const T* weight;
    const T* dloss;
    PairLayout pairs;
    T* dlogits;

    PSAD_HOST_DEVICE void operator()(int q) const {
        const QueryPairs row = pairs.row(q);
        const int n = row.count, start = row.start;  // clang 14 lets no lambda capture structured bindings
        const auto ratio = [&](int j) {
            const T rest = T(1) - p[start + j];
            return rest > UnlikelihoodRow<T>::min_rest ? target[start + j] / rest : T(0);
        };
        T mean = 0;
        for (int j = 0; j < n; ++j) mean += ratio(j) * p[start + j];
        const T scale = dloss[q] * weight[q];
        for (int j = 0; j < n; ++j) dlogits[start + j] += scale * p[start + j] * (ratio(j) - mean);
    }
};

}  // namespace psad::ops
