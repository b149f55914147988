/// \file pair_functors.hpp
/// The primitives of (query, key) pairs, as functions of the number of one result: see functors.hpp.
#pragma once

#include "psad/backend/thrust/lanes.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::thrust_functors {

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
    PSAD_HOST_DEVICE static Pair at(const PairLayout& pairs, int i) {
        const int l = list_of(pairs.offset, pairs.lists, i);
        const int keys = pairs.key_end[l] - pairs.key_begin[l], within = i - pairs.offset[l];
        return {pairs.query_begin[l] + within / keys, pairs.key_begin[l] + within % keys};
    }
};

template <class T>
struct PairDot {
    Matrix<const T> query, key;
    PairLayout pairs;
    T scale;
    T* p;
    bool accumulate;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const Pair at = Pair::at(pairs, i);
        const T product = dot(query.row(at.query), key.row(at.key), query.cols);
        p[i] = (accumulate ? p[i] : T(0)) + scale * product;
    }
};

template <class T>
struct PairApply {
    const T* p;
    Matrix<const T> value;
    PairLayout pairs;
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
    PairLayout pairs;
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int k = i / out.cols, c = i % out.cols;
        const int l = list_of(pairs.key_begin, pairs.lists, k);
        const int count = pairs.key_end[l] - pairs.key_begin[l], within = k - pairs.key_begin[l];
        if (within < 0 || within >= count) return;
        T sum = out(k, c);
        const T* weight = p + pairs.offset[l] + within;
        for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, weight += count) sum += *weight * value(q, c);
        out(k, c) = sum;
    }
};

/// The derivative of attention by keys and values, number i of [keys x columns].
template <class T>
struct AttentionBackwardKey {
    const T* weights;  ///< [heads x pairs]
    const T* dlogits;  ///< [heads x pairs]
    Matrix<const T> dout, query;
    int heads;
    PairLayout pairs;
    Matrix<T> dkey, dvalue;  ///< either may be empty
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int k = i / dout.cols, c = i % dout.cols;
        const int l = list_of(pairs.key_begin, pairs.lists, k);
        const int count = pairs.key_end[l] - pairs.key_begin[l], within = k - pairs.key_begin[l];
        if (within < 0 || within >= count) return;
        long at = static_cast<long>(c / (dout.cols / heads)) * pairs.rows + pairs.offset[l] + within;
        T by_key = 0, by_value = 0;
        for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, at += count) {
            by_key += dlogits[at] * query(q, c);
            by_value += weights[at] * dout(q, c);
        }
        if (dkey) dkey(k, c) += by_key;
        if (dvalue) dvalue(k, c) += by_value;
    }
};

}  // namespace psad::thrust_functors
