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

/// Adds all settings of a struct to a JSON object.
template <class Settings>
void add_settings(const Settings& settings, JsonValue& to) {
    const auto add = [&](const Setting& s, const auto& value) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, float>)
            to.set(s.name, std::stod(fmt::format("{}", value)));  // 0.1, not the digits of the nearest float
        else
            to.set(s.name, value);
    };
    Settings::for_each_setting(add, settings);
}

inline JsonValue report_json(const TrainOptions& o, const train::Settings& chosen, const train::Report& report,
                             bool has_teacher) {
    JsonValue losses = JsonValue::array(), valid = JsonValue::array();
    for (const train::StepRecord& step : report.steps) losses.push_back(step.loss);
    for (const train::EpochRecord& epoch : report.epochs) {
        JsonValue& last = valid.push_back(JsonValue::object("epoch", epoch.epoch + 1, "step", epoch.step, "loss",
                                                            epoch.mean.loss, "student_ndcg@10", epoch.valid.student));
        if (!has_teacher) continue;
        last.set("teacher_ndcg@10", epoch.valid.teacher);
        last.set("parts", JsonValue::object("teacher", epoch.mean.teacher, "student", epoch.mean.student,
                                            "distillation", epoch.mean.distillation));
    }
    JsonValue settings =
        JsonValue::object("data", o.data, "train", o.train, "valid", o.valid, "items", o.tables.items, "users",
                          o.tables.users, "events", o.tables.events, "schema", o.schema, "valid_from", o.valid_from,
                          "test_from", o.test_from, "variant", o.variant, "device", o.device);
    add_settings(chosen, settings);
    add_settings(o.encoding, settings);
    JsonValue out = JsonValue::object("losses", losses, "valid", valid, "lists_per_second", report.lists_per_second,
                                      "best_student_epoch", report.best_student_epoch + 1, "whitened", report.whitened,
                                      "settings", settings);
    if (has_teacher) out.set("best_teacher_epoch", report.best_teacher_epoch + 1);
    return out;
}

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

/// Factors of the gain by position, and by the distance to an item above with the same value.
inline JsonValue exposure_json(const Encoder& encoder) {
    const Exposure& e = encoder.exposure();
    JsonValue positions = JsonValue::array(), neighbours = JsonValue::object();
    for (const float x : e.position) positions.push_back(std::exp(x));
    for (std::size_t k = 0; k < e.neighbours.size(); k += Exposure::reach) {
        JsonValue& of_field =
            neighbours.set(encoder.schema().item_fields[k / Exposure::reach].name, JsonValue::array());
        for (std::size_t d = 0; d < Exposure::reach; ++d) of_field.push_back(std::exp(e.neighbours[k + d]));
    }
    return JsonValue::object("positions", positions, "neighbours", neighbours);
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
                             const std::string& kept) {
    try {
        return fit(lists, o.settings, o.encoding, hooks);
    } catch (const TrainingError& e) {
        hooks.clear();
        if (kept.empty()) throw;
        throw TrainingError(e.source(), e.place(), e.found(), e.wanted() + "; " + kept);
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
    const train::Settings settings = train::chosen(o.settings, in.lists.train.size());
    std::optional<eval::FeatureOrder> by_feature;
    std::string kept;
    bool shown_alike = false;
    const auto report_of = [&](const Model<Network>& model, const train::Report& report) {
        JsonValue json = report_json(o, settings, report, HasTeacher<Network>);
        json.set("objective", objective);
        json.set("exposure", exposure_json(model.encoder));
        json.set("peak_memory_bytes", peak_memory());
        return json;
    };
    using Hooks = TrainingHooks<Network>;
    Hooks hooks([&](const Model<Network>& model, const train::Report& report, typename Hooks::Try only_try) {
        const bool rehearsal = only_try == Hooks::Try::yes;
        if (rehearsal) {
            const train::WeighedLists valid(model.encoder, in.lists.valid, o.settings.min_propensity);
            by_feature = eval::best_feature(in.lists.schema, in.lists.catalog, valid.lists());
            shown_alike = objective["exposure"].get<bool>() && model.encoder.exposure().empty();
            if (shown_alike) objective.set("exposure", false);
        }
        model_file::save(o.out, model, o.variant, o.student_only ? model_file::Parts::student : model_file::Parts::all,
                         in.names ? &*in.names : nullptr, best_feature_note(by_feature),
                         rehearsal ? model_file::Writing::rehearsal : model_file::Writing::file);
        if (rehearsal) return;
        kept = fmt::format("{} holds the student of epoch {}", o.out, report.best_student_epoch + 1);
        StopNotice::say("psad: stopped by a signal: " + kept);
        write_json(o.json, report_of(model, report));
    });
    const Fitted<Network> fitted = fit_and_keep<Network>(fit, in.lists, o, hooks, kept);
    hooks.clear();
    const train::WeighedLists valid(fitted.model.encoder, in.lists.valid, o.settings.min_propensity);
    const train::Report& report = fitted.report;
    print_encoder(fitted.model.encoder, o.encoding, report.encoded);
    print_exposure(fitted.model.encoder, o.settings.min_propensity);
    if (shown_alike) print("nothing tells what the page did to feedback: it is taken as it is\n");
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
    print_baselines(valid.lists(), by_feature);
    if (report.diverged())
        print_error(
            fmt::format("psad: note: the loss rose from {:.3g} in the first step to {:.3g} in the last epoch: "
                        "the training diverged, a smaller --learning-rate may not",
                        report.steps.front().loss, report.epochs.back().mean.loss));
    write_json(o.json, report_of(fitted.model, report));
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
