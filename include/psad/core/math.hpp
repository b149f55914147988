/// \file math.hpp
/// Scalar functions that a compiler can vectorise.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "psad/core/config.hpp"

namespace psad::math {

/// e^x without a branch, within 2 units in the last place; 0 below -87 (so exp(-inf) = 0), finite above 88.
PSAD_HOST_DEVICE inline float exp(float x) {
    const float bounded = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
    const float shifted = bounded * 1.44269504f + magic;
    const float n = shifted - magic;
    float r = bounded - n * 0.693359375f;  // ln 2 in two parts
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;  // minimax polynomial on [-ln2/2, ln2/2]
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const auto exponent = static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(shifted) - 0x4B400000 + 127)
                          << 23;
    const float result = p * std::bit_cast<float>(exponent);
    return x < -87.0f ? 0.0f : result;
}

PSAD_HOST_DEVICE inline double exp(double x) {
    return std::exp(x);
}

template <class T>
PSAD_HOST_DEVICE inline T sigmoid(T x) {
    return T(1) / (T(1) + exp(-x));
}

/// log(1 + e^x), exact for large |x|.
template <class T>
PSAD_HOST_DEVICE inline T softplus(T x) {
    return (x > T(0) ? x : T(0)) + std::log1p(std::exp(x > T(0) ? -x : x));
}

template <class T>
inline constexpr T lowest = -std::numeric_limits<T>::infinity();

}  // namespace psad::math
