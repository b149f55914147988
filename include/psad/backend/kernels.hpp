/// \file kernels.hpp
/// Named row functors that every backend runs through its for_each: the generic default of compound
/// operations.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "psad/backend/operand.hpp"
#include "psad/core/config.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"
#include "psad/core/rng.hpp"

namespace psad::kernels {

/// y = (x - mean) / deviation * gain + shift, one row. Keeps 1 / deviation and the normalised row for the
/// derivative.
template <class T>
struct LayerNormRow {
    Matrix<const T> x;
    const T* gain;
    const T* shift;
    Matrix<T> y;
    Matrix<T> normal;  ///< may be empty
    T* rate;           ///< may be null

    PSAD_HOST_DEVICE void operator()(int r) const {
        const T* in = x.row(r);
        const int n = x.cols;
        T sum = 0, squares = 0;
        for (int c = 0; c < n; ++c) sum += in[c];
        const T mean = sum / static_cast<T>(n);
        for (int c = 0; c < n; ++c) squares += (in[c] - mean) * (in[c] - mean);
        const T inverse = T(1) / std::sqrt(squares / static_cast<T>(n) + T(1e-5));
        T* out = y.row(r);
        for (int c = 0; c < n; ++c) out[c] = (in[c] - mean) * inverse * gain[c] + shift[c];
        if (rate) {
            rate[r] = inverse;
            T* keep = normal.row(r);
            for (int c = 0; c < n; ++c) keep[c] = (in[c] - mean) * inverse;
        }
    }
};

/// dx += rate (g - mean(g) - normal mean(g normal)), g = dy gain, one row.
template <class T>
struct LayerNormRowBackward {
    Matrix<const T> dy;
    const T* gain;
    Matrix<const T> normal;
    const T* rate;
    Matrix<T> dx;

    PSAD_HOST_DEVICE void operator()(int r) const {
        const T* d = dy.row(r);
        const T* z = normal.row(r);
        const int n = dy.cols;
        T sum = 0, along = 0;
        for (int c = 0; c < n; ++c) {
            const T g = d[c] * gain[c];
            sum += g;
            along += g * z[c];
        }
        const T a = sum / static_cast<T>(n), b = along / static_cast<T>(n);
        T* out = dx.row(r);
        for (int c = 0; c < n; ++c) out[c] += rate[r] * (d[c] * gain[c] - a - z[c] * b);
    }
};

/// out[r] += mean of the table rows of bag r.
template <class T>
struct AddBagMean {
    BagSource<T> source;
    Matrix<T> out;

    PSAD_HOST_DEVICE void operator()(int r) const {
        const Bag& bag = source.bag;
        const int first = bag.first(r), last = bag.last(r);
        T* to = out.row(r);
        const T scale = last - first > 1 ? T(1) / static_cast<T>(last - first) : T(1);
        for (int i = first; i < last; ++i) {
            const T* from = source.table + static_cast<long>(bag.ids[i]) * out.cols;
            for (int c = 0; c < out.cols; ++c) to[c] += scale * from[c];
        }
    }
};

/// Number i becomes `value`.
template <class T>
struct Fill {
    T* out;
    T value;
    PSAD_HOST_DEVICE void operator()(int i) const { out[i] = value; }
};

/// A functor of a row's columns (row, first, step) as one of whole rows.
template <class F>
struct WholeRow {
    F f;
    PSAD_HOST_DEVICE void operator()(int r) const { f(r, 0, 1); }
};

/// So do all of row r.
template <class T>
struct FillRow {
    Matrix<T> out;
    T value;
    PSAD_HOST_DEVICE void operator()(int r, int first, int step) const {
        for (int c = first; c < out.cols; c += step) out(r, c) = value;
    }
};

/// Row r of the transposed matrix.
template <class T>
struct TransposedRow {
    Matrix<const T> from;
    Matrix<T> to;

    PSAD_HOST_DEVICE void operator()(int r, int first, int step) const {
        for (int c = first; c < to.cols; c += step) to(r, c) = from(c, r);
    }
};

/// Which keys a query row may still choose: key i is allowed for row r when placed_at[i] >= limit[r].
/// A null placed_at allows every key.
struct RowMask {
    const int* placed_at = nullptr;  ///< [keys] the slot at which a candidate was placed, or never_placed
    const int* limit = nullptr;      ///< [queries]

    static constexpr int never_placed = 1 << 30;
    PSAD_HOST_DEVICE bool allows(int query, int key) const {
        return !placed_at || placed_at[key] >= limit[query];
    }
};

/// One query row of p = softmax(logits / temperature) over the allowed keys; forbidden ones get 0, allowed
/// ones never do, so that a hopeless target still counts.
template <class T>
struct MaskedSoftmaxRow {
    const T* logits;
    PairRows pairs;
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
    PairRows pairs;
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
    PairRows pairs;
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
    PairRows pairs;
    T* loss;

    static constexpr T least = T(1e-6);
    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, n, start] = pairs.row(q);
        T sum = 0;
        for (int j = 0; j < n; ++j) {
            const T rest = T(1) - p[start + j];
            sum -= target[start + j] * std::log(rest > least ? rest : least);
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
    PairRows pairs;
    T* dlogits;

    PSAD_HOST_DEVICE void operator()(int q) const {
        const PairRow row = pairs.row(q);
        const int n = row.count, start = row.start;  // names that clang 14 lets a lambda capture
        const auto pull = [&](int j) {
            const T rest = T(1) - p[start + j];
            return rest > UnlikelihoodRow<T>::least ? target[start + j] / rest : T(0);
        };
        T mean = 0;
        for (int j = 0; j < n; ++j) mean += pull(j) * p[start + j];
        const T scale = dloss[q] * weight[q];
        for (int j = 0; j < n; ++j) dlogits[start + j] += scale * p[start + j] * (pull(j) - mean);
    }
};

/// mask[i] = 0 with probability `rate`, else 1 / (1 - rate): a pure function of (key, i).
template <class T>
struct DropoutMask {
    std::uint64_t key;
    float rate;
    T* mask;

    PSAD_HOST_DEVICE void operator()(int i) const {
        mask[i] = rng::uniform(key, static_cast<std::uint64_t>(i)) < rate
                      ? T(0)
                      : T(1) / (T(1) - static_cast<T>(rate));
    }
};

}  // namespace psad::kernels
