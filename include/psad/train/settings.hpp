/// \file settings.hpp
/// The settings of training, what it refuses before it begins, and what it reports.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/setting.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::train {

/// All but the update rule's own numbers (see adamw.hpp). A fraction is one of all steps.
struct Settings {
    static constexpr int by_lists = -1;  ///< what chosen() sets, by the number of training lists

    int epochs = by_lists;
    int steps = 0;
    int batch = by_lists;
    int shard = 16;
    double learning_rate = 1e-3;
    double weight_decay = by_lists;
    double clip = 1.0;
    double warmup = 0.05;
    float dropout = 0.1f;
    double student_weight = 1;
    double distillation = 1;
    double distill_from = 0.1;
    double distill_full = 0.3;
    double temperature = 1;
    int bag = 1;
    int position_effects = 1;
    int neighbour_effects = 1;
    double min_propensity = 0.1;
    double unknown_rate = 0.002;
    double average = 0.1;
    int patience = by_lists;
    std::uint64_t seed = 1;

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"epochs", "Passes over the training lists", 1}, self.epochs);
        visit(Setting{"steps", "Stop after so many steps; 0 = after the epochs", 0}, self.steps);
        visit(Setting{"batch", "Lists per step", 1}, self.batch);
        visit(Setting{"shard", "Lists per tape: a part of the arithmetic, not of the threading", 1}, self.shard);
        visit(Setting{.name = "learning_rate",
                      .help = "Peak learning rate",
                      .min = 0,
                      .above_min = true,
                      .short_name = "rate"},
              self.learning_rate);
        visit(Setting{"weight_decay", "Weight decay of weights and tables, not of biases and scales", 0},
              self.weight_decay);
        visit(Setting{"clip", "Largest norm of the whole gradient; 0 = no limit", 0}, self.clip);
        visit(Setting{.name = "warmup",
                      .help = "Fraction of the steps in which the learning rate rises",
                      .min = 0,
                      .max = 1,
                      .below_max = true},
              self.warmup);
        visit(Setting{.name = "dropout",
                      .help = "Probability that a hidden number is dropped",
                      .min = 0,
                      .max = 1,
                      .below_max = true},
              self.dropout);
        visit(Setting{"student_weight", "Weight of the student's loss on the feedback", 0}, self.student_weight);
        visit(Setting{"distillation", "Final weight of the distillation loss", 0}, self.distillation);
        visit(Setting{"distill_from",
                      "Fraction of the steps before which the distillation weight is 0; a negative one: it is never 0"},
              self.distill_from);
        visit(Setting{"distill_full", "Fraction of the steps after which the distillation weight is final"},
              self.distill_full);
        visit(Setting{.name = "temperature", .help = "Temperature of soft distillation", .min = 0, .above_min = true},
              self.temperature);
        visit(Setting{"bag", "Teachers trained side by side; the student learns from the mean of them", 1, 100},
              self.bag);
        visit(Setting{"position_effects",
                      "1: of lists that say where candidates were shown, learn how positions change feedback, and "
                      "divide gains by it; 0: do not",
                      0, 1},
              self.position_effects);
        visit(Setting{"neighbour_effects",
                      "1: of such lists, learn what like items shortly above take off as well, and keep them apart", 0,
                      1},
              self.neighbour_effects);
        visit(Setting{.name = "min_propensity",
                      .help = "Gains are divided by propensities, given or learned, but by no smaller ones",
                      .min = 0,
                      .max = 1,
                      .above_min = true},
              self.min_propensity);
        visit(Setting{.name = "unknown_rate",
                      .help = "Share of ids and values of fields that a step counts as unknown, drawn at random",
                      .min = 0,
                      .max = 1,
                      .below_max = true},
              self.unknown_rate);
        visit(
            Setting{
                .name = "average",
                .help = "Fraction of the steps so far over which parameters are averaged, for validation and the model",
                .min = 0,
                .max = 1},
            self.average);
        visit(Setting{"patience", "Epochs without a better validation score before stopping; 0 = never", 0},
              self.patience);
        visit(Setting{"seed", "Same seed, same bits", 0}, self.seed);
    }
};

/// The settings for so many training lists, without any that are by_lists. About 1,500 steps are enough: small sets
/// make more passes in smaller batches (4 to 60, of 4 to 32 lists), as a network learns ids by heart in few. The decay
/// takes about half of a weight away over all steps, and up to five times as much below 5,000 lists, which tell less
/// of what is noise.
inline Settings chosen(Settings s, std::size_t lists) {
    constexpr double enough = 1500;
    const auto n = static_cast<double>((std::max)(lists, std::size_t{1}));
    if (s.batch == Settings::by_lists) s.batch = static_cast<int>(std::clamp(n / 50, 4.0, 32.0));
    const double steps = std::ceil(n / static_cast<double>(s.batch));  // of an epoch
    if (s.epochs == Settings::by_lists) s.epochs = static_cast<int>(std::clamp(std::round(enough / steps), 4.0, 60.0));
    if (s.patience == Settings::by_lists) s.patience = (std::max)(3, s.epochs / 3);
    const double all_steps = s.steps > 0 ? s.steps : steps * s.epochs;
    if (s.weight_decay == Settings::by_lists)
        s.weight_decay = std::clamp(enough / all_steps, 0.05, 1.0) * std::clamp(std::sqrt(5000 / n), 1.0, 5.0);
    return s;
}

/// How good the parts of a network are on validation lists, the larger the better: mean NDCG@10 in fit(). A part that
/// the network lacks stays at 0.
struct ValidationScore {
    double student = 0;
    double teacher = 0;
};

