/// \file simd.hpp
/// Vectors of the widest kind the compiler was told of, and row reductions whose order depends on the length
/// alone.
#pragma once

#include <cstring>

#include "psad/core/math.hpp"

namespace psad::backend::simd {

#if defined(__AVX512F__)
inline constexpr int bytes = 64;
inline constexpr int registers = 32;
#elif defined(__AVX__)
inline constexpr int bytes = 32;
inline constexpr int registers = 16;
#else
inline constexpr int bytes = 16;
inline constexpr int registers = 16;
#endif

template <class T>
inline constexpr int lanes = bytes / static_cast<int>(sizeof(T));

template <class T, int Lanes>
struct VectorOf {
    typedef T type __attribute__((vector_size(sizeof(T) * Lanes)));
};
template <class T>
struct VectorOf<T, 1> {
    using type = T;
};
template <class T, int Lanes>
using Vector = typename VectorOf<T, Lanes>::type;

template <int Lanes, class T>
inline Vector<T, Lanes> load(const T* p) {
    Vector<T, Lanes> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <int Lanes, class T>
inline void store(T* p, Vector<T, Lanes> v) {
    std::memcpy(p, &v, sizeof v);
}

/// Sum of f(i) for i < n, in `lanes` interleaved partial sums.
template <class T, class F>
inline T sum(int n, F f) {
    constexpr int width = lanes<T>;
    T part[width] = {};
    int i = 0;
    for (; i + width <= n; i += width) {
        for (int j = 0; j < width; ++j) part[j] += f(i + j);
    }
    for (int j = 0; j < width && i + j < n; ++j) part[j] += f(i + j);
    for (int half = width / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; ++j) part[j] += part[j + half];
    }
    return part[0];
}

/// Largest of p[0..n), lowest for n = 0.
template <class T>
inline T max(const T* p, int n) {
    constexpr int width = lanes<T>;
    T part[width];
    for (T& x : part) x = math::lowest<T>;
    int i = 0;
    for (; i + width <= n; i += width) {
        for (int j = 0; j < width; ++j) part[j] = p[i + j] > part[j] ? p[i + j] : part[j];
    }
    T top = math::lowest<T>;
    for (; i < n; ++i) top = p[i] > top ? p[i] : top;
    for (const T x : part) top = x > top ? x : top;
    return top;
}

}  // namespace psad::backend::simd
