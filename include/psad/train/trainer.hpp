/// \file trainer.hpp
/// Teacher and student trained at the same time. A batch is cut into shards of a fixed size, each with a tape
/// of its own; their gradients are added in a fixed order, so one seed gives the same bits on any number of
/// threads.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/autograd/tape.hpp"
#include "psad/core/error.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/adam.hpp"
#include "psad/train/lessons.hpp"
#include "psad/train/objectives.hpp"
#include "psad/train/schedule.hpp"

namespace psad {

struct TrainSettings {
    int epochs = 10;
    int steps = 0;   ///< stop after so many steps; 0 = after the epochs
    int batch = 32;  ///< lists per step
    int shard = 16;  ///< lists per tape; part of the arithmetic, not of the threading
    AdamSettings adam = {};
    double warmup = 0.05;  ///< share of the steps
    float dropout = 0.1f;
    double supervised = 1;      ///< a
    double distillation = 1;    ///< the final beta
    double distill_from = 0.1;  ///< share of the steps before which beta is 0
    double distill_full = 0.3;  ///< share of the steps after which beta is final
    double temperature = 1;     ///< tau
    int patience = 3;           ///< epochs without a better validation before stopping; 0 = never
    std::uint64_t seed = 1;
};

/// What a network's parts are worth on validation lists, the larger the better: mean NDCG@10 in fit(). A part
/// that the network has not stays at 0.
struct ValidationScore {
    double student = 0;
    double teacher = 0;
};

/// One step as it went: means over the lists of the batch.
struct StepRecord {
    double loss, teacher, supervised, distilled;
    double gradient_norm;
};

struct EpochRecord {
    int epoch = 0;
    std::int64_t step = 0;
    double loss = 0;  ///< mean over the epoch
    ValidationScore valid;
};

struct TrainReport {
    std::vector<StepRecord> steps;
    std::vector<EpochRecord> epochs;
    double lists_per_second = 0;  ///< training alone, validation left out
    int best_student_epoch = -1;
    int best_teacher_epoch = -1;
};

/// Called after every step and epoch; all may be empty.
struct TrainHooks {
    std::function<void(std::int64_t step, std::int64_t of, const StepRecord&)> on_step;
    std::function<void(const EpochRecord&)> on_epoch;
};

namespace train_detail {

inline void check(const TrainSettings& s, std::size_t requests) {
    const auto wrong = [](const char* name, double found, const char* wanted) {
        throw SettingError("training settings", name, std::to_string(found), wanted);
    };
    if (requests == 0)
        throw SettingError("training settings", "requests", "none", "at least one labelled list");
    if (s.epochs < 1) wrong("epochs", s.epochs, "1 or more");
    if (s.steps < 0) wrong("steps", s.steps, "0 (no limit) or more");
    if (s.batch < 1) wrong("batch", s.batch, "1 or more");
    if (s.shard < 1) wrong("shard", s.shard, "1 or more");
    if (!(s.adam.rate > 0 && std::isfinite(s.adam.rate))) wrong("rate", s.adam.rate, "above 0 and finite");
    if (!(s.supervised >= 0 && std::isfinite(s.supervised)))
        wrong("supervised", s.supervised, "0 or more and finite");
    if (!(s.distillation >= 0 && std::isfinite(s.distillation)))
        wrong("distillation", s.distillation, "0 or more and finite");
    if (s.patience < 0) wrong("patience", s.patience, "0 (never) or more");
    const AdamSettings& a = s.adam;
    for (const auto& [name, beta] : {std::pair("beta1", a.beta1), std::pair("beta2", a.beta2)})
        if (!(beta >= 0 && beta < 1)) wrong(name, beta, "0 or more, below 1");
    if (!(a.epsilon > 0 && std::isfinite(a.epsilon))) wrong("epsilon", a.epsilon, "above 0 and finite");
    if (!(a.weight_decay >= 0 && a.rate * a.weight_decay < 1))
        wrong("weight_decay", a.weight_decay, "0 or more, below 1 / rate");
    if (!(a.clip >= 0)) wrong("clip", a.clip, "0 (no limit) or more");
    if (!(s.dropout >= 0 && s.dropout < 1))
        wrong("dropout", static_cast<double>(s.dropout), "0 or more, below 1");
    if (!(s.temperature > 0 && std::isfinite(s.temperature)))
        wrong("temperature", s.temperature, "above 0 and finite");
    if (!(s.warmup >= 0 && s.warmup < 1)) wrong("warmup", s.warmup, "0 or more, below 1");
    if (!(s.distill_from < s.distill_full)) wrong("distill_full", s.distill_full, "more than distill_from");
}

/// What training reads of a request beyond Encoder::check.
inline void check_feedback(const Request& r) {
    if (r.labels.size() != r.size()) {
        throw RequestError("request", "labels", std::to_string(r.labels.size()) + " labels",
                           std::to_string(r.size()) + " for training");
    }
    for (std::size_t i = 0; i < r.size(); ++i) {
        if (r.labels[i] != 0 && r.labels[i] != 1) {
            throw RequestError("request", "labels[" + std::to_string(i) + "]", std::to_string(r.labels[i]),
                               "0 or 1");
        }
    }
    std::vector<char> seen(r.size(), 0);
    for (const std::int32_t i : r.shown) {
        if (i < 0 || static_cast<std::size_t>(i) >= r.size() || seen[static_cast<std::size_t>(i)]) {
            throw RequestError("request", "shown", "position " + std::to_string(i),
                               "each position below " + std::to_string(r.size()) + " once");
        }
        seen[static_cast<std::size_t>(i)] = 1;
    }
}

inline void check_finite(const ParameterList& list, const Parameters<float>& parameters) {
    for (const ParameterInfo& p : list.parameters) {
        const float* from = parameters.at(p);
        if (std::all_of(from, from + p.size(), [](float x) { return std::isfinite(x); })) continue;
        throw TrainingError("training", p.name, "numbers that are not finite", "a smaller learning rate");
    }
}

/// The memory of one shard, reused over the steps.
template <class B>
struct ShardRoom {
    using T = typename B::Scalar;
    Arena<typename B::Memory> arena;
    Buffer<T> dense_grad;
    Lessons<T> lessons;
    Imitation<T> imitation;
    std::vector<Request> requests;
    const SparseGradient<T>* sparse = nullptr;
    StepRecord sums{};  ///< over the lists of the shard
};

/// All parameters but those of a teacher that is finished.
template <class Network>
ParameterList learned_by(ParameterList list) {
    if constexpr (FinishedTeacher<Network>)
        std::erase_if(list.parameters, [](const ParameterInfo& p) { return p.name.starts_with("teacher"); });
    return list;
}

/// Copies the parameters whose name begins with `part`.
inline void copy_part(const ParameterList& list, const char* part, const Parameters<float>& from,
                      Parameters<float>& to) {
    for (const ParameterInfo& p : list.parameters) {
        if (p.name.starts_with(part)) std::copy_n(from.at(p), p.size(), to.at(p));
    }
}

template <class V>
double total(const V& v) {
    double sum = 0;
    for (int l = 0; l < v.rows; ++l) sum += static_cast<double>(v.data[l]);
    return sum;
}

/// Loss and gradient of one shard.
template <class B, class Network>
void learn(const B& backend, const Model<Network>& model, const TrainSettings& settings,
           const LossWeights& weights, std::uint64_t key, ShardRoom<B>& room) {
    using T = typename B::Scalar;
    using Target = typename Network::template policy<target::kind_tag, target::Set>;
    constexpr Spec spec = Network::spec;
    room.arena.reset();
    std::fill_n(room.dense_grad.data(), room.dense_grad.size(), T(0));
    room.lessons.prepare(model.encoder, room.requests, spec.slots, spec.block, rng::derive(key, 1), Target{});
    const Inputs<T> in = room.lessons.inputs();
    Tape<B> tape(backend, model.parameters, in.layout, room.arena, room.dense_grad.data(),
                 {settings.dropout, key});
    const auto loss = joint_loss(tape, model.network, model.parameters, in, room.lessons.prefix(),
                                 room.lessons.labels(), weights, room.imitation);
    tape.backward(loss.total, T(1));
    room.sparse = tape.sparse_gradients();
    room.sums = {total(loss.total), total(loss.teacher), total(loss.supervised), total(loss.distilled), 0};
}

}  // namespace train_detail

/// Trains `model` on labelled requests. After each epoch `validate(model)` (a ValidationScore) decides: the
/// teacher's and the student's parameters are each kept from their best epoch. Throws SettingError for
/// settings out of range, TrainingError for a loss that is not finite, RequestError for a list that
/// Encoder::check refuses or that lacks labels.
template <class B, class Network, class Validate>
TrainReport train(const B& backend, Model<Network>& model, std::span<const Request> requests,
                  const TrainSettings& settings, Validate validate, const TrainHooks& hooks = {}) {
    namespace detail = train_detail;
    using T = typename B::Scalar;
    static_assert(std::is_same_v<T, float>, "psad: a Model holds float; train on a backend of float");
    static_assert(B::Memory::on_host,
                  "psad: gradients are added up on the host; train on a backend of its memory");
    detail::check(settings, requests.size());
    for (const Request& r : requests) {
        model.encoder.check(r);
        detail::check_feedback(r);
    }

    const auto count = static_cast<int>(requests.size());
    // No larger than the data: the same steps, and no sum below overflows.
    const int batch = (std::min)(settings.batch, count), shard = (std::min)(settings.shard, batch);
    const int per_epoch = (count - 1) / batch + 1;
    const std::int64_t last_step =
        settings.steps > 0 ? settings.steps : std::int64_t{per_epoch} * settings.epochs;
    const auto shards = static_cast<std::size_t>((batch - 1) / shard + 1);
    std::vector<detail::ShardRoom<B>> rooms(shards);
    for (auto& room : rooms) room.dense_grad = Buffer<T>(model.list.dense_size);
    const ParameterList learned = detail::learned_by<Network>(model.list);
    Adam<T> adam(learned, settings.adam);
    std::vector<T*> dense;
    std::vector<const SparseGradient<T>*> sparse;

    std::vector<std::size_t> order(requests.size());
    std::iota(order.begin(), order.end(), std::size_t{0});

    TrainReport report;
    Parameters<float> best = model.parameters;
    constexpr double none = -std::numeric_limits<double>::infinity();
    ValidationScore best_score{none, none};
    int stale = 0;
    std::int64_t step = 0, seen = 0;
    std::chrono::duration<double> busy{0};
    for (int epoch = 0; step < last_step; ++epoch) {
        rng::shuffle(order, rng::derive(settings.seed, static_cast<std::uint64_t>(epoch)));
        double epoch_loss = 0;
        int epoch_steps = 0;
        const auto start = std::chrono::steady_clock::now();
        for (int first = 0; first < count && step < last_step; first += batch) {
            const int lists = (std::min)(batch, count - first);
            const int used = (lists - 1) / shard + 1;
            const double progress = static_cast<double>(step) / static_cast<double>(last_step);
            const LossWeights weights{settings.supervised,
                                      settings.distillation * schedule::ramp(progress, settings.distill_from,
                                                                             settings.distill_full),
                                      settings.temperature};
            const std::uint64_t key = rng::derive(settings.seed ^ 0xD509u, static_cast<std::uint64_t>(step));
            backend.parallel(used, [&](int s) {
                auto& room = rooms[static_cast<std::size_t>(s)];
                room.requests.clear();
                const int end = (std::min)(lists, (s + 1) * shard);
                for (int i = s * shard; i < end; ++i) {
                    room.requests.push_back(requests[order[static_cast<std::size_t>(first + i)]]);
                }
                detail::learn(backend, model, settings, weights,
                              rng::derive(key, static_cast<std::uint64_t>(s)), room);
            });
            dense.clear();
            sparse.clear();
            StepRecord record{};
            for (int s = 0; s < used; ++s) {
                auto& room = rooms[static_cast<std::size_t>(s)];
                dense.push_back(room.dense_grad.data());
                sparse.push_back(room.sparse);
                record.loss += room.sums.loss / lists;
                record.teacher += room.sums.teacher / lists;
                record.supervised += room.sums.supervised / lists;
                record.distilled += room.sums.distilled / lists;
            }
            const double after = static_cast<double>(step + 1) / static_cast<double>(last_step);
            record.gradient_norm = adam.step(backend, model.parameters, std::span<T* const>(dense),
                                             std::span<const SparseGradient<T>* const>(sparse), 1.0 / lists,
                                             schedule::warm_cosine(after, settings.warmup));
            if (!std::isfinite(record.loss) || !std::isfinite(record.gradient_norm)) {
                throw TrainingError("training", "step " + std::to_string(step),
                                    "a loss or a gradient that is not finite", "a smaller learning rate");
            }
            report.steps.push_back(record);
            epoch_loss += record.loss;
            ++epoch_steps;
            seen += lists;
            ++step;
            if (hooks.on_step) hooks.on_step(step, last_step, record);
        }
        busy += std::chrono::steady_clock::now() - start;

        const EpochRecord done{epoch, step, epoch_loss / epoch_steps, validate(std::as_const(model))};
        if (!std::isfinite(done.valid.student) || !std::isfinite(done.valid.teacher)) {
            throw TrainingError("training", "epoch " + std::to_string(epoch),
                                "a validation score that is not finite",
                                "numbers that can choose the epoch to keep");
        }
        report.epochs.push_back(done);
        if (hooks.on_epoch) hooks.on_epoch(done);
        ++stale;
        ValidationScore score = done.valid;
        if constexpr (Network::shares_embeddings) {  // one set of numbers serves both: judged and kept
                                                     // together
            score.student = score.teacher = (done.valid.student + done.valid.teacher) / 2;
            if (score.student > best_score.student)
                detail::copy_part(model.list, "shared", model.parameters, best);
        }
        if (HasStudent<Network> && score.student > best_score.student) {
            best_score.student = score.student;
            report.best_student_epoch = epoch;
            detail::copy_part(model.list, "student", model.parameters, best);
            stale = 0;
        }
        if (HasTeacher<Network> && score.teacher > best_score.teacher) {
            best_score.teacher = score.teacher;
            report.best_teacher_epoch = epoch;
            detail::copy_part(model.list, "teacher", model.parameters, best);
            stale = 0;
        }
        if (settings.patience > 0 && stale >= settings.patience) break;
    }
    detail::check_finite(model.list, best);  // the last step was not seen by a later loss
    model.parameters = std::move(best);
    report.lists_per_second = static_cast<double>(seen) / busy.count();
    return report;
}

}  // namespace psad
