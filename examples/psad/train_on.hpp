// psad train on any device.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "commands.hpp"
#include "progress.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/io/model_file.hpp"
#include "psad/train/fit.hpp"

namespace psad::cli {

inline TrainSettings settings_of(const TrainOptions& o) {
    TrainSettings s;
    o.learning.apply_to(s);
    s.steps = o.steps;
    s.seed = o.seed;
    s.shard = o.shard.value_or(o.device == "cuda" ? s.batch : s.shard);  // a card is fastest with all at once
    s.distillation = o.distillation.value_or(s.distillation);
    return s;
}

inline nlohmann::json report_json(const TrainOptions& o, const TrainSettings& s, const EncoderSettings& e,
                                  const TrainReport& report) {
    nlohmann::json losses = nlohmann::json::array(), valid = nlohmann::json::array();
    for (const StepRecord& step : report.steps) losses.push_back(step.loss);
    for (const EpochRecord& epoch : report.epochs) {
        valid.push_back({{"epoch", epoch.epoch},
                         {"step", epoch.step},
                         {"loss", epoch.loss},
                         {"student_ndcg@10", epoch.valid.student},
                         {"teacher_ndcg@10", epoch.valid.teacher}});
    }
    return {{"losses", losses},
            {"valid", valid},
            {"lists_per_second", report.lists_per_second},
            {"best_student_epoch", report.best_student_epoch},
            {"best_teacher_epoch", report.best_teacher_epoch},
            {"settings",
             {{"data", o.data},
              {"variant", o.variant},
              {"device", o.device},
              {"epochs", s.epochs},
              {"steps", s.steps},
              {"batch", s.batch},
              {"shard", s.shard},
              {"rate", s.adam.rate},
              {"weight_decay", s.adam.weight_decay},
              {"clip", s.adam.clip},
              {"warmup", s.warmup},
              {"dropout", s.dropout},
              {"supervised", s.supervised},
              {"distillation", s.distillation},
              {"distill_from", s.distill_from},
              {"distill_full", s.distill_full},
              {"temperature", s.temperature},
              {"patience", s.patience},
              {"seed", s.seed},
              {"max_history", e.max_history},
              {"min_count", e.min_count}}}};
}

/// Trains a model and saves it; fit(dataset, settings, encoding, hooks) does the training.
template <class Fit>
void train_with(const TrainOptions& o, Fit fit) {
    const TrainSettings settings = settings_of(o);
    const data::Dataset dataset = data::read_lists(o.data);
    check_writable(o.out);
    check_writable(o.json);
    const EncoderSettings encoding;
    fmt::print("{}: {} training lists, {} validation lists\n", dataset.meta.name, dataset.train.size(),
               dataset.valid.size());
    Progress progress;
    std::string valid = "valid -";
    TrainHooks hooks;
    hooks.on_step = [&](std::int64_t step, std::int64_t of, const StepRecord& record) {
        progress.show(step, of, fmt::format("loss {:.3f}  {}", record.loss, valid));
    };
    hooks.on_epoch = [&](const EpochRecord& e) {
        progress.clear();
        valid = fmt::format("valid {:.4f}", e.valid.student);
        fmt::print("epoch {:2}  step {:5}  loss {:.4f}  validation NDCG@10: student {:.4f}, teacher {:.4f}\n",
                   e.epoch + 1, e.step, e.loss, e.valid.student, e.valid.teacher);
        std::fflush(stdout);
    };
    const auto [model, report] = fit(dataset, settings, encoding, hooks);
    progress.clear();
    io::save(o.out, model, o.variant, o.student_only ? io::Keep::student : io::Keep::everything);
    fmt::print("kept the student of epoch {} and the teacher of epoch {}; {:.0f} lists/s; wrote {}\n",
               report.best_student_epoch + 1, report.best_teacher_epoch + 1, report.lists_per_second, o.out);
    write_json(o.json, report_json(o, settings, encoding, report));
}

/// The one of the Variants that the options name.
template <class Variants, class Fit>
void train_variant(const TrainOptions& o, Fit fit) {
    if (!Variants::has(o.variant)) {
        const std::string device = o.device == "cpu" ? "" : " on " + o.device;
        throw SettingError("--variant", "", o.variant + device, "one of " + Variants::names());
    }
    Variants::visit(o.variant, [&](auto variant) {
        train_with(o, [&](const auto&... given) { return fit(variant, given...); });
    });
}

template <class Variants, class B>
void train_on(const B& backend, const TrainOptions& o) {
    train_variant<Variants>(o, [&](auto variant, const auto&... given) {
        return fit<typename decltype(variant)::type>(backend, given...);
    });
}

}  // namespace psad::cli
