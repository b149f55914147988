/// \file trainer.hpp
/// Teacher and student trained at the same time. A batch is cut into shards of a fixed size, each with a tape of its
/// own; their gradients are added in a fixed order, so one seed gives the same bits on any number of threads.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "psad/autograd/tape.hpp"
#include "psad/core/error.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/averaged_parameters.hpp"
#include "psad/train/bag.hpp"
#include "psad/train/batch_pipeline.hpp"
#include "psad/train/best_parameters.hpp"
#include "psad/train/device_parameters.hpp"
#include "psad/train/hooks.hpp"
#include "psad/train/joint_loss.hpp"
#include "psad/train/optimizer.hpp"
#include "psad/train/schedule.hpp"
#include "psad/train/settings.hpp"
#include "psad/train/shard_gradients.hpp"
#include "psad/train/teacher_scores.hpp"

namespace psad::inline PSAD_ABI::train {

namespace trainer_detail {

/// All parameters but those of a frozen teacher.
template <class Network>
ParameterRegistry trainable(ParameterRegistry registry) {
    if constexpr (HasFrozenTeacher<Network>)
        std::erase_if(registry.parameters, [](const ParameterInfo& p) { return p.part == Part::teacher; });
    return registry;
}

template <class W, class V>
double sum(const W& workspace, const V& v) {
    const auto* numbers = workspace.on_host(v.data, static_cast<std::size_t>(v.rows));
    double total = 0;
    for (int l = 0; l < v.rows; ++l) total += static_cast<double>(numbers[l]);
    return total;
}

}  // namespace trainer_detail

/// How far a training is: with the parameters, Trainer::optimizer(), averaged() and best() all that its next step
/// depends on.
struct State {
    std::int64_t step = 0;  ///< steps made
    int epoch = 0;
    int next_list = 0;               ///< first list of the next batch, in the order of the epoch
    std::vector<std::size_t> order;  ///< of the lists in this epoch
    StepRecord epoch_sum{};          ///< over the steps of the epoch
    int epoch_steps = 0;
    bool stopped = false;  ///< by a hook, or by patience
    Report report;
    std::int64_t lists = 0;                    ///< trained on so far
    std::chrono::duration<double> seconds{0};  ///< spent on that
};

/// Trains step by step: step() until epoch_done(), then end_epoch(); or epoch() for all of that. Everything is borrowed
/// and must outlive the trainer. Until finish() only the trainer may use `model`, but for setting its parameters before
/// parameters().upload().
template <class B, class Network, class Rule = AdamW>
class Trainer {
    using T = typename B::Scalar;
    static_assert(std::is_same_v<T, float>, "psad: a Model holds float; train on a backend of float");

  public:
    /// Throws SettingError for settings out of range or a model whose encoder has changed, RequestError for a list that
    /// Encoder::check refuses or that lacks labels.
    Trainer(const B& backend, Model<Network>& model, std::span<const Request> requests, const Settings& settings,
            const Rule& rule = {})
        : backend_(backend),
          model_(model),
          settings_(checked(settings, rule, model, requests)),
          count_(static_cast<int>(requests.size())),
          // No larger than the data: the same steps, and no sum overflows.
          batch_((std::min)(settings_.batch, count_)),
          shard_((std::min)(settings_.shard, batch_)),
          trainable_(trainer_detail::trainable<Network>(model.registry)),
          parameters_(backend, model.parameters),
          optimizer_(backend, trainable_, rule),
          averaged_{.parameters = model.parameters},
          best_{.parameters = model.parameters},
          shards_(static_cast<std::size_t>((batch_ - 1) / shard_ + 1)),
          gradients_(model.registry.dense_size, shards_.size()),
          bag_(backend, model.encoder.input_sizes(), settings_.bag - 1, shards_.size(), settings.seed, rule),
          pipeline_(backend, model.encoder, requests, shard_, static_cast<int>(shards_.size()), settings.seed,
                    {mean_weight(requests), settings.min_propensity, settings.unknown_rate,
                     teacher_scale(requests, LearnsFromLogits<Network>)}) {
        state_.order.resize(requests.size());
        std::iota(state_.order.begin(), state_.order.end(), std::size_t{0});
    }

    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    /// Number of steps of the whole training.
    std::int64_t total_steps() const {
        return settings_.steps > 0 ? settings_.steps : epoch_steps() * settings_.epochs;
    }
    /// Number of steps of an epoch that is not cut short.
    std::int64_t epoch_steps() const { return (count_ - 1) / batch_ + 1; }
    /// Whether there is another step to make, or an epoch to end.
    bool running() const { return !state_.stopped && (state_.step < total_steps() || state_.epoch_steps > 0); }
    /// Whether the epoch has no further step.
    bool epoch_done() const { return state_.next_list >= count_ || state_.step >= total_steps(); }

