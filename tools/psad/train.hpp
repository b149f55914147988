// psad train for one network on one device.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
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
#include "show_progress.hpp"

namespace psad::cli {

/// Adds all settings of a struct to a JSON object.
template <class Settings>
void add_settings(const Settings& settings, nlohmann::json& to) {
    const auto add = [&](const Setting& s, const auto& value) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, float>)
            to[s.name] = std::stod(fmt::format("{}", value));  // 0.1, not the digits of the nearest float
        else
            to[s.name] = value;
    };
    Settings::for_each_setting(add, settings);
}

inline nlohmann::json report_json(const TrainOptions& o, const train::Settings& chosen, const train::Report& report,
                                  bool has_teacher) {
    nlohmann::json losses = nlohmann::json::array(), valid = nlohmann::json::array();
    for (const train::StepRecord& step : report.steps) losses.push_back(step.loss);
    for (const train::EpochRecord& epoch : report.epochs) {
        valid.push_back({{"epoch", epoch.epoch + 1},
                         {"step", epoch.step},
                         {"loss", epoch.mean.loss},
                         {"student_ndcg@10", epoch.valid.student}});
        if (!has_teacher) continue;
        valid.back()["teacher_ndcg@10"] = epoch.valid.teacher;
        valid.back()["parts"] = {{"teacher", epoch.mean.teacher},
                                 {"student", epoch.mean.student},
                                 {"distillation", epoch.mean.distillation}};
    }
    nlohmann::json settings{{"data", o.data},          {"train", o.train},           {"valid", o.valid},
                            {"items", o.tables.items}, {"users", o.tables.users},    {"events", o.tables.events},
                            {"schema", o.schema},      {"valid_from", o.valid_from}, {"test_from", o.test_from},
                            {"variant", o.variant},    {"device", o.device}};
    add_settings(chosen, settings);
    add_settings(o.encoding, settings);
    nlohmann::json out{{"losses", losses},
                       {"valid", valid},
                       {"lists_per_second", report.lists_per_second},
                       {"best_student_epoch", report.best_student_epoch + 1},
                       {"whitened", report.whitened},
                       {"settings", settings}};
    if (has_teacher) out["best_teacher_epoch"] = report.best_teacher_epoch + 1;
    return out;
}

/// What is learned from which labels. Nothing but the variant and the columns that a schema names decides it.
template <class Network>
nlohmann::json objective_json(const TrainingInputs& in, const train::Settings& settings) {
    namespace detail = joint_loss_detail;
    nlohmann::json out;
    if constexpr (HasTeacher<Network>) out["teacher"] = Network::template policy<target::kind_tag, target::Set>::name;
    if constexpr (HasStudent<Network>) out["student"] = detail::StudentLoss<Network>::name;
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
    out["labels"] = labels;
    if (in.names && !in.names->schema.teacher_score.empty()) out["teacher_scores"] = in.names->schema.teacher_score;
    out["list_weights"] = some([](const Request& r) { return r.weight != 1; });
    const bool given = some([](const Request& r) { return !r.propensities.empty(); });
    out["propensities"] = given;
    out["exposure"] = in.lists.shown && !given && (settings.position_effects == 1 || settings.neighbour_effects == 1);
    return out;
}
inline void print_objective(const nlohmann::json& objective) {
    const auto text = [&](const char* key) { return objective[key].get<std::string>(); };
    fmt::print("learns from {}{}{}", printable(text("labels")), objective["list_weights"] ? ", weighted by list" : "",
               objective["propensities"] ? ", divided by propensities"
               : objective["exposure"]   ? ", less what the page where they were shown did to them (below)"
                                         : "");
    if (objective.contains("teacher")) fmt::print("; teacher: {}", text("teacher"));
    if (objective.contains("student")) fmt::print("; student: {}", text("student"));
    if (objective.contains("teacher_scores")) fmt::print("; another teacher: {}", printable(text("teacher_scores")));
    fmt::print("\n");
}

/// Factors of the gain by position, and by the distance to an item above with the same value.
inline nlohmann::json exposure_json(const Encoder& encoder) {
    const Exposure& e = encoder.exposure();
    nlohmann::json out{{"positions", nlohmann::json::array()}, {"neighbours", nlohmann::json::object()}};
    for (const float x : e.position) out["positions"].push_back(std::exp(x));
    for (std::size_t k = 0; k < e.neighbours.size(); ++k)
        out["neighbours"][encoder.schema().item_fields[k / Exposure::reach].name].push_back(std::exp(e.neighbours[k]));
    return out;
}

inline void print_passes(const train::Settings& chosen, std::size_t lists) {
    if (chosen.steps > 0)
        fmt::print("{} steps", chosen.steps);
    else
        fmt::print("{} epochs in steps", chosen.epochs);
    fmt::print(" of {} lists, patience {}, weight decay {:.3g}\n",
               (std::min)(lists, static_cast<std::size_t>(chosen.batch)), chosen.patience, chosen.weight_decay);
}

