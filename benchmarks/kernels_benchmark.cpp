// The matrix product at a reranker's shapes, beside the machine's fused multiply-add peak, measured just before.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "multiply_add_peak.hpp"
#include "psad/autograd/parameters.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/rng.hpp"

namespace {

using psad::backend::Cpu;
using psad::benchmarks::multiply_add_peak;

psad::Buffer<float> numbers(int count, std::uint64_t key) {
    psad::Buffer<float> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<float>(psad::rng::normal(key, i));
    return out;
}

// Measures processor time, since other programs may take some of the wall time. Not by a counter of rates: that would
// be printed "per second".
class Meter {
  public:
    explicit Meter(double peak) : peak_(peak), start_(std::clock()) {}
    void report(benchmark::State& state, double flops_each) const {
        const double spent = static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC;
        const double rate = flops_each * static_cast<double>(state.iterations()) / spent;
        state.counters["GFLOP/s"] = rate / 1e9;
        state.counters["peak"] = peak_ / 1e9;
        state.counters["share"] = rate / peak_;
    }

  private:
    double peak_;
    std::clock_t start_;
};

// C = A B, or C = A^T B as the gradient of weights needs it. Arguments: rows of C, depth, columns.
template <bool Transposed>
void product(benchmark::State& state) {
    const auto rows = static_cast<int>(state.range(0)), depth = static_cast<int>(state.range(1)),
               columns = static_cast<int>(state.range(2));
    const psad::Buffer<float> left = numbers(rows * depth, 1), right = numbers(depth * columns, 2);
    psad::Buffer<float> out(static_cast<std::size_t>(rows * columns));
    const psad::Matrix<const float> b{right.data(), depth, columns, columns};
    const psad::Matrix<float> c{out.data(), rows, columns, columns};
    const Cpu<float> cpu;
    const Meter meter(multiply_add_peak());
    for (auto _ : state) {
        if constexpr (Transposed) {
            cpu.gemm_tn({left.data(), depth, rows, rows}, b, c, false);
        } else {
            cpu.gemm({left.data(), rows, depth, depth}, b, c, false);
        }
        benchmark::ClobberMemory();
    }
    meter.report(state, 2.0 * rows * depth * columns);
}

// One request of 20 candidates (a layer, the teacher's feed-forward layer, the last layers of a scorer), one block of 5
// positions, one user, a history of 50, a shard of 16 lists.
BENCHMARK_TEMPLATE(product, false)
    ->Name("gemm")
    ->ArgNames({"rows", "depth", "columns"})
    ->Args({20, 64, 128})
    ->Args({20, 128, 64})
    ->Args({20, 64, 64})
    ->Args({20, 64, 32})
    ->Args({5, 64, 128})
    ->Args({1, 64, 64})
    ->Args({50, 64, 64})
    ->Args({320, 64, 128});
BENCHMARK_TEMPLATE(product, true)
    ->Name("gemm_transposed")
    ->ArgNames({"rows", "depth", "columns"})
    ->Args({64, 320, 128});

// A matrix times one column, the scorer's last layer.
BENCHMARK_TEMPLATE(product, false)->Name("gemv")->ArgNames({"rows", "depth", "columns"})->Args({20, 32, 1});

// Layer normalisation of one request's candidates.
void layer_norm(benchmark::State& state) {
    constexpr int width = 64;
    const auto rows = static_cast<int>(state.range(0));
    const psad::Buffer<float> in = numbers(rows * width, 3), weight = numbers(width, 4), bias = numbers(width, 5);
    psad::Buffer<float> out(in.size());
    const Cpu<float> cpu;
    for (auto _ : state) {
        cpu.layer_norm({in.data(), rows, width, width}, weight.data(), bias.data(), {out.data(), rows, width, width},
                       {}, nullptr);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 2 * rows * width * static_cast<int>(sizeof(float)));
}
BENCHMARK(layer_norm)->ArgName("rows")->Arg(20);

}  // namespace
