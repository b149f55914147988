/// \file row_functors.hpp
/// The primitives whose results need a whole row, as functions of its number and of who works on it: see
/// lanes.hpp.
#pragma once

#include <cmath>
#include <cstddef>

#include "psad/backend/operand.hpp"
#include "psad/backend/thrust/functors.hpp"
#include "psad/backend/thrust/lanes.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::thrust_functors {

/// As default_kernels::LayerNormRow. Written a second time on purpose: the reference runs the other, and the
/// conformance suite compares the two.
template <class T>
struct LayerNorm {
    Matrix<const T> x;
    const T* weight;
    const T* bias;
    Matrix<T> y;
    Matrix<T> normalized;  ///< may be empty
    T* inv_std;            ///< may be null

    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int r, Lanes lanes) const {
        const T* in = x.row(r);
        const int n = x.cols;
        T total = 0, squares = 0;
        for (int c = lanes.lane; c < n; c += Lanes::count) total += in[c];
        const T mean = lanes.sum(total) / static_cast<T>(n);
        for (int c = lanes.lane; c < n; c += Lanes::count) squares += (in[c] - mean) * (in[c] - mean);
        const T inverse = T(1) / std::sqrt(lanes.sum(squares) / static_cast<T>(n) + T(1e-5));
        for (int c = lanes.lane; c < n; c += Lanes::count) {
            const T z = (in[c] - mean) * inverse;
            y(r, c) = z * weight[c] + bias[c];
            if (inv_std) normalized(r, c) = z;
        }
        if (inv_std && lanes.lane == 0) inv_std[r] = inverse;
    }
};

/// As default_kernels::LayerNormRowBackward.
template <class T>
struct LayerNormBackward {
    Matrix<const T> dy;
    const T* weight;
    Matrix<const T> normalized;
    const T* inv_std;
    Matrix<T> dx;

    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int r, Lanes lanes) const {
        const int n = dy.cols;
        T total = 0, dot = 0;
        for (int c = lanes.lane; c < n; c += Lanes::count) {
            const T g = dy(r, c) * weight[c];
            total += g;
            dot += g * normalized(r, c);
        }
        const T a = lanes.sum(total) / static_cast<T>(n), b = lanes.sum(dot) / static_cast<T>(n);
        for (int c = lanes.lane; c < n; c += Lanes::count)
            dx(r, c) += inv_std[r] * (dy(r, c) * weight[c] - a - normalized(r, c) * b);
    }
};

/// Softmax of the first `seen` of `count` numbers in place; the others become 0.
template <class T, class Lanes>
PSAD_HOST_DEVICE void softmax(T* row, int seen, int count, Lanes lanes) {
    T top = math::lowest<T>;
    for (int j = lanes.lane; j < seen; j += Lanes::count) top = row[j] > top ? row[j] : top;
    top = lanes.max(top);
    T total = 0;
    for (int j = lanes.lane; j < seen; j += Lanes::count) {
        row[j] = math::exp(row[j] - top);
        total += row[j];
    }
    total = lanes.sum(total);
    for (int j = lanes.lane; j < count; j += Lanes::count) row[j] = j < seen ? row[j] / total : T(0);
}

/// dp = scale p (dp - p . dp), in place.
template <class T, class Lanes>
PSAD_HOST_DEVICE void softmax_backward(const T* p, T* dp, int count, T scale, Lanes lanes) {
    T dot = 0;
    for (int j = lanes.lane; j < count; j += Lanes::count) dot += p[j] * dp[j];
    dot = lanes.sum(dot);
    for (int j = lanes.lane; j < count; j += Lanes::count) dp[j] = scale * p[j] * (dp[j] - dot);
}

template <class T>
struct PairSoftmax {
    T* p;
    PairLayout pairs;
    const int* key_length;  ///< [queries], or null
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int q, Lanes lanes) const {
        const QueryPairs at = pairs.row(q);
        softmax(p + at.start, key_length ? key_length[q] : at.count, at.count, lanes);
    }
};

