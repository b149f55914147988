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
#include <future>
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
#include "psad/train/device_adam.hpp"
#include "psad/train/lessons.hpp"
#include "psad/train/objectives.hpp"
#include "psad/train/schedule.hpp"
#include "psad/train/train_settings.hpp"

namespace psad {

namespace train_detail {

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
    Buffer<T, typename B::Memory> dense_grad;
    Lessons<T> lessons[2];  ///< of this step and, where the device works beside the host, of the next
    Lesson<T> lesson;       ///< of this step, on the host
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

template <class W, class V>
double total(const W& workspace, const V& v) {
    const auto* numbers = workspace.on_host(v.data, static_cast<std::size_t>(v.rows));
    double sum = 0;
    for (int l = 0; l < v.rows; ++l) sum += static_cast<double>(numbers[l]);
    return sum;
}

/// The numbers that training moves: a model's own where the device's memory is the host's, else a copy.
template <class B>
class Moved {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    Moved(const B& backend, Parameters<T>& model) : backend_(&backend), model_(&model) {
        if constexpr (!Memory::on_host)
            copy_ = std::const_pointer_cast<Parameters<T, Memory>>(on_device(backend, model));
    }
    Parameters<T, Memory>& operator*() {
        if constexpr (Memory::on_host)
            return *model_;
        else
            return *copy_;
    }
    /// Brings them into the model.
    void fetch() {
        if constexpr (!Memory::on_host) {
            backend_->download(copy_->dense.data(), model_->dense.size() * sizeof(T), model_->dense.data());
            backend_->download(copy_->tables.data(), model_->tables.size() * sizeof(T),
                               model_->tables.data());
        }
    }

  private:
    const B* backend_;
    Parameters<T>* model_;
    std::shared_ptr<Parameters<T, Memory>> copy_;
};

template <class B>
auto adam_on(const B& backend, const ParameterList& list, const AdamSettings& settings) {
    if constexpr (B::Memory::on_host)
        return Adam<typename B::Scalar>(list, settings);
    else
        return DeviceAdam<B>(backend, list, settings);
}

/// Lays out what a shard is to learn.
template <class B, class Network>
void prepare(const Model<Network>& model, std::span<const Request> requests,
             std::span<const std::size_t> which, std::uint64_t key, int turn, ShardRoom<B>& room) {
    using Target = typename Network::template policy<target::kind_tag, target::Set>;
    constexpr Spec spec = Network::spec;
    room.requests.clear();
    for (const std::size_t i : which) room.requests.push_back(requests[i]);
    room.lessons[turn].prepare(model.encoder, room.requests, spec.slots, spec.block, rng::derive(key, 1),
                               Target{});
}

/// Loss and gradient of one shard.
template <class B, class Network>
void learn(const B& backend, const Model<Network>& model,
           const Parameters<typename B::Scalar, typename B::Memory>& parameters,
           const TrainSettings& settings, const LossWeights& weights, std::uint64_t key, int turn,
           ShardRoom<B>& room) {
    using T = typename B::Scalar;
    room.arena.reset();
    backend.fill(room.dense_grad.data(), static_cast<int>(room.dense_grad.size()), T(0));
    room.lesson = room.lessons[turn].view();
    const Lesson<T> lesson = on_device(backend, room.lesson, room.arena);
    Tape<B> tape(backend, parameters, lesson.in.layout, room.arena, room.dense_grad.data(),
                 {settings.dropout, key});
    const auto loss = joint_loss(tape, model.network, parameters, lesson.in, lesson.prefix, lesson.labels,
                                 weights, room.imitation);
    tape.backward(loss.total, T(1));
    room.sparse = tape.sparse_gradients();
    const auto sum = [&](const auto& v) { return total(tape.workspace(), v); };
    room.sums = {sum(loss.total), sum(loss.teacher), sum(loss.supervised), sum(loss.distilled), 0};
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
    for (auto& room : rooms) room.dense_grad = Buffer<T, typename B::Memory>(model.list.dense_size);
    const ParameterList learned = detail::learned_by<Network>(model.list);
    auto adam = detail::adam_on(backend, learned, settings.adam);
    detail::Moved<B> moved(backend, model.parameters);
    std::vector<std::size_t> order(requests.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key_of = [&](std::int64_t of_step, int s) {
        return rng::derive(rng::derive(settings.seed ^ 0xD509u, static_cast<std::uint64_t>(of_step)),
                           static_cast<std::uint64_t>(s));
    };
    const auto turn_of = [](std::int64_t of_step) {
        return B::Memory::on_host ? 0 : static_cast<int>(of_step % 2);
    };
    const auto lay_out = [&](std::int64_t of_step, int from, int s) {
        const int begin = from + s * shard, end = (std::min)({count, from + batch, begin + shard});
        if (begin >= end) return;
        detail::prepare<B>(model, requests,
                           std::span<const std::size_t>(order).subspan(static_cast<std::size_t>(begin),
                                                                       static_cast<std::size_t>(end - begin)),
                           key_of(of_step, s), turn_of(of_step), rooms[static_cast<std::size_t>(s)]);
    };
    const auto lay_out_all = [&](std::int64_t of_step, int from) {
        for (int s = 0; s < std::ssize(rooms); ++s) lay_out(of_step, from, s);
    };
    std::vector<T*> dense;
    std::vector<const SparseGradient<T>*> sparse;

    TrainReport report;
    Parameters<float> best = model.parameters;
    constexpr double none = -std::numeric_limits<double>::infinity();
    ValidationScore best_score{none, none};
    int stale = 0;
    std::future<void> next;
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
            if constexpr (!B::Memory::on_host) {  // the device works while the host lays out the next step
                if (next.valid())
                    next.get();
                else
                    lay_out_all(step, first);
                if (first + batch < count && step + 1 < last_step)
                    next = std::async(std::launch::async, lay_out_all, step + 1, first + batch);
            }
            backend.parallel(used, [&](int s) {
                if constexpr (B::Memory::on_host) lay_out(step, first, s);
                detail::learn(backend, model, *moved, settings, weights, key_of(step, s), turn_of(step),
                              rooms[static_cast<std::size_t>(s)]);
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
            record.gradient_norm = adam.step(backend, *moved, std::span<T* const>(dense),
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

        moved.fetch();
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
