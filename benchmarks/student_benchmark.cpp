// What a request costs, and a training step, on made-up requests; the default variant with its starting
// values, whose arithmetic is that of a trained model. One request at a time on one thread, but for training.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/input/fit_encoder.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace {

using Device = psad::backend::Cpu<float>;
using OneByOne = psad::Psad<psad::Spec{.block = 1}>;

constexpr std::int32_t catalog_size = 2000;

struct Columns {
    std::vector<std::int32_t> user, context, history_items, history_feedback, items;
    std::vector<std::int64_t> history_times;
    std::vector<float> scores, aux;
    std::vector<std::int8_t> labels;

    psad::Request view() const {
        return {user,  context, 10'000'000, history_items, history_times, history_feedback,
                items, scores,  aux,        labels};
    }
};

// Different candidates, every tenth event on one of them, one positive.
Columns made_up(std::uint64_t key, int candidates, int history) {
    std::uint64_t at = 0;
    const auto draw = [&](int bound) {
        return static_cast<std::int32_t>(psad::rng::below(key, at++, static_cast<std::uint32_t>(bound)));
    };
    Columns c;
    c.user = {draw(10), draw(20)};
    c.context = {draw(7)};
    const std::int32_t first = draw(catalog_size);
    for (int i = 0; i < candidates; ++i) {
        c.items.push_back((first + 37 * i) % catalog_size);  // 37 and 2000 have no common factor
        c.scores.push_back(1.0f / static_cast<float>(1 + i));
        c.aux.push_back(static_cast<float>(50 + draw(200)));
        c.labels.push_back(0);
    }
    c.labels[static_cast<std::size_t>(draw(candidates))] = 1;
    for (int h = 0; h < history; ++h) {
        const auto candidate = static_cast<std::size_t>(draw(candidates));
        c.history_items.push_back(draw(10) == 0 ? c.items[candidate] : draw(catalog_size));
        c.history_times.push_back(1'000'000 + h * 80'000 + draw(70'000));
        c.history_feedback.push_back(draw(8));
    }
    return c;
}

// Requests, an encoder fitted to them, and a model with its starting values.
template <class Network>
struct World {
    std::vector<Columns> columns;
    std::vector<psad::Request> requests;
    psad::Model<Network> model;

    World(int count, int candidates, int history)
        : columns(drawn(count, candidates, history)), requests(views(columns)), model(encoder(requests)) {}

  private:
    static std::vector<Columns> drawn(int count, int candidates, int history) {
        std::vector<Columns> out;
        for (int i = 0; i < count; ++i) {
            out.push_back(made_up(psad::rng::derive(9, static_cast<std::uint64_t>(i)), candidates, history));
        }
        return out;
    }
    static std::vector<psad::Request> views(const std::vector<Columns>& columns) {
        std::vector<psad::Request> out;
        for (const Columns& c : columns) out.push_back(c.view());
        return out;
    }
    static psad::Encoder encoder(const std::vector<psad::Request>& requests) {
        psad::Schema schema{{{"age", 10}, {"country", 20}}, {{"weekday", 7}}, {{"kind", 30}, {"year", 25}}};
        psad::Catalog catalog;
        catalog.items = catalog_size;
        catalog.fields.resize(2);
        for (std::int32_t i = 0; i < catalog_size; ++i) {
            for (const std::int32_t kind : {i % 30, i % 7}) catalog.fields[0].ids.push_back(kind);
            catalog.fields[0].offsets.push_back(2 * i + 2);
            catalog.fields[1].ids.push_back(i % 25);
            catalog.fields[1].offsets.push_back(i + 1);
        }
        return psad::fit_encoder(std::move(schema), std::move(catalog), requests, {.min_count = 1});
    }
};

constexpr int requests_in_turn = 64;  // more than one, so that no branch is learned by heart

template <class Network>
World<Network> world_of(const benchmark::State& state) {
    return {requests_in_turn, static_cast<int>(state.range(0)), static_cast<int>(state.range(1))};
}

void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"n", "H"})->Args({20, 50})->Args({20, 0})->Args({100, 50})->Unit(benchmark::kMicrosecond);
}

// From a request's columns to its order: what a server pays.
void request(benchmark::State& state) {
    const auto world = world_of<psad::Psad<>>(state);
    const Device cpu;
    const psad::serve::Reranker reranker(cpu, world.model);
    psad::serve::Workspace<Device> room;
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reranker(world.requests[i++ % world.requests.size()], room).order.data());
    }
}
BENCHMARK(request)->Name("student/request")->Apply(sizes);

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
    psad::Eval before(cpu, model.parameters, in.layout, kept);
    const auto known = model.network.student.user(before, in);
    for (auto _ : state) {
        arena.reset();
        psad::Eval ctx(cpu, model.parameters, in.layout, arena);
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
    model.encoder.encode(std::span(&r, 1), Network::spec.slots, batch);
    const psad::Inputs<float> in = batch.view();
    psad::Arena<> arena;
    for (auto _ : state) {
        arena.reset();
        psad::Eval ctx(cpu, model.parameters, in.layout, arena);
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
