/// \file train_settings.hpp
/// What training is told, what it reports, and what it refuses before it begins.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/input/request.hpp"
#include "psad/train/adam.hpp"

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

}  // namespace train_detail
}  // namespace psad
