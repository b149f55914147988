/// \file rng.hpp
/// Counter-based random numbers: a pure function of (key, counter), the same on every backend and thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::rng {

/// 64 well mixed bits (the finaliser of SplitMix64, Steele et al., OOPSLA 2014).
PSAD_HOST_DEVICE constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/// A key for an independent stream, derived from another key.
PSAD_HOST_DEVICE constexpr std::uint64_t derive(std::uint64_t key, std::uint64_t stream) {
    return mix(mix(key) ^ (stream + 0xD1B54A32D192ED03u));
}

PSAD_HOST_DEVICE constexpr std::uint64_t bits(std::uint64_t key, std::uint64_t counter) {
    return mix(key + mix(counter));
}

/// Uniform in [0, 1), 24 bits.
PSAD_HOST_DEVICE constexpr float uniform(std::uint64_t key, std::uint64_t counter) {
    return static_cast<float>(bits(key, counter) >> 40) * 0x1p-24f;
}

/// Uniform integer in [0, bound), bound > 0; the bias is below bound / 2^32.
PSAD_HOST_DEVICE constexpr std::uint32_t below(std::uint64_t key, std::uint64_t counter, std::uint32_t bound) {
    return static_cast<std::uint32_t>(((bits(key, counter) >> 32) * bound) >> 32);
}

/// Shuffles a vector (Fisher and Yates); a pure function of the key.
template <class V>
void shuffle(V& values, std::uint64_t key) {
    for (std::size_t i = values.size(); i > 1; --i) {
        std::swap(values[i - 1], values[below(key, i, static_cast<std::uint32_t>(i))]);
    }
}

/// Standard normal (Box-Muller).
inline double normal(std::uint64_t key, std::uint64_t counter) {
    const double u = 1.0 - static_cast<double>(bits(key, 2 * counter) >> 11) * 0x1p-53;
    const double v = static_cast<double>(bits(key, 2 * counter + 1) >> 11) * 0x1p-53;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
}

/// A stream of draws from one key.
class Stream {
  public:
    explicit Stream(std::uint64_t key) : key_(key) {}

    double uniform() { return static_cast<double>(bits(key_, counter_++) >> 11) * 0x1p-53; }  ///< in [0, 1)
    std::uint32_t below(std::uint32_t bound) { return rng::below(key_, counter_++, bound); }
    double normal() { return rng::normal(key_, counter_++ | (std::uint64_t{1} << 40)); }

  private:
    std::uint64_t key_, counter_ = 0;
};

}  // namespace psad::rng
