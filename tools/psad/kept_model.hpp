// What a training leaves behind while it goes on: the best model so far, and its report.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "best_feature_note.hpp"
#include "inputs.hpp"
#include "options.hpp"
#include "output.hpp"
#include "peak_memory.hpp"
#include "psad/eval/best_feature.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/train/fit.hpp"
#include "stop_notice.hpp"

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

/// Writes the model and the report that the options name, each as a whole or not at all.
template <class Network>
class KeptModel {
  public:
    KeptModel(const TrainOptions& options, const TrainingInputs& in, JsonValue objective)
        : options_(options), in_(in), objective_(std::move(objective)) {}

    /// Finds out whether there will be a place for such a model; throws FileError where there is none.
    void rehearse(const Model<Network>& model) {
        const train::WeighedLists valid(model.encoder, in_.lists.valid, options_.settings.min_propensity);
        by_feature_ = eval::best_feature(in_.lists.schema, in_.lists.catalog, valid.lists());
        shown_alike_ = objective_["exposure"].get<bool>() && model.encoder.exposure().empty();
        if (shown_alike_) objective_.set("exposure", false);
        save(model, model_file::Writing::rehearsal);
    }
    /// Takes the place of what was kept before. A place that is full by now is no reason to stop: finish() tries again.
    void keep(const Model<Network>& model, const train::Report& report) {
        try {
            is_written_ = false;
            save(model, model_file::Writing::file);
            said_ =
                fmt::format("{} holds the student of epoch {}", printable(options_.out), report.best_student_epoch + 1);
            StopNotice::say("psad: stopped by a signal: " + said_);
            write_json(options_.json, report_of(model, report));
            is_written_ = true;
        } catch (const FileError& e) {
            if (said_.empty()) throw;
            print_error(fmt::format("psad: note: {}; {}", one_line(e.what()), said_));
        }
    }
    /// At the end; throws FileError where the model or the report cannot be written.
    void finish(const Fitted<Network>& fitted) {
        if (!is_written_) save(fitted.model, model_file::Writing::file);
        write_json(options_.json, report_of(fitted.model, fitted.report));
    }

    /// "FILE holds the student of epoch 3"; empty before the first.
    const std::string& said() const { return said_; }
    const std::optional<eval::FeatureOrder>& by_feature() const { return by_feature_; }
    /// Lists say what was shown where, and nothing tells what that did.
    bool shown_alike() const { return shown_alike_; }

  private:
    void save(const Model<Network>& model, model_file::Writing writing) const {
        model_file::save(options_.out, model, options_.variant,
                         options_.student_only ? model_file::Parts::student : model_file::Parts::all,
                         in_.names ? &*in_.names : nullptr, best_feature_note(by_feature_), writing);
    }
    JsonValue report_of(const Model<Network>& model, const train::Report& report) const {
        const train::Settings settings = train::chosen(options_.settings, in_.lists.train.size());
        JsonValue out = report_json(options_, settings, report, HasTeacher<Network>);
        out.set("objective", objective_);
        out.set("exposure", exposure_json(model.encoder));
        out.set("peak_memory_bytes", peak_memory());
        return out;
    }

    const TrainOptions& options_;
    const TrainingInputs& in_;
    JsonValue objective_;
    std::optional<eval::FeatureOrder> by_feature_;
    std::string said_;
    bool is_written_ = false, shown_alike_ = false;
};

}  // namespace psad::cli
