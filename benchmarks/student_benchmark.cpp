// What a request costs, and a training step: the default variant with its starting values on synthetic requests. All on
// one thread, but for batches and training.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "psad/backend/cpu/bf16.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/features/whitening.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"
#include "synthetic_requests.hpp"

namespace {

using Device = psad::backend::Cpu<float>;
using OneByOne = psad::Psad<psad::Spec{.block = 1}>;

using psad::benchmarks::Workload;

constexpr int different_requests = 64;  // with one alone the branch predictor would learn it

template <class Network>
Workload<Network> workload_of(const benchmark::State& state) {
    return {different_requests, static_cast<int>(state.range(0)), static_cast<int>(state.range(1))};
}

void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"n", "H"})->Args({20, 50})->Args({20, 0})->Args({100, 50})->Unit(benchmark::kMicrosecond);
}

// From a request's columns to its order: what it costs a server.
template <class Network>
void request(benchmark::State& state) {
    const int items = static_cast<int>(state.range(2));
    const int count = items > 2000 ? 4096 : different_requests;  // touch more of a large catalog than caches hold
    const Workload<Network> work(count, static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), items);
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, work.model, psad::serve::already_checked);
    psad::serve::Workspace<Device> workspace;
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reranker(work.requests[i++ % work.requests.size()], workspace).order.data());
    }
}
void growth(benchmark::internal::Benchmark* b) {
    b->ArgNames({"n", "H", "items"})->Unit(benchmark::kMicrosecond);
    for (const int n : {10, 20, 50, 100}) b->Args({n, 50, 2000});
    for (const int history : {0, 10, 25, 200}) b->Args({20, history, 2000});
    for (const int items : {20'000, 1'000'000}) b->Args({20, 50, items});
}
constexpr psad::Spec wide(int width) {
    return {.width = width};
}
BENCHMARK_TEMPLATE(request, psad::StudentOf<psad::Psad<>>)->Name("student/request")->Apply(growth);
BENCHMARK_TEMPLATE(request, psad::StudentOf<psad::Psad<wide(32)>>)
    ->Name("student_of_width_32/request")
    ->ArgNames({"n", "H", "items"})
    ->Args({20, 50, 2000})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(request, psad::StudentOf<psad::Psad<wide(128)>>)
    ->Name("student_of_width_128/request")
    ->ArgNames({"n", "H", "items"})
    ->Args({20, 50, 2000})
    ->Unit(benchmark::kMicrosecond);

// With dense features of one's own instead of score and aux.
void request_of_features(benchmark::State& state) {
    const Workload<psad::Psad<>> work(64, 20, 50, 2000, static_cast<int>(state.range(0)));
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, work.model, psad::serve::already_checked);
    psad::serve::Workspace<Device> workspace;
    std::size_t i = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(reranker(work.requests[i++ % work.requests.size()], workspace).order.data());
}
BENCHMARK(request_of_features)
    ->Name("student/request_of_features")
    ->ArgName("features")
    ->Arg(2)
    ->Arg(16)
    ->Arg(128)
    ->Unit(benchmark::kMicrosecond);

// What check_request costs: the same request checked, and nothing else.
void check(benchmark::State& state) {
    const Workload<psad::Psad<>> work(64, 20, 50, 2000, static_cast<int>(state.range(0)));
    std::size_t i = 0;
    for (auto _ : state) {
        work.model.encoder.check(work.requests[i++ % work.requests.size()]);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(check)->Name("student/check")->ArgName("features")->Arg(2)->Arg(16)->Arg(128)->Unit(benchmark::kMicrosecond);

// The same with products in bf16 wherever the processor can, faster or not.
void in_bf16(benchmark::State& state) {
    using psad::backend::CpuBf16;
    const auto work = workload_of<psad::StudentOf<psad::Psad<>>>(state);
    const CpuBf16 cpu(work.model, 1, CpuBf16::Where::possible);
    const psad::serve::Reranker reranker(cpu, work.model, psad::serve::already_checked);
    psad::serve::Workspace<CpuBf16> workspace;
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reranker(work.requests[i++ % work.requests.size()], workspace).order.data());
    }
}
BENCHMARK(in_bf16)->Name("student/request_in_bf16")->Apply(sizes);

// The same with the user state cached between requests.
void cached_user(benchmark::State& state) {
    const auto work = workload_of<psad::Psad<>>(state);
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, work.model, psad::serve::already_checked);
    psad::serve::Workspace<Device> workspace;
    std::vector<psad::serve::UserCache<Device, psad::Psad<>>> users(work.requests.size());
    std::size_t i = 0;
    for (auto _ : state) {
        const std::size_t at = i++ % users.size();
        benchmark::DoNotOptimize(reranker(work.requests[at], users[at], workspace).order.data());
    }
}
BENCHMARK(cached_user)->Name("student/request_of_a_known_user")->Apply(sizes);