template <class T>
struct PairSoftmaxBackward {
    const T* p;
    T* dp;
    PairLayout pairs;
    T scale;
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int q, Lanes lanes) const {
        const QueryPairs at = pairs.row(q);
        softmax_backward(p + at.start, dp + at.start, at.count, scale, lanes);
    }
};

/// to[c] = keep to[c] + sum_j weight(j) value(first + j, at + c) over `count` rows; to is not read for keep =
/// 0. Narrow rows leave lanes over: these take every second row, or third, and their sums are added at the
/// end.
template <class T, class Weight, class Lanes>
PSAD_HOST_DEVICE void mix(T* to, T keep, int width, Matrix<const T> value, int at, int first, int count, Weight weight,
                          Lanes lanes) {
    const int groups = width < Lanes::count ? Lanes::count / width : 1;
    const int group = lanes.lane / width, wide = groups > 1 ? width : Lanes::count;
    for (int begin = 0; begin < width; begin += wide) {
        const int c = begin + (groups > 1 ? lanes.lane % width : lanes.lane);
        const bool active = c < width && (groups == 1 || group < groups);
        T sum = 0;
        for (int j0 = 0; j0 < count; j0 += groups) {  // all lanes: weights may be passed among them
            const int j = j0 + (groups > 1 ? group : 0);
            const bool in_range = active && j < count;
            const T w = weight(in_range ? j : 0);
            if (in_range) sum += w * value(first + j, at + c);
        }
        T total = sum;
        for (int g = 1; g < groups; ++g) total += lanes.of(sum, (lanes.lane + g * width) % Lanes::count);
        if (active && (groups == 1 || group == 0)) to[c] = keep == T(0) ? total : to[c] * keep + total;
    }
}

/// One head of one query: a lane has a key's logit, then a column of the sum. The logits are never stored.
template <class T>
struct AttentionForward {
    Matrix<const T> query, key, value;
    int heads;
    T scale;
    PairLayout pairs;
    const int* key_length;  ///< [queries], or null
    Matrix<T> out;

    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int i, Lanes lanes) const {
        const int q = i / heads, width = query.cols / heads, at = i % heads * width;
        const QueryPairs row = pairs.row(q);
        const int seen = key_length ? key_length[q] : row.count;
        const T* asked = query.row(q) + at;
        T* to = out.row(q) + at;
        for (int c = lanes.lane; c < width; c += Lanes::count) to[c] = T(0);
        lanes.sync();
        T top = math::lowest<T>, total = 0;
        for (int first = 0; first < seen; first += Lanes::count) {
            const int count = seen - first < Lanes::count ? seen - first : Lanes::count;
            T logit = math::lowest<T>;
            if (lanes.lane < count) logit = scale * dot(asked, key.row(row.first_key + first + lanes.lane) + at, width);
            const T higher = lanes.max(logit > top ? logit : top);
            const T by = higher > top ? math::exp(top - higher) : T(1);  // what was summed, to the new top
            const T weight = lanes.lane < count ? math::exp(logit - higher) : T(0);
            top = higher;
            total = total * by + lanes.sum(weight);
            mix(
                to, by, width, value, at, row.first_key + first, count, [&](int j) { return lanes.of(weight, j); },
                lanes);
            lanes.sync();
        }
        if (seen > 0) {
            for (int c = lanes.lane; c < width; c += Lanes::count) to[c] /= total;
        }
    }
};