/// What the validation NDCG of a model is to be held against.
inline void print_baselines(std::span<const Request> valid, const std::optional<eval::FeatureOrder>& by_feature) {
    std::vector<eval::Order> orders;
    for (const Request& r : valid) orders.push_back(eval::initial_order(r));
    fmt::print("without a model, validation NDCG@10: initial order {:.4f}",
               eval::mean(eval::ranking_quality(valid, orders).ndcg10));
    if (by_feature)
        fmt::print(", best single feature {:.4f} ({}, {} first)", by_feature->ndcg10, printable(by_feature->name),
                   by_feature->direction > 0 ? "largest" : "smallest");
    fmt::print("\n");
}

/// Trains a model and saves it; fit(lists, settings, encoding, hooks) does the training.
template <class Network, class Fit>
void train_with(const TrainOptions& o, Fit fit) {
    check_writable(o.out);
    check_writable(o.json);
    if (!(HasTeacher<Network> && HasStudent<Network>)&&!o.of_teacher.empty())
        throw SettingError("--" + o.of_teacher, "", "a variant without a teacher", "one that distils");
    const TrainingInputs in = read_training(o);
    fmt::print("{}: {} training lists, {} validation lists\n", in.lists.name, in.lists.train.size(),
               in.lists.valid.size());
    nlohmann::json objective = objective_json<Network>(in, o.settings);
    print_objective(objective);
    print_passes(train::chosen(o.settings, in.lists.train.size()), in.lists.train.size());
    ShowProgress hooks(HasTeacher<Network>);
    const Fitted<Network> fitted = fit(in.lists, o.settings, o.encoding, hooks);
    hooks.clear();
    const train::WeighedLists valid(fitted.model.encoder, in.lists.valid, o.settings.min_propensity);
    const auto by_feature = eval::best_feature(in.lists.schema, in.lists.catalog, valid.lists());
    model_file::save(o.out, fitted.model, o.variant,
                     o.student_only ? model_file::Parts::student : model_file::Parts::all,
                     in.names ? &*in.names : nullptr, best_feature_note(by_feature));
    const train::Report& report = fitted.report;
    const train::Settings settings = train::chosen(o.settings, in.lists.train.size());
    print_encoder(fitted.model.encoder, o.encoding, report.encoded);
    print_exposure(fitted.model.encoder, o.settings.min_propensity);
    if (objective["exposure"] && fitted.model.encoder.exposure().empty()) {
        fmt::print("nothing tells what the page did to feedback: it is taken as it is\n");
        objective["exposure"] = false;
    }
    if (const std::size_t features = fitted.model.encoder.candidates().features(); features > 1)
        fmt::print("{} features of candidates were {}whitened while training{}\n", features,
                   report.whitened ? "" : "not ",
                   report.whitened ? "" : ": there are fewer than 50 training lists a feature");
    fmt::print("kept the student of epoch {}", report.best_student_epoch + 1);
    if (HasTeacher<Network>) fmt::print(" and the teacher of epoch {}", report.best_teacher_epoch + 1);
    fmt::print("; {:.0f} lists/s; at most {} MB of memory; wrote {}\n", report.lists_per_second,
               peak_memory() / 1'000'000, o.out);
    const auto epochs = static_cast<int>(report.epochs.size());
    if (settings.steps == 0 ? epochs < settings.epochs : report.epochs.back().step < settings.steps) {
        fmt::print(
            "stopped after {} of {}: in {} epochs no better validation score (--patience)\n",
            settings.steps == 0 ? fmt::to_string(epochs) : fmt::to_string(report.epochs.back().step),
            settings.steps == 0 ? fmt::format("{} epochs", settings.epochs) : fmt::format("{} steps", settings.steps),
            settings.patience);
    }
    print_baselines(valid.lists(), by_feature);
    nlohmann::json json = report_json(o, settings, report, HasTeacher<Network>);
    json["objective"] = objective;
    json["exposure"] = exposure_json(fitted.model.encoder);
    json["peak_memory_bytes"] = peak_memory();
    write_json(o.json, json);
}

template <class Network, class B>
void train_on(const B& backend, const TrainOptions& o) {
    train_with<Network>(
        o, [&](const TrainingLists& lists, const train::Settings& settings, const EncoderSettings& encoding,
               ShowProgress& hooks) { return fit<Network>(backend, lists, settings, encoding, hooks); });
}

/// Calls f(Variant{}) for the variant of a device beyond the CPU that the options name.
template <class Variants, class F>
void visit_device_variant(const TrainOptions& o, F f) {
    if (!Variants::has(o.variant))
        throw SettingError("--variant", "", o.variant + " on " + o.device, "one of " + Variants::names());
    Variants::visit(o.variant, f);
}

}  // namespace psad::cli