// Many requests at once.
void batch(benchmark::State& state) {
    const Workload<psad::Psad<>> work(256, 20, 50);
    const Device cpu(static_cast<int>(state.range(1)));
    const psad::serve::Reranker reranker(cpu, work.model, psad::serve::already_checked);
    psad::serve::BatchWorkspace<Device> workspace;
    const auto requests = std::span(work.requests).first(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(reranker(requests, workspace).data());
    state.counters["per list"] =
        benchmark::Counter(static_cast<double>(requests.size()),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(batch)
    ->Name("student/batch")
    ->ArgNames({"lists", "threads"})
    ->ArgsProduct({{1, 64, 256}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// Encoding alone: columns to numbers.
void encode(benchmark::State& state) {
    const auto work = workload_of<psad::Psad<>>(state);
    psad::Batch<float> batch;
    std::size_t i = 0;
    for (auto _ : state) {
        const psad::Request& r = work.requests[i++ % work.requests.size()];
        work.model.encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
        benchmark::DoNotOptimize(batch.view());
    }
}
BENCHMARK(encode)->Name("student/encode")->Apply(sizes);

// The network over one encoded request. With `user_cached` the user state is computed once beforehand.
void student(benchmark::State& state, bool user_cached) {
    const auto work = workload_of<psad::Psad<>>(state);
    const auto& model = work.model;
    const Device cpu;
    const psad::Request& r = work.requests[0];
    psad::Batch<float> batch;
    model.encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
    const psad::Inputs<float> in = batch.view();
    psad::Arena<> cache, arena;
    psad::Inference before(cpu, model.parameters, in.layout, cache);
    const auto cached = model.network.student.user_state(before, in);
    for (auto _ : state) {
        arena.reset();
        psad::Inference ctx(cpu, model.parameters, in.layout, arena);
        const auto user = user_cached ? cached : model.network.student.user_state(ctx, in);
        const auto lists = psad::generate(ctx, model.network.student, model.network.student.score(ctx, in, user), in);
        benchmark::DoNotOptimize(lists.chosen);
    }
}
BENCHMARK_CAPTURE(student, candidates, true)->Name("student/candidates")->Apply(sizes);
BENCHMARK_CAPTURE(student, whole, false)->Name("student/network")->Apply(sizes);

// The teacher generates ten positions, in blocks of five or one by one.
template <class Network>
void teacher(benchmark::State& state) {
    const auto work = workload_of<Network>(state);
    const auto& model = work.model;
    const Device cpu;
    const psad::Request& r = work.requests[0];
    psad::Batch<float> batch;
    model.encoder.encode(std::span(&r, 1), Network::spec.positions, batch);
    const psad::Inputs<float> in = batch.view();
    psad::Arena<> arena;
    for (auto _ : state) {
        arena.reset();
        psad::Inference ctx(cpu, model.parameters, in.layout, arena);
        benchmark::DoNotOptimize(psad::generate(ctx, model.network.teacher, in).chosen);
    }
}
BENCHMARK_TEMPLATE(teacher, psad::Psad<>)->Name("teacher/blocks_of_5")->Apply(sizes);
BENCHMARK_TEMPLATE(teacher, OneByOne)->Name("teacher/one_by_one")->Apply(sizes);

// Joint training steps, distillation included; arguments: threads (0 = all of the machine), dense features. The time is
// that of the steps alone, as the training report gives it.
void training(benchmark::State& state) {
    const Workload<psad::Psad<>> work(1024, 20, 50, 2000, static_cast<int>(state.range(1)));
    psad::Encoder encoder = work.model.encoder;
    psad::whiten(encoder, work.requests);  // as fit() does
    psad::Model<psad::Psad<>> model(std::move(encoder), 1);
    const Device cpu(static_cast<int>(state.range(0)));
    psad::train::Settings settings;
    settings.batch = 64;
    settings.steps = 8;
    settings.distill_from = -1;  // from the first step on
    settings.distill_full = 0;
    const auto no_validation = [](const auto&) { return psad::train::ValidationScore{}; };
    const double lists = static_cast<double>(settings.steps * settings.batch);
    double trained = 0;
    for (auto _ : state) {
        const psad::train::Report report =
            psad::train::train(cpu, model, std::span<const psad::Request>(work.requests), settings, no_validation);
        state.SetIterationTime(lists / report.lists_per_second);
        trained += lists;
    }
    state.counters["lists/s"] = benchmark::Counter(trained, benchmark::Counter::kIsRate);
}
BENCHMARK(training)
    ->Name("training")
    ->ArgNames({"threads", "features"})
    ->Args({1, 2})
    ->Args({0, 2})
    ->Args({1, 16})
    ->Args({1, 128})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