/// One step: means over the lists of its batch. `loss` is the weighted sum of the parts behind it.
struct StepRecord {
    double loss, teacher, student, distillation;
    double gradient_norm;  ///< before clipping

    void add(const StepRecord& other, double times) {
        loss += times * other.loss, teacher += times * other.teacher, student += times * other.student;
        distillation += times * other.distillation, gradient_norm += times * other.gradient_norm;
    }
};

struct EpochRecord {
    int epoch = 0;
    std::int64_t step = 0;  ///< steps made so far
    StepRecord mean{};      ///< over the steps of the epoch
    ValidationScore valid{};
};

struct Report {
    std::vector<StepRecord> steps;
    std::vector<EpochRecord> epochs;
    double lists_per_second = 0;  ///< training alone, validation left out
    int best_student_epoch = -1;
    int best_teacher_epoch = -1;
    EncodingCounts encoded;  ///< what of the training lists was not taken as it came; from fit() alone
    bool whitened = false;   ///< whether dense features were whitened; from fit() alone

    /// Whether the loss of the last epoch is twice that of the first step or more: of the parts that do not grow by
    /// settings.
    bool diverged() const {
        const auto loss = [](const StepRecord& r) {
            return r.teacher + r.student > 0 ? r.teacher + r.student : r.loss;
        };
        return !epochs.empty() && !steps.empty() && loss(epochs.back().mean) >= 2 * loss(steps.front());
    }
};

/// Throws SettingError for settings out of range and for training without a list. Before lists are read they count as
/// many, so that nothing that their number chooses is out of range.
inline void check(const Settings& given, std::size_t requests = 1'000'000) {
    if (requests == 0) throw SettingError("training settings", "requests", "none", "at least one labelled list");
    const Settings s = chosen(given, requests);
    check_settings("training settings", s);
    const auto wrong = [](const char* name, double found, const std::string& wanted) {
        throw SettingError("training settings", name, number_text(found), wanted);
    };
    if (s.learning_rate * s.weight_decay >= 1) {
        if (given.weight_decay == Settings::by_lists)
            wrong("learning_rate", s.learning_rate, "less than " + number_text(1 / s.weight_decay));
        wrong("weight_decay", s.weight_decay, "less than 1 / learning_rate");
    }
    if (s.bag > 1 && s.distillation == 0)
        wrong("bag", s.bag, "1 where nothing is distilled (distillation 0): nobody learns from the others");
    if (s.distill_from >= s.distill_full) wrong("distill_full", s.distill_full, "more than distill_from");
}

/// The gain of the largest grade.
inline constexpr float max_gain = static_cast<float>((std::int64_t{1} << max_grade) - 1);

/// Throws RequestError unless a list has what training and evaluation read beyond Encoder::check: a grade from 0 to 30
/// or a gain for each candidate, a weight, propensities in (0, 1], and a shown order without a position twice.
inline void check_feedback(const Request& r) {
    const auto wrong = [](const std::string& place, const std::string& found, const std::string& wanted) {
        throw RequestError("request", place, found, wanted);
    };
    const auto length = [&](std::size_t found, const char* name) {
        if (found != 0 && found != r.size())
            wrong(name, std::to_string(found) + " " + name, std::to_string(r.size()) + " or none");
    };
    if (r.gains.empty() && r.labels.size() != r.size())
        wrong("labels", std::to_string(r.labels.size()) + " labels", std::to_string(r.size()) + ", one a candidate");
    length(r.gains.size(), "gains");
    length(r.propensities.size(), "propensities");
    length(r.teacher_scores.size(), "teacher scores");
    const auto place = [](const char* name, std::size_t i) { return name + ("[" + std::to_string(i) + "]"); };
    for (std::size_t i = 0; i < r.labels.size(); ++i) {
        if (r.labels[i] < 0 || r.labels[i] > max_grade)
            wrong(place("labels", i), std::to_string(r.labels[i]), "a grade from 0 to 30");
    }
    for (std::size_t i = 0; i < r.gains.size(); ++i) {
        if (!(r.gains[i] >= 0 && r.gains[i] <= max_gain))
            wrong(place("gains", i), number_text(static_cast<double>(r.gains[i])), "a gain from 0 to 2^30 - 1");
    }
    for (std::size_t i = 0; i < r.propensities.size(); ++i) {
        if (!(r.propensities[i] > 0 && r.propensities[i] <= 1))
            wrong(place("propensities", i), number_text(static_cast<double>(r.propensities[i])),
                  "a probability above 0, at most 1");
    }
    for (std::size_t i = 0; i < r.teacher_scores.size(); ++i) {
        if (!std::isfinite(r.teacher_scores[i]))
            wrong(place("teacher scores", i), number_text(static_cast<double>(r.teacher_scores[i])), "a finite number");
    }
    if (!(r.weight >= 0 && r.weight <= 1e9f))
        wrong("weight", number_text(static_cast<double>(r.weight)), "a number from 0 to 1e9");
    std::vector<char> shown(r.size(), 0);
    for (const std::int32_t i : r.shown) {
        if (i < 0 || static_cast<std::size_t>(i) >= r.size() || shown[static_cast<std::size_t>(i)]) {
            throw RequestError("request", "shown", "position " + std::to_string(i),
                               "each position below " + std::to_string(r.size()) + " once");
        }
        shown[static_cast<std::size_t>(i)] = 1;
    }
}

/// Of the lists' weights. Throws DataError where no list counts.
inline double mean_weight(std::span<const Request> requests) {
    double sum = 0;
    for (const Request& r : requests) sum += static_cast<double>(r.weight);
    if (!(sum > 0)) throw DataError("training lists", "weights", "0 for all lists", "some above 0");
    return sum / static_cast<double>(requests.size());
}

}  // namespace psad::train