/// The same for training: the weights are kept for the derivative.
template <class T>
struct AttentionForwardTrain {
    Matrix<const T> query, key, value;
    int heads;
    T scale;
    PairLayout pairs;
    const int* key_length;  ///< [queries], or null
    T* weights;             ///< [heads x pairs]
    Matrix<T> out;

    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int i, Lanes lanes) const {
        const int q = i / heads, h = i % heads, width = query.cols / heads, at = h * width;
        const QueryPairs row = pairs.row(q);
        T* p = weights + static_cast<std::size_t>(h) * static_cast<std::size_t>(pairs.rows) + row.start;
        for (int j = lanes.lane; j < row.count; j += Lanes::count)
            p[j] = scale * dot(query.row(q) + at, key.row(row.first_key + j) + at, width);
        softmax(p, key_length ? key_length[q] : row.count, row.count, lanes);
        lanes.sync();
        mix(
            out.row(q) + at, T(0), width, value, at, row.first_key, row.count, [&](int j) { return p[j]; }, lanes);
    }
};

/// The derivative of one head by one query, and by its logits.
template <class T>
struct AttentionBackwardQuery {
    const T* weights;  ///< [heads x pairs]
    Matrix<const T> dout, key, value;
    int heads;
    T scale;
    PairLayout pairs;
    T* dlogits;  ///< [heads x pairs]
    Matrix<T> dquery;

    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int i, Lanes lanes) const {
        const int q = i / heads, h = i % heads, width = dout.cols / heads, at = h * width;
        const QueryPairs row = pairs.row(q);
        const std::size_t begin =
            static_cast<std::size_t>(h) * static_cast<std::size_t>(pairs.rows) + static_cast<std::size_t>(row.start);
        T* d = dlogits + begin;
        for (int j = lanes.lane; j < row.count; j += Lanes::count)
            d[j] = dot(dout.row(q) + at, value.row(row.first_key + j) + at, width);
        softmax_backward(weights + begin, d, row.count, scale, lanes);
        if (!dquery) return;
        lanes.sync();
        mix(
            dquery.row(q) + at, T(1), width, key, at, row.first_key, row.count, [&](int j) { return d[j]; }, lanes);
    }
};

/// The squares of one chunk, added up.
template <class T>
struct SquaresOfChunk {
    const T* x;
    std::size_t count, chunk;
    double* out;
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int i, Lanes lanes) const {
        const std::size_t first = static_cast<std::size_t>(i) * chunk;
        const std::size_t end = first + chunk < count ? first + chunk : count;
        double total = 0;
        for (std::size_t j = first + static_cast<std::size_t>(lanes.lane); j < end; j += Lanes::count)
            total += static_cast<double>(x[j]) * static_cast<double>(x[j]);
        total = lanes.sum(total);
        if (lanes.lane == 0) out[i] = total;
    }
};

/// out[c] (+)= the sum over the chunks.
template <class T, bool Accumulate>
struct SumOfChunks {
    const T* parts;  ///< [chunks x columns]
    int chunks, columns;
    T* out;
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int c, Lanes lanes) const {
        T total = 0;
        for (int i = lanes.lane; i < chunks; i += Lanes::count) total += parts[i * columns + c];
        total = lanes.sum(total);
        if (lanes.lane == 0) out[c] = Accumulate ? out[c] + total : total;
    }
};

/// A run of sorted entries that leaves the tile in which it begins: see RunSums.
template <class T>
struct LongRuns {
    RunSums<T> sums;
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int i, Lanes lanes) const {
        const int t = i / sums.x.cols, c = i % sums.x.cols, end = sums.end(t);
        const unsigned row = sums.to[end - 1];
        if (!sums.same_run(end) || row >= static_cast<unsigned>(sums.out.rows)) return;
        if (sums.same_run(sums.begin(t)) && sums.to[sums.begin(t)] == row) return;  // it came in
        T total = 0;
        for (int u = t + 1 + lanes.lane; u < sums.tiles && sums.to[sums.begin(u)] == row; u += Lanes::count)
            total += sums.came(u, c);
        total = lanes.sum(total);
        if (lanes.lane == 0) sums.out(static_cast<int>(row), c) += sums.leaves(t, c) + total;
    }
};

}  // namespace psad::thrust_functors