    /// One step on the next batch of the epoch, which must not be done. Throws TrainingError for a loss or a gradient
    /// that is not finite.
    StepRecord step() {
        assert(!epoch_done());
        const auto start = std::chrono::steady_clock::now();
        if (state_.next_list == 0)
            rng::shuffle(state_.order, rng::derive(settings_.seed, static_cast<std::uint64_t>(state_.epoch)));
        const BatchRange batch = range(state_.step, state_.next_list);
        const bool more = state_.next_list + batch_ < count_ && state_.step + 1 < total_steps();
        const LossWeights weights = weights_now();
        pipeline_.run(batch, more ? range(state_.step + 1, state_.next_list + batch_) : BatchRange{}, state_.order,
                      [&](int s, const TrainingBatch<T>& part, std::uint64_t key) {
                          forward_backward(static_cast<std::size_t>(s), part, weights, key);
                      });
        const StepRecord record = update(batch);
        if (!std::isfinite(record.loss) || !std::isfinite(record.gradient_norm)) {
            throw TrainingError("training", "step " + std::to_string(state_.step),
                                "a loss or a gradient that is not finite",
                                "a smaller learning rate, or weights and a temperature nearer to 1");
        }
        state_.report.steps.push_back(record);
        state_.epoch_sum.add(record, 1);
        ++state_.epoch_steps;
        state_.lists += batch.lists;
        state_.next_list += batch_;
        ++state_.step;
        averaged_.follow(state_.step, settings_.average, epoch_steps(), [&]() -> const Parameters<float>& {
            parameters_.download();
            return model_.parameters;
        });
        state_.seconds += std::chrono::steady_clock::now() - start;
        return record;
    }

    /// Ends an epoch of at least one step: `validate(model)`, a ValidationScore of the averaged parameters, decides
    /// whether the parts are better than in all earlier epochs. Throws TrainingError for a score that is not finite.
    template <class Validate>
    EpochRecord end_epoch(Validate&& validate) {
        assert(state_.epoch_steps > 0);
        EpochRecord record{.epoch = state_.epoch, .step = state_.step};
        model();
        if (averaged_.copies == 0) averaged_.parameters = model_.parameters;
        const Exchanged exchanged(model_.parameters, averaged_.parameters);
        record.valid = validate(std::as_const(model_));
        record.mean.add(state_.epoch_sum, 1.0 / state_.epoch_steps);
        if (!std::isfinite(record.valid.student) || !std::isfinite(record.valid.teacher)) {
            throw TrainingError("training", "epoch " + std::to_string(state_.epoch),
                                "a validation score that is not finite", "numbers that can choose the epoch to keep");
        }
        best_.update(model_.registry, model_.parameters, state_.epoch, record.valid);
        state_.report.epochs.push_back(record);
        state_.report.best_student_epoch = best_.student_epoch;
        state_.report.best_teacher_epoch = best_.teacher_epoch;
        if (settings_.patience > 0 && best_.epochs_without_improvement >= settings_.patience) state_.stopped = true;
        ++state_.epoch;
        state_.next_list = state_.epoch_steps = 0;
        state_.epoch_sum = {};
        return record;
    }

