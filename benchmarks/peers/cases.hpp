// What psad and its peers run side by side: models with random weights, their inputs, and psad's scores.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../synthetic_requests.hpp"
#include "psad/autograd/cost.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model_file/write_safetensors.hpp"
#include "psad/nn/attention.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/linear.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace psad::peers {

using Device = backend::Cpu<float>;

struct Sizes {
    int lists = 1, candidates = 20, history = 50, positions = 10;
};

struct Case {
    std::string name;                ///< as in the report
    std::string file;                ///< without a suffix
    model_file::TensorFile tensors;  ///< weights, inputs and psad's scores, for the peers
    double flops = 0;                ///< of what psad runs
    std::function<void()> run;       ///< psad, once
};

/// Adds noise to the starting values: many are 0 or 1, and would hide a term of the model.
inline void randomise(Parameters<float>& parameters, const ParameterRegistry& registry) {
    parameters.initialise(registry, 1);
    std::uint64_t key = 77;
    for (const ParameterInfo& p : registry.parameters) {
        float* at = parameters.at(p);
        ++key;
        for (std::size_t i = 0; i < p.size(); ++i) at[i] += 0.05f * static_cast<float>(rng::normal(key, i));
    }
}

inline void add(model_file::TensorFile& file, const Parameters<float>& parameters, const ParameterRegistry& registry) {
    for (const ParameterInfo& p : registry.parameters) {
        file.tensors.push_back(model_file::tensor(p.name, {p.rows, p.cols}, std::span(parameters.at(p), p.size())));
    }
}

template <class Values>
void add(model_file::TensorFile& file, std::string name, const Values& values) {
    file.tensors.push_back(model_file::tensor(std::move(name), {std::ssize(values)}, values));
}

inline void describe(model_file::TensorFile& file, const char* kind, const Sizes& sizes, int block = 0) {
    file.metadata = {{"kind", kind},
                     {"lists", std::to_string(sizes.lists)},
                     {"candidates", std::to_string(sizes.candidates)},
                     {"history", std::to_string(sizes.history)},
                     {"positions", std::to_string(sizes.positions)},
                     {"block", std::to_string(block)}};
}

inline void add(model_file::TensorFile& file, const std::string& name, const FeatureTable<float>& table) {
    const auto rows =
        static_cast<std::int64_t>(table.columns > 0 ? table.numbers.size() / std::size_t(table.columns) : 0);
    file.tensors.push_back(model_file::tensor(name, {rows, table.columns}, table.numbers));
}

inline void add(model_file::TensorFile& file, const std::string& name, const BagStorage& bag) {
    add(file, name + ".bag", bag.offsets);
    add(file, name + ".ids", bag.ids);
}

inline void add(model_file::TensorFile& file, const std::string& name, const BagListStorage& bags) {
    for (std::size_t f = 0; f < bags.fields.size(); ++f) add(file, name + "." + std::to_string(f), bags.fields[f]);
}

/// The columns of an encoded batch. From these make_peers.py looks up the embeddings that the peers start from.
inline void add(model_file::TensorFile& file, const Batch<float>& batch) {
    Batch<float>::for_each_column(
        [&](auto column, const auto& numbers) { add(file, std::string("in.") + column.name, numbers); }, batch);
}

/// The student's scorer from embeddings on: personalised candidates [items, 64], the user [lists, 64]. The user's part
/// of the first layer is computed once per list; the embedding of the rank is added to the candidate.
template <bool Attends>
class Scorer {
  public:
    static constexpr int width = 64;
    explicit Scorer(const Scope& scope)
        : rank_(scope / "rank"),
          norm_(scope / "norm"),
          attention_(scope / "attention"),
          hidden1_(scope / "hidden1"),
          hidden2_(scope / "hidden2"),
          out_(scope / "out") {}

    template <class Ctx>
    auto operator()(Ctx& ctx, const float* items, const float* user, const int* rank) const {
        const auto partial = hidden1_.precompute(ctx, parts(ctx.template constant<Lists, width>(user)));
        const auto item =
            gather<Items>(ctx, identity_rows(ctx.template constant<Items, width>(items)), rank_.rows(ctx, rank));
        return out_(ctx, hidden2_(ctx, hidden1_(ctx, partial, parts(in_context(ctx, item)))));
    }

