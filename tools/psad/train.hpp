// psad train for one network on one device.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "options.hpp"
#include "output.hpp"
#include "print_encoder.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/train/fit.hpp"
#include "show_progress.hpp"

namespace psad::cli {

/// Adds all settings of a struct to a JSON object.
template <class Settings>
void add_settings(const Settings& settings, nlohmann::json& to) {
    Settings::for_each_setting([&](const Setting& s, const auto& value) { to[s.name] = value; }, settings);
}

inline nlohmann::json report_json(const TrainOptions& o, const train::Report& report, bool has_teacher) {
    nlohmann::json losses = nlohmann::json::array(), valid = nlohmann::json::array();
    for (const train::StepRecord& step : report.steps) losses.push_back(step.loss);
    for (const train::EpochRecord& epoch : report.epochs) {
        valid.push_back({{"epoch", epoch.epoch},
                         {"step", epoch.step},
                         {"loss", epoch.loss},
                         {"student_ndcg@10", epoch.valid.student}});
        if (has_teacher) valid.back()["teacher_ndcg@10"] = epoch.valid.teacher;
    }
    nlohmann::json settings{{"data", o.data}, {"variant", o.variant}, {"device", o.device}};
    add_settings(o.settings, settings);
    add_settings(o.encoding, settings);
    nlohmann::json out{{"losses", losses},
                       {"valid", valid},
                       {"lists_per_second", report.lists_per_second},
                       {"best_student_epoch", report.best_student_epoch},
                       {"settings", settings}};
    if (has_teacher) out["best_teacher_epoch"] = report.best_teacher_epoch;
    return out;
}

/// Trains a model and saves it; fit(dataset, settings, encoding, hooks) does the training.
template <class Network, class Fit>
void train_with(const TrainOptions& o, Fit fit) {
    const data::Dataset dataset = data::read_lists(o.data);
    check_writable(o.out);
    check_writable(o.json);
    fmt::print("{}: {} training lists, {} validation lists\n", dataset.meta.name, dataset.train.size(),
               dataset.valid.size());
    ShowProgress hooks(HasTeacher<Network>);
    const Fitted<Network> fitted = fit(dataset, o.settings, o.encoding, hooks);
    hooks.clear();
    model_file::save(o.out, fitted.model, o.variant,
                     o.student_only ? model_file::Parts::student : model_file::Parts::all);
    const train::Report& report = fitted.report;
    print_encoder(fitted.model.encoder, o.encoding, report.encoded);
    fmt::print("kept the student of epoch {}", report.best_student_epoch + 1);
    if (HasTeacher<Network>) fmt::print(" and the teacher of epoch {}", report.best_teacher_epoch + 1);
    fmt::print("; {:.0f} lists/s; wrote {}\n", report.lists_per_second, o.out);
    if (o.settings.steps == 0 && static_cast<int>(report.epochs.size()) < o.settings.epochs) {
        fmt::print("stopped after {} of {} epochs: in {} no better validation score (--patience)\n",
                   report.epochs.size(), o.settings.epochs, o.settings.patience);
    }
    write_json(o.json, report_json(o, report, HasTeacher<Network>));
}

template <class Network, class B>
void train_on(const B& backend, const TrainOptions& o) {
    train_with<Network>(
        o, [&](const data::Dataset& dataset, const train::Settings& settings, const EncoderSettings& encoding,
               ShowProgress& hooks) { return fit<Network>(backend, dataset, settings, encoding, hooks); });
}

/// Calls f(Variant{}) for the variant of a device beyond the CPU that the options name.
template <class Variants, class F>
void visit_device_variant(const TrainOptions& o, F f) {
    if (!Variants::has(o.variant))
        throw SettingError("--variant", "", o.variant + " on " + o.device, "one of " + Variants::names());
    Variants::visit(o.variant, f);
}

}  // namespace psad::cli
