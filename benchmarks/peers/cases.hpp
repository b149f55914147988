// What psad and its peers run side by side: models with made-up numbers, their inputs, and what psad scores.
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

#include "../made_up.hpp"
#include "psad/autograd/cost.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/model_file/safetensors.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/nn/attention.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/linear.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace psad_peers {

using Device = psad::backend::Cpu<float>;

struct Sizes {
    int lists = 1, candidates = 20, history = 50, places = 10;
};

struct Case {
    std::string name;           ///< as in the report
    std::string file;           ///< without a suffix
    psad::model_file::TensorFile told;  ///< weights, inputs and scores, for the peers
    double flops = 0;           ///< of what psad runs
    std::function<void()> run;  ///< psad, once
};

/// Starting values are often 0 or 1; made up, every term of a model counts.
inline void make_up(psad::Parameters<float>& parameters, const psad::ParameterRegistry& list) {
    parameters.initialise(list, 1);
    std::uint64_t key = 77;
    for (const psad::ParameterInfo& p : list.parameters) {
        float* at = parameters.at(p);
        ++key;
        for (std::size_t i = 0; i < p.size(); ++i)
            at[i] += 0.05f * static_cast<float>(psad::rng::normal(key, i));
    }
}

inline void tell(psad::model_file::TensorFile& file, const psad::Parameters<float>& parameters,
                 const psad::ParameterRegistry& list) {
    for (const psad::ParameterInfo& p : list.parameters)
        file.tensors.push_back(
            psad::model_file::tensor(p.name, {p.rows, p.cols}, std::span(parameters.at(p), p.size())));
}

template <class Values>
void tell(psad::model_file::TensorFile& file, std::string name, const Values& values) {
    file.tensors.push_back(psad::model_file::tensor(std::move(name), {std::ssize(values)}, values));
}

inline void tell(psad::model_file::TensorFile& file, const char* kind, const Sizes& sizes, int block = 0) {
    file.metadata = {{"kind", kind},
                     {"lists", std::to_string(sizes.lists)},
                     {"candidates", std::to_string(sizes.candidates)},
                     {"history", std::to_string(sizes.history)},
                     {"places", std::to_string(sizes.places)},
                     {"block", std::to_string(block)}};
}

/// The columns of an encoded batch: the peers get what stands in the tables as ready embeddings.
inline void tell(psad::model_file::TensorFile& file, const psad::Batch<float>& b) {
    const auto fields = [&](const std::string& of, const std::vector<psad::Batch<float>::Field>& all) {
        for (std::size_t f = 0; f < all.size(); ++f) {
            tell(file, "in." + of + std::to_string(f) + ".bag", all[f].bag);
            tell(file, "in." + of + std::to_string(f) + ".ids", all[f].ids);
        }
    };
    fields("profile", b.profile_fields);
    fields("item", b.item_fields);
    fields("event", b.event_fields);
    tell(file, "in.match.bag", b.match.bag);
    tell(file, "in.match.ids", b.match.ids);
    tell(file, "in.profile", b.profile);
    tell(file, "in.dense", b.dense);
    tell(file, "in.age", b.age);
    tell(file, "in.match_dense", b.match_dense);
    tell(file, "in.has_interacted", b.has_interacted);
    tell(file, "in.rank", b.rank);
    tell(file, "in.feedback", b.feedback);
    tell(file, "in.age_bucket", b.age_bucket);
    tell(file, "in.event_index", b.event_index);
    tell(file, "in.match_feedback", b.match_feedback);
    tell(file, "in.match_bucket", b.match_bucket);
    tell(file, "in.match_index", b.match_index);
}

/// The student's scorer over ready embeddings: candidates [items, 64] as the user sees them, the user [lists,
/// 64]. The user's share of the first layer is computed once per list, the rank's row is added to the
/// candidate.
template <bool Attends>
class Scorer {
  public:
    static constexpr int width = 64;
    explicit Scorer(const psad::Scope& scope)
        : rank_(scope / "rank"),
          norm_(scope / "norm"),
          attention_(scope / "attention"),
          hidden1_(scope / "hidden1"),
          hidden2_(scope / "hidden2"),
          out_(scope / "out") {}

    template <class Ctx>
    auto operator()(Ctx& ctx, const float* items, const float* user, const int* rank) const {
        const auto begun = hidden1_.begin(ctx, parts(ctx.template constant<psad::Lists, width>(user)));
        const auto item = psad::gather<psad::Items>(
            ctx, psad::identity_rows(ctx.template constant<psad::Items, width>(items)), rank_.rows(ctx, rank));
        return out_(ctx, hidden2_(ctx, hidden1_(ctx, begun, psad::parts(in_context(ctx, item)))));
    }

