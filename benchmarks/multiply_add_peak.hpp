// The machine's fused multiply-add peak, measured.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "psad/backend/cpu/kernel_sets.hpp"

namespace psad_benchmarks {

namespace simd = psad::backend::built_for::simd;

// Multiply-adds that wait for nothing but the units themselves; returns FLOPs. The accumulators fit into
// registers.
inline double multiply_add_burst(int steps) {
    constexpr int lanes = simd::lanes<float>, count = simd::registers == 32 ? 24 : 12;
    using Vector = simd::Vector<float>;
    Vector acc[count];
    for (int i = 0; i < count; ++i) acc[i] = Vector{} + static_cast<float>(i);
    float factor = 0.999f, term = 0.001f;
    benchmark::DoNotOptimize(factor);
    benchmark::DoNotOptimize(term);
    const Vector a = Vector{} + factor, b = Vector{} + term;
    for (int s = 0; s < steps; ++s) {
#pragma GCC unroll 24
        for (int i = 0; i < count; ++i) acc[i] = acc[i] * a + b;
    }
    Vector sum{};
    for (int i = 0; i < count; ++i) sum += acc[i];
    benchmark::DoNotOptimize(sum);
    return 2.0 * lanes * count * steps;
}

// FLOPs per second on one core: the best of some bursts of about a millisecond.
inline double multiply_add_peak(int bursts = 20) {
    double best = 0;
    for (int burst = 0; burst < bursts; ++burst) {
        const auto start = std::chrono::steady_clock::now();
        const double flops = multiply_add_burst(100'000);
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        best = (std::max)(best, flops / spent.count());
    }
    return best;
}

}  // namespace psad_benchmarks
