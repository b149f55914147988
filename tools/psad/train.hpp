// psad train for one network on one device.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "best_feature_note.hpp"
#include "inputs.hpp"
#include "kept_model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "peak_memory.hpp"
#include "print_encoder.hpp"
#include "psad/eval/best_feature.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/train/fit.hpp"
#include "stop_notice.hpp"
#include "training_hooks.hpp"

namespace psad::cli {

using model_file::JsonValue;

/// What is learned from which labels. Nothing but the variant and the columns that a schema names decides it.
template <class Network>
JsonValue objective_json(const TrainingInputs& in, const train::Settings& settings) {
    namespace detail = joint_loss_detail;
    JsonValue out = JsonValue::object();
    if constexpr (HasTeacher<Network>)
        out.set("teacher", Network::template policy<target::kind_tag, target::Set>::name);
    if constexpr (HasStudent<Network>) out.set("student", detail::StudentLoss<Network>::name);
    const auto some = [&](auto has) { return std::ranges::any_of(in.lists.train, has); };
    std::string labels =
        some([](const Request& r) { return !r.gains.empty(); }) ? "gains" : "grades, worth 2^grade - 1";
    if (in.names) {
        const GainRule& rule = in.names->schema.gain;
        if (!rule.grade.empty()) labels = "grades of " + rule.grade + ", worth 2^grade - 1";
        if (!rule.gain.empty()) labels = "gains of " + rule.gain;
        if (!rule.kinds.empty()) {
            labels.clear();
            for (const auto& [kind, worth] : rule.kinds)
                labels += fmt::format("{}{} worth {}", labels.empty() ? "" : ", ", kind, worth);
        }
    }
    out.set("labels", labels);
    if (in.names && !in.names->schema.teacher_score.empty()) out.set("teacher_scores", in.names->schema.teacher_score);
    out.set("list_weights", some([](const Request& r) { return r.weight != 1; }));
    const bool given = some([](const Request& r) { return !r.propensities.empty(); });
    out.set("propensities", given);
    out.set("exposure",
            in.lists.shown && !given && (settings.position_effects == 1 || settings.neighbour_effects == 1));
    return out;
}
inline void print_objective(const JsonValue& objective) {
    const auto text = [&](const char* key) { return objective[key].get<std::string>(); };
    print("learns from {}{}{}", printable(text("labels")),
          objective["list_weights"].get<bool>() ? ", weighted by list" : "",
          objective["propensities"].get<bool>() ? ", divided by propensities"
          : objective["exposure"].get<bool>()   ? ", less what the page where they were shown did to them (below)"
                                                : "");
    if (objective.contains("teacher")) print("; teacher: {}", text("teacher"));
    if (objective.contains("student")) print("; student: {}", text("student"));
    if (objective.contains("teacher_scores")) print("; another teacher: {}", printable(text("teacher_scores")));
    print("\n");
}

inline void print_passes(const train::Settings& chosen, std::size_t lists) {
    if (chosen.steps > 0)
        print("{} steps", chosen.steps);
    else
        print("{} epochs in steps", chosen.epochs);
    print(" of {} lists, patience {}, weight decay {:.3g}\n", (std::min)(lists, static_cast<std::size_t>(chosen.batch)),
          chosen.patience, chosen.weight_decay);
}

/// What the validation NDCG of a model is to be held against.
inline void print_baselines(std::span<const Request> valid, const std::optional<eval::FeatureOrder>& by_feature) {
    std::vector<eval::Order> orders;
    for (const Request& r : valid) orders.push_back(eval::initial_order(r));
    print("without a model, validation NDCG@10: initial order {:.4f}",
          eval::mean(eval::ranking_quality(valid, orders).ndcg10));
    if (by_feature)
        print(", best single feature {:.4f} ({}, {} first)", by_feature->ndcg10, printable(by_feature->name),
              by_feature->direction > 0 ? "largest" : "smallest");
    print("\n");
}

/// A training that fails says what it leaves behind.
template <class Network, class Fit>
Fitted<Network> fit_and_keep(Fit fit, const TrainingLists& lists, const TrainOptions& o, TrainingHooks<Network>& hooks,
                             const KeptModel<Network>& kept) {
    try {
        return fit(lists, o.settings, o.encoding, hooks);
    } catch (const TrainingError& e) {
        hooks.clear();
        if (kept.said().empty()) throw;
        throw TrainingError(e.source(), e.place(), e.found(), e.wanted() + "; " + kept.said());
    }
}

/// Trains a model and saves it; fit(lists, settings, encoding, hooks) does the training.
template <class Network, class Fit>
void train_with(const TrainOptions& o, Fit fit) {
    check_writable(o.out);
    check_writable(o.json);
    StopNotice::say("psad: stopped by a signal: no epoch was done, nothing was written");
    if (!(HasTeacher<Network> && HasStudent<Network>)&&!o.of_teacher.empty())
        throw SettingError("--" + o.of_teacher, "", "a variant without a teacher", "one that distils");
    const TrainingInputs in = read_training(o);
    print("{}: {} training lists, {} validation lists\n", in.lists.name, in.lists.train.size(), in.lists.valid.size());
    JsonValue objective = objective_json<Network>(in, o.settings);
    print_objective(objective);
    print_passes(train::chosen(o.settings, in.lists.train.size()), in.lists.train.size());
    KeptModel<Network> kept(o, in, std::move(objective));
    using Hooks = TrainingHooks<Network>;
    Hooks hooks([&](const Model<Network>& model, const train::Report& report, typename Hooks::Try only_try) {
        if (only_try == Hooks::Try::yes)
            kept.rehearse(model);
        else
            kept.keep(model, report);
    });
    const Fitted<Network> fitted = fit_and_keep<Network>(fit, in.lists, o, hooks, kept);
    hooks.clear();
    kept.finish(fitted);
    const train::Settings settings = train::chosen(o.settings, in.lists.train.size());
    const train::WeighedLists valid(fitted.model.encoder, in.lists.valid, o.settings.min_propensity);
    const train::Report& report = fitted.report;
    print_encoder(fitted.model.encoder, o.encoding, report.encoded);
    print_exposure(fitted.model.encoder, o.settings.min_propensity);
    if (kept.shown_alike()) print("nothing tells what the page did to feedback: it is taken as it is\n");
    if (const std::size_t features = fitted.model.encoder.candidates().features(); features > 1)
        print("{} features of candidates were {}whitened while training{}\n", features, report.whitened ? "" : "not ",
              report.whitened ? "" : ": there are fewer than 50 training lists a feature");
    print("kept the student of epoch {}", report.best_student_epoch + 1);
    if (HasTeacher<Network>) print(" and the teacher of epoch {}", report.best_teacher_epoch + 1);
    print("; {:.0f} lists/s; at most {} MB of memory; wrote {}\n", report.lists_per_second, peak_memory() / 1'000'000,
          o.out);
    const auto epochs = static_cast<int>(report.epochs.size());
    if (settings.steps == 0 ? epochs < settings.epochs : report.epochs.back().step < settings.steps) {
        print("stopped after {} of {}: in {} epochs no better validation score (--patience)\n",
              settings.steps == 0 ? fmt::to_string(epochs) : fmt::to_string(report.epochs.back().step),
              settings.steps == 0 ? fmt::format("{} epochs", settings.epochs) : fmt::format("{} steps", settings.steps),
              settings.patience);
    }
    print_baselines(valid.lists(), kept.by_feature());
    if (report.diverged())
        print_error(
            fmt::format("psad: note: the loss rose from {:.3g} in the first step to {:.3g} in the last epoch: "
                        "the training diverged, a smaller --learning-rate may not",
                        report.steps.front().loss, report.epochs.back().mean.loss));
}

template <class Network, class B>
void train_on(const B& backend, const TrainOptions& o) {
    train_with<Network>(
        o, [&](const TrainingLists& lists, const train::Settings& settings, const EncoderSettings& encoding,
               TrainingHooks<Network>& hooks) { return fit<Network>(backend, lists, settings, encoding, hooks); });
}

/// Calls f(Variant{}) for the variant of a device beyond the CPU that the options name.
template <class Variants, class F>
void visit_device_variant(const TrainOptions& o, F f) {
    if (!Variants::has(o.variant))
        throw SettingError("--variant", "", o.variant + " on " + o.device, "one of " + Variants::names());
    Variants::visit(o.variant, f);
}

}  // namespace psad::cli