  private:
    template <class Ctx, class X>
    auto in_context(Ctx& ctx, const X& x) const {
        if constexpr (Attends) {
            const auto h = norm_(ctx, x);
            return map(ctx, Add{}, x, attention_.attend(ctx, h, attention_.prepare(ctx, h)));
        } else {
            return x;
        }
    }

    nn::PositionEmbedding<rank_positions, width> rank_;
    LayerIf<Attends, nn::LayerNorm<width>> norm_;
    LayerIf<Attends, nn::MultiHeadAttention<width, 4>> attention_;
    nn::SplitLinear<width, width, 128, Relu> hidden1_;
    nn::Linear<128, 64, Relu> hidden2_;
    nn::Linear<64, 1> out_;
};

template <bool Attends>
struct ScorerState {
    ParameterRegistry registry;
    Scorer<Attends> scorer{Scope(registry)};
    Parameters<float> parameters{registry};
    LayoutStorage storage;
    std::vector<float> items, user;
    std::vector<int> rank;
    Device cpu;
    Arena<> arena;
    std::vector<float> scores;

    /// Sixteen lists at a time: their numbers stay in a core's L2 cache.
    std::span<const float> operator()() {
        const Layout layout = storage.view();
        for (std::size_t first = 0; first < rank.size(); first += static_cast<std::size_t>(layout.items.rows)) {
            arena.reset();
            Inference ctx(cpu, parameters, layout, arena);
            const std::size_t list = first * user.size() / items.size() * Scorer<Attends>::width;
            const auto found =
                scorer(ctx, items.data() + first * Scorer<Attends>::width, user.data() + list, rank.data() + first);
            std::copy_n(found.data, found.rows, scores.data() + first);
        }
        return scores;
    }
};

