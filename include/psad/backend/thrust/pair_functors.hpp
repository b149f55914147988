/// \file pair_functors.hpp
/// The primitives of (query, key) pairs, as functions of the number of one result: see functors.hpp.
#pragma once

#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::thrust_functors {

/// The list that number i belongs to, where list l begins at begin[l]; the last of those that begin at once.
PSAD_HOST_DEVICE inline int list_of(const int* begin, int lists, int i) {
    int low = 0, high = lists;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (begin[middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/// Where a pair stands.
struct Pair {
    int query, key;
    PSAD_HOST_DEVICE static Pair at(const PairRows& pairs, int i) {
        const int l = list_of(pairs.offset, pairs.lists, i);
        const int keys = pairs.key_end[l] - pairs.key_begin[l], within = i - pairs.offset[l];
        return {pairs.query_begin[l] + within / keys, pairs.key_begin[l] + within % keys};
    }
};

template <class T>
struct PairDot {
    Matrix<const T> query, key;
    PairRows pairs;
    T scale;
    T* p;
    bool accumulate;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const Pair at = Pair::at(pairs, i);
        const T* a = query.row(at.query);
        const T* b = key.row(at.key);
        T sum = 0;
        for (int c = 0; c < query.cols; ++c) sum += a[c] * b[c];
        p[i] = (accumulate ? p[i] : T(0)) + scale * sum;
    }
};

template <class T>
struct PairApply {
    const T* p;
    Matrix<const T> value;
    PairRows pairs;
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int q = i / out.cols, c = i % out.cols;
        const auto [first_key, count, start] = pairs.row(q);
        T sum = out(q, c);
        for (int j = 0; j < count; ++j) sum += p[start + j] * value(first_key + j, c);
        out(q, c) = sum;
    }
};

template <class T>
struct PairApplyTransposed {
    const T* p;
    Matrix<const T> value;
    PairRows pairs;
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int k = i / out.cols, c = i % out.cols;
        const int l = list_of(pairs.key_begin, pairs.lists, k);
        const int count = pairs.key_end[l] - pairs.key_begin[l], within = k - pairs.key_begin[l];
        if (within < 0 || within >= count) return;
        T sum = out(k, c);
        const T* weight = p + pairs.offset[l] + within;
        for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, weight += count)
            sum += *weight * value(q, c);
        out(k, c) = sum;
    }
};

template <class T>
struct PairSoftmax {
    T* p;
    PairRows pairs;
    const int* visible;  ///< [queries], or null
    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, count, start] = pairs.row(q);
        T* row = p + start;
        const int seen = visible ? visible[q] : count;
        T top = math::lowest<T>;
        for (int j = 0; j < seen; ++j) top = row[j] > top ? row[j] : top;
        T sum = 0;
        for (int j = 0; j < seen; ++j) {
            row[j] = math::exp(row[j] - top);
            sum += row[j];
        }
        for (int j = 0; j < count; ++j) row[j] = j < seen ? row[j] / sum : T(0);
    }
};

template <class T>
struct PairSoftmaxBackward {
    const T* p;
    T* dp;
    PairRows pairs;
    T scale;
    PSAD_HOST_DEVICE void operator()(int q) const {
        const auto [first_key, count, start] = pairs.row(q);
        T along = 0;
        for (int j = 0; j < count; ++j) along += p[start + j] * dp[start + j];
        for (int j = 0; j < count; ++j) dp[start + j] = scale * p[start + j] * (dp[start + j] - along);
    }
};

/// The attention of one head for one query: softmax(scale q k^T) v over its keys, the logits never stored.
template <class T>
struct AttendHead {
    Matrix<const T> query, key, value;
    int heads;
    T scale;
    PairRows pairs;
    const int* visible;  ///< [queries], or null
    Matrix<T> out;

    PSAD_HOST_DEVICE void operator()(int i) const {
        const int q = i / heads, width = query.cols / heads, at = i % heads * width;
        const auto [first_key, count, start] = pairs.row(q);
        const int seen = visible ? visible[q] : count;
        const T* asked = query.row(q) + at;
        T* to = out.row(q) + at;
        for (int c = 0; c < width; ++c) to[c] = T(0);
        T top = math::lowest<T>, sum = 0;
        for (int j = 0; j < seen; ++j) {
            const T* k = key.row(first_key + j) + at;
            T logit = 0;
            for (int c = 0; c < width; ++c) logit += asked[c] * k[c];
            logit *= scale;
            if (logit > top) {  // what was summed is brought to the new top
                const T by = sum > T(0) ? math::exp(top - logit) : T(0);
                sum *= by;
                for (int c = 0; c < width; ++c) to[c] *= by;
                top = logit;
            }
            const T weight = math::exp(logit - top);
            sum += weight;
            const T* v = value.row(first_key + j) + at;
            for (int c = 0; c < width; ++c) to[c] += weight * v[c];
        }
        if (seen > 0) {
            for (int c = 0; c < width; ++c) to[c] /= sum;
        }
    }
};

}  // namespace psad::thrust_functors
