/// \file default_kernels.hpp
/// Row functors that every backend can run through its for_each: the default of compound operations.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "psad/backend/operand.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"
#include "psad/core/rng.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::default_kernels {

/// y = (x - mean) / deviation * weight + bias, one row. Keeps 1 / deviation and the normalised row for the
/// derivative.
template <class T>
struct LayerNormRow {
    Matrix<const T> x;
    const T* weight;
    const T* bias;
    Matrix<T> y;
    Matrix<T> normalized;  ///< may be empty
    T* inv_std;            ///< may be null

    PSAD_HOST_DEVICE void operator()(int r) const {
        const T* in = x.row(r);
        const int n = x.cols;
        T sum = 0, squares = 0;
        for (int c = 0; c < n; ++c) sum += in[c];
        const T mean = sum / static_cast<T>(n);
        for (int c = 0; c < n; ++c) squares += (in[c] - mean) * (in[c] - mean);
        const T inverse = T(1) / std::sqrt(squares / static_cast<T>(n) + T(1e-5));
        T* out = y.row(r);
        for (int c = 0; c < n; ++c) out[c] = (in[c] - mean) * inverse * weight[c] + bias[c];
        if (inv_std) {
            inv_std[r] = inverse;
            T* z = normalized.row(r);
            for (int c = 0; c < n; ++c) z[c] = (in[c] - mean) * inverse;
        }
    }
};

/// dx += inv_std (g - mean(g) - z mean(g z)), g = dy weight and z the normalised row, one row.
template <class T>
struct LayerNormRowBackward {
    Matrix<const T> dy;
    const T* weight;
    Matrix<const T> normalized;
    const T* inv_std;
    Matrix<T> dx;

    PSAD_HOST_DEVICE void operator()(int r) const {
        const T* d = dy.row(r);
        const T* z = normalized.row(r);
        const int n = dy.cols;
        T sum = 0, dot = 0;
        for (int c = 0; c < n; ++c) {
            const T g = d[c] * weight[c];
            sum += g;
            dot += g * z[c];
        }
        const T a = sum / static_cast<T>(n), b = dot / static_cast<T>(n);
        T* out = dx.row(r);
        for (int c = 0; c < n; ++c) out[c] += inv_std[r] * (d[c] * weight[c] - a - z[c] * b);
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

/// Sets number i to `value`.
template <class T>
struct Fill {
    T* out;
    T value;
    PSAD_HOST_DEVICE void operator()(int i) const { out[i] = value; }
};

/// Calls a functor of some columns of a row, f(row, first, step), for all of them.
template <class F>
struct WholeRow {
    F f;
    PSAD_HOST_DEVICE void operator()(int r) const { f(r, 0, 1); }
};

/// Sets row r to `value`.
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

/// mask[i] = 0 with the probability, else 1 / (1 - probability): a pure function of (key, i).
template <class T>
struct DropoutMask {
    std::uint64_t key;
    float probability;
    T* mask;

    PSAD_HOST_DEVICE void operator()(int i) const {
        mask[i] = rng::uniform(key, static_cast<std::uint64_t>(i)) < probability
                      ? T(0)
                      : T(1) / (T(1) - static_cast<T>(probability));
    }
};

}  // namespace psad::default_kernels
