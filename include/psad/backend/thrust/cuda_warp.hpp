/// \file cuda_warp.hpp
/// Work of rows done by a warp each: neighbouring lanes read neighbouring numbers, and sums go through
/// registers in an order that depends on nothing but the row's length.
#pragma once

#include <cmath>
#include <cstddef>

#include "psad/backend/operand.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::cuda_warp {

inline constexpr int lanes = 32;

/// The sum over the lanes, the same bits in each.
template <class T>
__device__ T sum(T x) {
    for (int step = lanes / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

template <class T>
__device__ T max(T x) {
    for (int step = lanes / 2; step > 0; step /= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, x, step);
        x = other > x ? other : x;
    }
    return x;
}

/// As kernels::LayerNormRow.
template <class T>
struct LayerNorm {
    Matrix<const T> x;
    const T* gain;
    const T* shift;
    Matrix<T> y;
    Matrix<T> normal;  ///< may be empty
    T* rate;           ///< may be null

    __device__ void operator()(int r, int lane) const {
        const T* in = x.row(r);
        const int n = x.cols;
        T total = 0, squares = 0;
        for (int c = lane; c < n; c += lanes) total += in[c];
        const T mean = sum(total) / static_cast<T>(n);
        for (int c = lane; c < n; c += lanes) squares += (in[c] - mean) * (in[c] - mean);
        const T inverse = T(1) / std::sqrt(sum(squares) / static_cast<T>(n) + T(1e-5));
        for (int c = lane; c < n; c += lanes) {
            const T z = (in[c] - mean) * inverse;
            y(r, c) = z * gain[c] + shift[c];
            if (rate) normal(r, c) = z;
        }
        if (rate && lane == 0) rate[r] = inverse;
    }
};

/// As kernels::LayerNormRowBackward.
template <class T>
struct LayerNormBackward {
    Matrix<const T> dy;
    const T* gain;
    Matrix<const T> normal;
    const T* rate;
    Matrix<T> dx;

    __device__ void operator()(int r, int lane) const {
        const int n = dy.cols;
        T total = 0, along = 0;
        for (int c = lane; c < n; c += lanes) {
            const T g = dy(r, c) * gain[c];
            total += g;
            along += g * normal(r, c);
        }
        const T a = sum(total) / static_cast<T>(n), b = sum(along) / static_cast<T>(n);
        for (int c = lane; c < n; c += lanes)
            dx(r, c) += rate[r] * (dy(r, c) * gain[c] - a - normal(r, c) * b);
    }
};

template <class T>
struct PairSoftmax {
    T* p;
    PairRows pairs;
    const int* visible;  ///< [queries], or null

    __device__ void operator()(int q, int lane) const {
        const PairRow at = pairs.row(q);
        T* row = p + at.start;
        const int seen = visible ? visible[q] : at.count;
        T top = math::lowest<T>;
        for (int j = lane; j < seen; j += lanes) top = row[j] > top ? row[j] : top;
        top = max(top);
        T total = 0;
        for (int j = lane; j < seen; j += lanes) {
            row[j] = math::exp(row[j] - top);
            total += row[j];
        }
        total = sum(total);
        for (int j = lane; j < at.count; j += lanes) row[j] = j < seen ? row[j] / total : T(0);
    }
};

template <class T>
struct PairSoftmaxBackward {
    const T* p;
    T* dp;
    PairRows pairs;
    T scale;

    __device__ void operator()(int q, int lane) const {
        const PairRow at = pairs.row(q);
        T along = 0;
        for (int j = lane; j < at.count; j += lanes) along += p[at.start + j] * dp[at.start + j];
        along = sum(along);
        for (int j = lane; j < at.count; j += lanes)
            dp[at.start + j] = scale * p[at.start + j] * (dp[at.start + j] - along);
    }
};

/// One head of one query: a lane has a key's logit, then a column of the sum. The logits are never stored.
template <class T>
struct Attend {
    Matrix<const T> query, key, value;
    int heads;
    T scale;
    PairRows pairs;
    const int* visible;  ///< [queries], or null
    Matrix<T> out;

    __device__ void operator()(int i, int lane) const {
        const int q = i / heads, width = query.cols / heads, at = i % heads * width;
        const PairRow row = pairs.row(q);
        const int seen = visible ? visible[q] : row.count;
        const T* asked = query.row(q) + at;
        T* to = out.row(q) + at;
        for (int c = lane; c < width; c += lanes) to[c] = T(0);
        T top = math::lowest<T>, total = 0;
        for (int first = 0; first < seen; first += lanes) {
            const int count = seen - first < lanes ? seen - first : lanes;
            T logit = math::lowest<T>;
            if (lane < count) {
                const T* k = key.row(row.first_key + first + lane) + at;
                logit = 0;
                for (int c = 0; c < width; ++c) logit += asked[c] * k[c];
                logit *= scale;
            }
            const T higher = max(logit > top ? logit : top);
            const T by = higher > top ? math::exp(top - higher) : T(1);  // what was summed, to the new top
            const T weight = lane < count ? math::exp(logit - higher) : T(0);
            top = higher;
            total = total * by + sum(weight);
            for (int c0 = 0; c0 < width; c0 += lanes) {  // all lanes: weights are passed among them
                const int c = c0 + lane;
                T mixed = c < width ? to[c] * by : T(0);
                for (int j = 0; j < count; ++j) {
                    const T w = __shfl_sync(0xffffffffu, weight, j);
                    if (c < width) mixed += w * value(row.first_key + first + j, at + c);
                }
                if (c < width) to[c] = mixed;
            }
        }
        if (seen > 0) {
            for (int c = lane; c < width; c += lanes) to[c] /= total;
        }
    }
};

/// The squares of one chunk, added up.
template <class T>
struct SquaresOfChunk {
    const T* x;
    std::size_t count, chunk;
    double* out;

    __device__ void operator()(int i, int lane) const {
        const std::size_t first = static_cast<std::size_t>(i) * chunk;
        const std::size_t end = first + chunk < count ? first + chunk : count;
        double total = 0;
        for (std::size_t j = first + static_cast<std::size_t>(lane); j < end; j += lanes)
            total += static_cast<double>(x[j]) * static_cast<double>(x[j]);
        total = sum(total);
        if (lane == 0) out[i] = total;
    }
};

/// out[0] = the sum of `count` numbers.
struct Sum {
    const double* x;
    int count;
    double* out;

    __device__ void operator()(int, int lane) const {
        double total = 0;
        for (int j = lane; j < count; j += lanes) total += x[j];
        total = sum(total);
        if (lane == 0) *out = total;
    }
};

}  // namespace psad::cuda_warp
