// The machine's fused multiply-add peak, measured.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

namespace psad::benchmarks {

// The widest vectors of this machine; the accumulators fit into its registers.
#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64, accumulators = 24;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32, accumulators = 12;
#else
inline constexpr int vector_bytes = 16, accumulators = 12;
#endif
typedef float Vector __attribute__((vector_size(vector_bytes)));

// Independent multiply-adds, bound by the arithmetic units alone; returns FLOPs.
inline double multiply_add_burst(int steps) {
    Vector acc[accumulators];
    for (int i = 0; i < accumulators; ++i) acc[i] = Vector{} + static_cast<float>(i);
    float factor = 0.999f, term = 0.001f;
    benchmark::DoNotOptimize(factor);
    benchmark::DoNotOptimize(term);
    const Vector a = Vector{} + factor, b = Vector{} + term;
    for (int s = 0; s < steps; ++s) {
#pragma GCC unroll 24
        for (int i = 0; i < accumulators; ++i) acc[i] = acc[i] * a + b;
    }
    Vector sum{};
    for (int i = 0; i < accumulators; ++i) sum += acc[i];
    benchmark::DoNotOptimize(sum);
    return 2.0 * (vector_bytes / static_cast<int>(sizeof(float))) * accumulators * steps;
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

}  // namespace psad::benchmarks