template <bool Attends>
Case scorer_case(std::string name, std::string file, const Sizes& sizes) {
    const auto state = std::make_shared<ScorerState<Attends>>();
    randomise(state->parameters, state->registry);
    state->storage.clear();
    const int together = (std::min)(sizes.lists, 16);
    for (int l = 0; l < together; ++l) state->storage.add(sizes.candidates, 0, sizes.positions);
    for (int i = 0; i < sizes.lists * sizes.candidates; ++i) state->rank.push_back(i % sizes.candidates);
    state->scores.resize(state->rank.size());
    const auto drawn = [](std::uint64_t key, int count) {
        std::vector<float> out(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = 0.5f * static_cast<float>(rng::normal(key, i));
        return out;
    };
    state->items = drawn(3, sizes.lists * sizes.candidates * 64);
    state->user = drawn(4, sizes.lists * 64);

    Case c{std::move(name), std::move(file), {}, 0, [state] { (*state)(); }};
    describe(c.tensors, "scorer", sizes);
    add(c.tensors, state->parameters, state->registry);
    add(c.tensors, "in.items", state->items);
    add(c.tensors, "in.user", state->user);
    add(c.tensors, "psad.scores", (*state)());
    Cost cost(state->storage.view());
    state->scorer(cost, nullptr, nullptr, nullptr);
    c.flops = cost.flops() * sizes.lists / together;
    return c;
}

constexpr Spec with_block(int block) {
    return {.block = block, .student_hidden1 = 128, .student_hidden2 = 64};
}
using WithStudent = StudentOf<Psad<with_block(5), order::Sort>>;
template <int Block>
using WithTeacher = TeacherOf<Psad<with_block(Block)>>;

template <class Network>
struct ModelState {
    benchmarks::Workload<Network> work;
    Device cpu;
    Batch<float> batch;
    Arena<> arena;
    serve::Workspace<Device> workspace;
    std::size_t turn = 0;

    explicit ModelState(const Sizes& sizes) : work(64, sizes.candidates, sizes.history) {
        randomise(work.model.parameters, work.model.registry);
        work.model.encoder.encode(std::span(work.requests).first(static_cast<std::size_t>(sizes.lists)),
                                  sizes.positions, batch);
    }
};

/// From raw requests, a different one each time, to an order; the peers start from the embeddings of the first.
inline Case student_case(std::string name, std::string file, const Sizes& sizes) {
    using Network = WithStudent;
    const auto state = std::make_shared<ModelState<Network>>(sizes);
    const auto& model = state->work.model;
    Case c{std::move(name), std::move(file), {}, 0, [state] {
               const serve::Reranker reranker(state->cpu, state->work.model, serve::already_checked);
               reranker(state->work.requests[state->turn++ % 64], state->workspace);
           }};
    describe(c.tensors, "student", sizes);
    add(c.tensors, model.parameters, model.registry);
    add(c.tensors, state->batch);
    const Inputs<float> in = state->batch.view();
    Inference ctx(state->cpu, model.parameters, in.layout, state->arena);
    const auto& student = model.network.student;
    const auto scores = student.score(ctx, in, student.user_state(ctx, in)).score;
    add(c.tensors, "psad.scores", std::span(scores.data, static_cast<std::size_t>(scores.rows)));
    Cost cost(in.layout);
    student.score(cost, in, student.user_state(cost, in));
    c.flops = cost.flops();
    return c;
}

/// From an encoded request to ten positions; the peers start from its embeddings.
template <int Block>
Case teacher_case(std::string name, std::string file, const Sizes& sizes) {
    using Network = WithTeacher<Block>;
    const auto state = std::make_shared<ModelState<Network>>(sizes);
    const auto& model = state->work.model;
    const auto generated = [state] {
        state->arena.reset();
        const Inputs<float> in = state->batch.view();
        Inference ctx(state->cpu, state->work.model.parameters, in.layout, state->arena);
        return generate(ctx, state->work.model.network.teacher, in);
    };
    Case c{std::move(name), std::move(file), {}, 0, [generated] { generated(); }};
    describe(c.tensors, "teacher", sizes, Block);
    add(c.tensors, model.parameters, model.registry);
    add(c.tensors, state->batch);
    const auto positions = static_cast<std::size_t>(sizes.lists * sizes.positions);
    add(c.tensors, "psad.scores", std::span<const float>(generated().score, positions));
    return c;
}

/// The default pair, trained together on one batch.
using Trained = Psad<Spec{}, target::PositivesFirst>;
inline constexpr int training_lists = 128, training_steps = 20;

inline train::Settings training_settings(int steps) {
    train::Settings s;
    s.epochs = s.steps = steps;
    s.batch = training_lists;
    s.dropout = 0;
    s.unknown_rate = 0;
    s.distill_from = -1;  // from the first step on
    s.distill_full = 0;
    s.patience = 0;
    return s;
}

struct TrainingState {
    benchmarks::Workload<Trained> work{training_lists, 20, 50};

    train::Report operator()(int steps, int threads) {
        const auto no_validation = [](const auto&) { return train::ValidationScore{}; };
        return train::train(Device(threads), work.model, std::span<const Request>(work.requests),
                            training_settings(steps), no_validation);
    }
};

/// What train_peer.py needs.
inline model_file::TensorFile training_tensors() {
    TrainingState state;
    constexpr Spec spec = Trained::spec;
    const Sizes sizes{.lists = training_lists, .positions = spec.positions};
    model_file::TensorFile file;
    describe(file, "training", sizes, spec.block);
    add(file, state.work.model.parameters, state.work.model.registry);
    Batch<float> batch;
    state.work.model.encoder.encode(state.work.requests, spec.positions, batch);
    add(file, batch);
    std::vector<int> order, orders;
    for (const Request& r : state.work.requests) {
        std::vector<float> target(r.size() * static_cast<std::size_t>(spec.positions));
        order.clear();
        target::PositivesFirst::build<float>(r, spec.positions, 0, order, target.data(), nullptr);
        orders.insert(orders.end(), order.begin(), order.begin() + spec.positions);
    }
    add(file, "in.order", orders);
    std::vector<float> losses;
    for (const train::StepRecord& s : state(training_steps, 1).steps) losses.push_back(static_cast<float>(s.loss));
    add(file, "psad.losses", losses);
    return file;
}

inline std::vector<Case> cases() {
    std::vector<Case> all;
    for (const int n : {20, 100})
        all.push_back(
            scorer_case<false>("student n=" + std::to_string(n), "student-" + std::to_string(n), {.candidates = n}));
    for (const int lists : {64, 256})
        all.push_back(scorer_case<false>("student n=20 batch=" + std::to_string(lists),
                                         "student-batch-" + std::to_string(lists), {.lists = lists}));
    all.push_back(scorer_case<true>("student with self-attention n=20", "attention-20", {}));
    for (const int history : {50, 25})
        all.push_back(student_case("UPN and student n=20 H=" + std::to_string(history),
                                   "upn-student-" + std::to_string(history), {.history = history}));
    all.push_back(teacher_case<5>("UPN and teacher K=5", "teacher-5", {}));
    all.push_back(teacher_case<1>("UPN and teacher K=1", "teacher-1", {}));
    return all;
}

}  // namespace psad::peers