  private:
    template <class Ctx, class X>
    auto in_context(Ctx& ctx, const X& x) const {
        if constexpr (Attends) {
            const auto h = norm_(ctx, x);
            return map(ctx, psad::Add{}, x, attention_.attend(ctx, h, attention_.prepare(ctx, h)));
        } else {
            return x;
        }
    }

    psad::nn::PositionEmbedding<psad::rank_positions, width> rank_;
    psad::PartIf<Attends, psad::nn::LayerNorm<width>> norm_;
    psad::PartIf<Attends, psad::nn::MultiHeadAttention<width, 4>> attention_;
    psad::nn::SplitLinear<width, width, 128, psad::Relu> hidden1_;
    psad::nn::Linear<128, 64, psad::Relu> hidden2_;
    psad::nn::Linear<64, 1> out_;
};

template <bool Attends>
struct ScorerRoom {
    psad::ParameterRegistry list;
    Scorer<Attends> scorer{psad::Scope(list)};
    psad::Parameters<float> parameters{list};
    psad::LayoutStorage storage;
    std::vector<float> items, user;
    std::vector<int> rank;
    Device cpu;
    psad::Arena<> arena;
    std::vector<float> scores;

    /// Sixteen lists at a time, whose numbers stay in a core's second cache.
    std::span<const float> operator()() {
        const psad::Layout layout = storage.view();
        for (std::size_t first = 0; first < rank.size();
             first += static_cast<std::size_t>(layout.items.rows)) {
            arena.reset();
            psad::Inference ctx(cpu, parameters, layout, arena);
            const std::size_t list = first * user.size() / items.size() * Scorer<Attends>::width;
            const auto found = scorer(ctx, items.data() + first * Scorer<Attends>::width, user.data() + list,
                                      rank.data() + first);
            std::copy_n(found.data, found.rows, scores.data() + first);
        }
        return scores;
    }
};

