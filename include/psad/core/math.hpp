/// \file math.hpp
/// Scalar functions that a compiler can vectorise.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::math {

template <class T>
inline constexpr T lowest = -std::numeric_limits<T>::infinity();

/// std::bit_cast, also on a CUDA device.
template <class To, class From>
PSAD_HOST_DEVICE constexpr To bit_cast(From x) {
    return __builtin_bit_cast(To, x);
}

// clang has no macro that reports -fassociative-math, which would cancel the two additions of `magic`.
#if defined(__clang__) && !defined(__CUDACC__)
#define PSAD_AS_WRITTEN _Pragma("clang fp reassociate(off)")
#else
#define PSAD_AS_WRITTEN
#endif

/// e^x without a branch, within 2 units in the last place; 0 below -87 (so exp(-inf) = 0), finite above 88.
/// Reduction and coefficients are those of expf in the Cephes library (Moshier).
PSAD_HOST_DEVICE inline float exp(float x) {
    PSAD_AS_WRITTEN
    const float bounded = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
    const float shifted = bounded * 1.44269504f + magic;
    const float n = shifted - magic;
    float r = bounded - n * 0.693359375f;  // ln 2 in two parts
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;  // on [-ln2/2, ln2/2]
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const auto exponent = static_cast<std::uint32_t>(bit_cast<std::int32_t>(shifted) - 0x4B400000 + 127) << 23;
    const float result = p * bit_cast<float>(exponent);
    return x < -87.0f ? 0.0f : result;
}

PSAD_HOST_DEVICE inline double exp(double x) {
    return std::exp(x);
}

/// log(1 + x) for finite x >= 0 without a branch, within one unit in the last place; NaN for NaN. Coefficients are
/// those of logf in the Cephes library.
PSAD_HOST_DEVICE inline float log1p_of_finite(float x) {
    PSAD_AS_WRITTEN
    const float u = 1.0f + x;
    const float lost = (x - (u - 1.0f)) / u;  // the rounding error of the sum
    // u = 2^n m with m in [1/sqrt 2, sqrt 2)
    const auto bits = bit_cast<std::int32_t>(u) - 0x3f3504f3;
    const auto n = static_cast<float>(bits >> 23);
    const float m = bit_cast<float>((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    const float s = m * m;
    float p = 7.0376836292e-2f;  // (log(1 + m) - m + m^2 / 2) / m^3
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    const float small = p * m * s - 2.12194440e-4f * n - 0.5f * s + lost;
    return m + small + 0.693359375f * n;
}
PSAD_HOST_DEVICE inline float log1p(float x) {
    const float result = log1p_of_finite(x);
    return x < -lowest<float> ? result : x;
}

PSAD_HOST_DEVICE inline double log1p(double x) {
    return std::log1p(x);
}

#undef PSAD_AS_WRITTEN

template <class T>
PSAD_HOST_DEVICE inline T sigmoid(T x) {
    return T(1) / (T(1) + exp(-x));
}

/// log(1 + e^x), exact for large |x|.
template <class T>
PSAD_HOST_DEVICE inline T softplus(T x) {
    return (x > T(0) ? x : T(0)) + std::log1p(std::exp(x > T(0) ? -x : x));
}

/// An integer that orders numbers as < does (-0 as 0; NaN beyond all, on the side of its sign). Compilers make vector
/// instructions of comparing integers, and, without flags that give up IEEE arithmetic, not of comparing floating point
/// numbers.
template <class T>
PSAD_HOST_DEVICE auto ordered_bits(T x) {
    using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    const auto bits = bit_cast<Integer>(x + T(0));  // -0 becomes 0
    constexpr int sign = 8 * sizeof(T) - 1;
    return bits ^ ((bits >> sign) & static_cast<Integer>(~(Integer(1) << sign)));
}

}  // namespace psad::math