    /// The rest of the epoch, with its validation and hooks. Hooks must have one of on_step and on_epoch.
    template <class Validate, class Hooks = NoHooks>
    EpochRecord epoch(Validate&& validate, Hooks&& hooks = {}) {
        constexpr bool sees_steps = requires(const StepRecord& record) {
            hooks.on_step(*this, record);
        };
        constexpr bool sees_epochs = requires(const EpochRecord& record) {
            hooks.on_epoch(*this, record);
        };
        static_assert(sees_steps || sees_epochs || std::is_same_v<std::remove_cvref_t<Hooks>, NoHooks>,
                      "psad: hooks that hook nothing; wanted: bool or void on_step(auto& trainer, const "
                      "train::StepRecord&), on_epoch(auto& trainer, const train::EpochRecord&), or both");
        bool more = true;
        while (more && !epoch_done()) {
            [[maybe_unused]] const StepRecord record = step();
            if constexpr (sees_steps) more = trainer_detail::wants_more([&] { return hooks.on_step(*this, record); });
        }
        const EpochRecord record = end_epoch(validate);
        if constexpr (sees_epochs)
            more = trainer_detail::wants_more([&] { return hooks.on_epoch(*this, record); }) && more;
        if (!more) state_.stopped = true;
        return record;
    }

    /// Gives the model the best parameters of each part, or those of the last step where no epoch was ended. Throws
    /// TrainingError for a parameter that is not finite: no loss has seen the last update.
    Report finish() {
        if (state_.report.epochs.empty()) best_.parameters = model().parameters;
        check_finite(model_.registry, best_.parameters);
        model_.parameters = best_.parameters;
        parameters_.upload();
        model_.generation.renew();
        Report report = state_.report;
        if (state_.lists > 0) report.lists_per_second = static_cast<double>(state_.lists) / state_.seconds.count();
        return report;
    }

    /// The model with the parameters of the last step. From a device with memory of its own they are copied now.
    const Model<Network>& model() {
        parameters_.download();
        model_.generation.renew();
        return model_;
    }
    const Settings& settings() const { return settings_; }

    // What a checkpoint holds besides the model's parameters, which go to the device by parameters().upload().
    /// How far the training is.
    const State& state() const { return state_; }
    /// Goes on from another state, also of another trainer with the same settings and requests. Throws SettingError for
    /// one of other lists, and where a bag is trained, of which it holds nothing.
    void restore(State state) {
        if (settings_.bag > 1) {
            throw SettingError("training", "bag", std::to_string(settings_.bag) + " teachers",
                               "1 in a training that is taken up again");
        }
        std::vector<std::size_t> sorted = state.order;
        std::ranges::sort(sorted);
        bool whole = sorted.size() == state_.order.size() && state.next_list >= 0;
        for (std::size_t i = 0; i < sorted.size() && whole; ++i) whole = sorted[i] == i;
        if (!whole) {
            throw SettingError("training", "state", "an order of " + std::to_string(sorted.size()) + " lists",
                               "each of the " + std::to_string(count_) + " lists once");
        }
        state_ = std::move(state);
        pipeline_.discard();
    }
    /// The moments of the update rule and the number of its steps.
    Optimizer<B, Rule>& optimizer() { return optimizer_; }
    /// The mean of the parameters over the last steps.
    AveragedParameters& averaged() { return averaged_; }
    /// The parameters to keep, and how good they were.
    BestParameters<Network>& best() { return best_; }
    /// The parameters where the device reads them.
    DeviceParameters<B>& parameters() { return parameters_; }

  private:
    /// The memory of one shard, reused over the steps.
    struct Shard {
        Arena<typename B::Memory> arena;
        GreedyTargets<T> greedy_targets;
        StepRecord sums{};  ///< over the lists of the shard
    };