template <bool Attends>
Case scorer_case(std::string name, std::string file, const Sizes& sizes) {
    const auto room = std::make_shared<ScorerRoom<Attends>>();
    make_up(room->parameters, room->list);
    room->storage.clear();
    const int together = (std::min)(sizes.lists, 16);
    for (int l = 0; l < together; ++l) room->storage.add(sizes.candidates, 0, sizes.places);
    for (int i = 0; i < sizes.lists * sizes.candidates; ++i) room->rank.push_back(i % sizes.candidates);
    room->scores.resize(room->rank.size());
    const auto drawn = [](std::uint64_t key, int count) {
        std::vector<float> out(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = 0.5f * static_cast<float>(psad::rng::normal(key, i));
        return out;
    };
    room->items = drawn(3, sizes.lists * sizes.candidates * 64);
    room->user = drawn(4, sizes.lists * 64);

    Case c{std::move(name), std::move(file), {}, 0, [room] { (*room)(); }};
    tell(c.told, "scorer", sizes);
    tell(c.told, room->parameters, room->list);
    tell(c.told, "in.items", room->items);
    tell(c.told, "in.user", room->user);
    tell(c.told, "psad.scores", (*room)());
    psad::Cost cost(room->storage.view());
    room->scorer(cost, nullptr, nullptr, nullptr);
    c.flops = cost.flops() * sizes.lists / together;
    return c;
}

constexpr psad::Spec with_block(int block) {
    return {.block = block, .student_hidden1 = 128, .student_hidden2 = 64};
}
using WithStudent = psad::StudentOf<psad::Psad<with_block(5), psad::order::Sort>>;
template <int Block>
using WithTeacher = psad::TeacherOf<psad::Psad<with_block(Block)>>;

template <class Network>
struct ModelRoom {
    psad_benchmarks::World<Network> world;
    Device cpu;
    psad::Batch<float> batch;
    psad::Arena<> arena;
    psad::serve::Workspace<Device> workspace;
    std::size_t turn = 0;

    explicit ModelRoom(const Sizes& sizes) : world(64, sizes.candidates, sizes.history) {
        make_up(world.model.parameters, world.model.list);
        world.model.encoder.encode(std::span(world.requests).first(static_cast<std::size_t>(sizes.lists)),
                                   sizes.places, batch);
    }
};

/// From raw requests, a different one each time, to an order; the peers get ready embeddings of the first.
inline Case student_case(std::string name, std::string file, const Sizes& sizes) {
    using Network = WithStudent;
    const auto room = std::make_shared<ModelRoom<Network>>(sizes);
    const auto& model = room->world.model;
    Case c{std::move(name), std::move(file), {}, 0, [room] {
               const psad::serve::Reranker reranker(room->cpu, room->world.model);
               reranker(room->world.requests[room->turn++ % 64], room->workspace);
           }};
    tell(c.told, "student", sizes);
    tell(c.told, model.parameters, model.registry);
    tell(c.told, room->batch);
    const psad::Inputs<float> in = room->batch.view();
    psad::Inference ctx(room->cpu, model.parameters, in.layout, room->arena);
    const auto& student = model.network.student;
    const auto scores = student.score(ctx, in, student.user(ctx, in)).score;
    tell(c.told, "psad.scores", std::span(scores.data, static_cast<std::size_t>(scores.rows)));
    psad::Cost cost(in.layout);
    student.score(cost, in, student.user(cost, in));
    c.flops = cost.flops();
    return c;
}

/// From an encoded request to ten places; the peers get its ready embeddings.
template <int Block>
Case teacher_case(std::string name, std::string file, const Sizes& sizes) {
    using Network = WithTeacher<Block>;
    const auto room = std::make_shared<ModelRoom<Network>>(sizes);
    const auto& model = room->world.model;
    const auto write = [room] {
        room->arena.reset();
        const psad::Inputs<float> in = room->batch.view();
        psad::Inference ctx(room->cpu, room->world.model.parameters, in.layout, room->arena);
        return psad::generate(ctx, room->world.model.network.teacher, in);
    };
    Case c{std::move(name), std::move(file), {}, 0, [write] { write(); }};
    tell(c.told, "teacher", sizes, Block);
    tell(c.told, model.parameters, model.registry);
    tell(c.told, room->batch);
    const auto written = write();
    const auto places = static_cast<std::size_t>(sizes.lists * sizes.places);
    tell(c.told, "psad.scores", std::span<const float>(written.score, places));
    return c;
}

/// The default pair, trained together on one batch.
using Trained = psad::Psad<psad::Spec{}, psad::target::PositivesFirst>;
inline constexpr int training_lists = 128, training_steps = 20;

inline psad::TrainSettings training_settings(int steps) {
    psad::TrainSettings s;
    s.epochs = s.steps = steps;
    s.batch = training_lists;
    s.dropout = 0;
    s.distill_from = -1;  // from the first step on
    s.distill_full = 0;
    s.patience = 0;
    return s;
}

struct TrainingRoom {
    psad_benchmarks::World<Trained> world{training_lists, 20, 50};

    psad::TrainReport operator()(int steps, int threads) {
        const auto unjudged = [](const auto&) { return psad::ValidationScore{}; };
        return psad::train(Device(threads), world.model, std::span<const psad::Request>(world.requests),
                           training_settings(steps), unjudged);
    }
};

/// What train_peer.py needs.
inline psad::model_file::TensorFile training_told() {
    TrainingRoom room;
    constexpr psad::Spec spec = Trained::spec;
    const Sizes sizes{.lists = training_lists, .places = spec.positions};
    psad::model_file::TensorFile file;
    tell(file, "training", sizes, spec.block);
    tell(file, room.world.model.parameters, room.world.model.list);
    psad::Batch<float> batch;
    room.world.model.encoder.encode(room.world.requests, spec.positions, batch);
    tell(file, batch);
    std::vector<int> order, all;
    for (const psad::Request& r : room.world.requests) {
        std::vector<float> target(r.size() * static_cast<std::size_t>(spec.positions));
        order.clear();
        psad::target::PositivesFirst::lay<float>(r, spec.positions, 0, order, target.data(), nullptr);
        all.insert(all.end(), order.begin(), order.begin() + spec.positions);
    }
    tell(file, "in.order", all);
    std::vector<float> losses;
    for (const psad::StepRecord& s : room(training_steps, 1).steps)
        losses.push_back(static_cast<float>(s.loss));
    tell(file, "psad.losses", losses);
    return file;
}

inline std::vector<Case> cases() {
    std::vector<Case> all;
    for (const int n : {20, 100})
        all.push_back(scorer_case<false>("student n=" + std::to_string(n), "student-" + std::to_string(n),
                                         {.candidates = n}));
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

}  // namespace psad_peers
