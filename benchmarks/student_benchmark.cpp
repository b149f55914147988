// What a request costs, and a training step, on made-up requests; the default variant with its starting
// values, whose arithmetic is that of a trained model. One request at a time on one thread, but for training.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "made_up.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/backend/cpu/bf16.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace {

using Device = psad::backend::Cpu<float>;
using OneByOne = psad::Psad<psad::Spec{.block = 1}>;

using psad_benchmarks::World;

constexpr int requests_in_turn = 64;  // more than one, so that no branch is learned by heart

template <class Network>
World<Network> world_of(const benchmark::State& state) {
    return {requests_in_turn, static_cast<int>(state.range(0)), static_cast<int>(state.range(1))};
}

void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"n", "H"})->Args({20, 50})->Args({20, 0})->Args({100, 50})->Unit(benchmark::kMicrosecond);
}

// From a request's columns to its order: what a server pays.
template <class Network>
void request(benchmark::State& state) {
    const int items = static_cast<int>(state.range(2));
    const int in_turn =
        items > 2000 ? 4096 : requests_in_turn;  // touch more of a large catalog than caches hold
    const World<Network> world(in_turn, static_cast<int>(state.range(0)), static_cast<int>(state.range(1)),
                               items);
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, world.model);
    psad::serve::Workspace<Device> room;
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reranker(world.requests[i++ % world.requests.size()], room).order.data());
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

// The same with products in bf16 wherever the processor can, faster or not.
void in_bf16(benchmark::State& state) {
    using psad::serve::CpuBf16;
    const auto world = world_of<psad::StudentOf<psad::Psad<>>>(state);
    const CpuBf16 cpu(world.model, 1, CpuBf16::Where::possible);
    const psad::serve::Reranker reranker(cpu, world.model);
    psad::serve::Workspace<CpuBf16> room;
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reranker(world.requests[i++ % world.requests.size()], room).order.data());
    }
}
BENCHMARK(in_bf16)->Name("student/request_in_bf16")->Apply(sizes);

// The same with what is known of the user kept between requests.
void known(benchmark::State& state) {
    const auto world = world_of<psad::Psad<>>(state);
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, world.model);
    psad::serve::Workspace<Device> room;
    std::vector<psad::serve::UserCache<Device, psad::Psad<>>> users(world.requests.size());
    std::size_t i = 0;
    for (auto _ : state) {
        const std::size_t at = i++ % users.size();
        benchmark::DoNotOptimize(reranker(world.requests[at], users[at], room).order.data());
    }
}
BENCHMARK(known)->Name("student/request_of_a_known_user")->Apply(sizes);

// Many requests at once.
void batch(benchmark::State& state) {
    const World<psad::Psad<>> world(256, 20, 50);
    const Device cpu(static_cast<int>(state.range(1)));
    const psad::serve::Reranker reranker(cpu, world.model);
    psad::serve::BatchWorkspace<Device> room;
    const auto requests = std::span(world.requests).first(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(reranker(requests, room).data());
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

// The part of it that turns columns into numbers.
void encode(benchmark::State& state) {
    const auto world = world_of<psad::Psad<>>(state);
    psad::Batch<float> batch;
    std::size_t i = 0;
    for (auto _ : state) {
        const psad::Request& r = world.requests[i++ % world.requests.size()];
        world.model.encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
        benchmark::DoNotOptimize(batch.view());
    }
}
BENCHMARK(encode)->Name("student/encode")->Apply(sizes);

// The network over one encoded request. With `user_known` the user's part is computed once beforehand, as by
// a server that keeps it while the history stands.
void student(benchmark::State& state, bool user_known) {
    const auto world = world_of<psad::Psad<>>(state);
    const auto& model = world.model;
    const Device cpu;
    const psad::Request& r = world.requests[0];
    psad::Batch<float> batch;
    model.encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
    const psad::Inputs<float> in = batch.view();
    psad::Arena<> kept, arena;
    psad::Inference before(cpu, model.parameters, in.layout, kept);
    const auto known = model.network.student.user(before, in);
    for (auto _ : state) {
        arena.reset();
        psad::Inference ctx(cpu, model.parameters, in.layout, arena);
        const auto user = user_known ? known : model.network.student.user(ctx, in);
        const auto list =
            psad::generate(ctx, model.network.student, model.network.student.score(ctx, in, user));
        benchmark::DoNotOptimize(list.chosen);
    }
}
BENCHMARK_CAPTURE(student, candidates, true)->Name("student/candidates")->Apply(sizes);
BENCHMARK_CAPTURE(student, whole, false)->Name("student/network")->Apply(sizes);

// The teacher writes ten places, in blocks of five or one by one.
template <class Network>
void teacher(benchmark::State& state) {
    const auto world = world_of<Network>(state);
    const auto& model = world.model;
    const Device cpu;
    const psad::Request& r = world.requests[0];
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

// Joint training steps, distillation included; arguments: threads (0 = all of the machine). The time is that
// of the steps alone, as the training report gives it.
void training(benchmark::State& state) {
    World<psad::Psad<>> world(512, 20, 50);
    const Device cpu(static_cast<int>(state.range(0)));
    psad::TrainSettings settings;
    settings.batch = 64;
    settings.steps = 8;
    settings.distill_from = -1;  // from the first step on
    settings.distill_full = 0;
    const auto unjudged = [](const auto&) { return psad::ValidationScore{}; };
    const double lists = static_cast<double>(settings.steps * settings.batch);
    double trained = 0;
    for (auto _ : state) {
        const psad::TrainReport report =
            psad::train(cpu, world.model, std::span<const psad::Request>(world.requests), settings, unjudged);
        state.SetIterationTime(lists / report.lists_per_second);
        trained += lists;
    }
    state.counters["lists/s"] = benchmark::Counter(trained, benchmark::Counter::kIsRate);
}
BENCHMARK(training)
    ->Name("training")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(0)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