    /// The settings, if all that the constructor asks for holds.
    static Settings checked(const Settings& settings, const Rule& rule, const Model<Network>& model,
                            std::span<const Request> requests) {
        check(settings, requests.size());
        check_sizes(model);
        if constexpr (requires { Rule::for_each_setting([](auto&&...) {}, rule); })
            check_settings("training settings", rule);
        for (const Request& r : requests) {
            model.encoder.check_one_of_many(r);
            check_feedback(r);
        }
        return chosen(settings, requests.size());
    }

    BatchRange range(std::int64_t step, int first) const { return {step, first, (std::min)(batch_, count_ - first)}; }

    /// Fraction of the training after so many steps.
    double progress(std::int64_t steps) const {
        return static_cast<double>(steps) / static_cast<double>(total_steps());
    }

    LossWeights weights_now() const {
        const double ramp = schedule::ramp(progress(state_.step), settings_.distill_from, settings_.distill_full);
        return {settings_.student_weight, settings_.distillation * ramp, settings_.temperature};
    }

    /// Loss and gradient of one shard.
    void forward_backward(std::size_t s, const TrainingBatch<T>& host, const LossWeights& weights, std::uint64_t key) {
        Shard& shard = shards_[s];
        shard.arena.reset();
        const TrainingBatch<T> batch = on_device(backend_, host, shard.arena);
        const DropoutDraw dropout{settings_.dropout, key};
        std::span<const T* const> of_bag;
        if constexpr (LearnsFromLogits<Network>) of_bag = bag_.forward_backward(s, batch, dropout, shard.arena);
        Tape<B> tape(backend_, *parameters_, batch.in.layout, shard.arena, gradients_.zeroed(backend_, s), dropout);
        const auto loss = joint_loss(tape, model_.network, *parameters_, batch, weights, shard.greedy_targets, of_bag);
        tape.backward(loss.total, T(1));
        gradients_.set_sparse(s, tape.sparse_gradients());
        const auto sum = [&](const auto& v) { return trainer_detail::sum(tape.workspace(), v); };
        shard.sums = {sum(loss.total), sum(loss.teacher), sum(loss.student), sum(loss.distillation), 0};
    }

    /// New parameters from the gradients of the shards.
    StepRecord update(const BatchRange& batch) {
        const auto shards = static_cast<std::size_t>(pipeline_.shards(batch));
        const double scale = 1.0 / batch.lists;
        StepRecord record{};
        for (std::size_t s = 0; s < shards; ++s) record.add(shards_[s].sums, scale);
        const double factor = schedule::warm_cosine(progress(state_.step + 1), settings_.warmup);
        const typename Optimizer<B, Rule>::StepSettings step{settings_.learning_rate * factor, settings_.weight_decay,
                                                             settings_.clip};
        if constexpr (LearnsFromLogits<Network>) bag_.update(shards, scale, step);
        record.gradient_norm =
            optimizer_.step(backend_, *parameters_, gradients_.dense(shards), gradients_.sparse(shards), scale, step);
        return record;
    }

    const B& backend_;
    Model<Network>& model_;
    Settings settings_;
    int count_, batch_, shard_;
    ParameterRegistry trainable_;
    DeviceParameters<B> parameters_;
    Optimizer<B, Rule> optimizer_;
    AveragedParameters averaged_;
    BestParameters<Network> best_;
    State state_;
    std::vector<Shard> shards_;
    ShardGradients<B> gradients_;
    BagOf<B, Network, Rule> bag_;
    BatchPipeline<B, Network> pipeline_;
};

/// Trains `model` on labelled requests. After each epoch `validate(model)`, a ValidationScore, decides: the teacher's
/// and the student's parameters are each kept from their best epoch. Throws as Trainer does.
template <class B, class Network, class Validate, class Hooks = NoHooks, class Rule = AdamW>
Report train(const B& backend, Model<Network>& model, std::span<const Request> requests, const Settings& settings,
             Validate validate, Hooks&& hooks = {}, const Rule& rule = {}) {
    Trainer<B, Network, Rule> trainer(backend, model, requests, settings, rule);
    while (trainer.running()) trainer.epoch(validate, hooks);
    return trainer.finish();
}

}  // namespace psad::train
