/// \file teacher_scores.hpp
/// Another ranker as one more teacher: its scores, which may be in any unit, as logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "psad/core/error.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::train {

namespace teacher_scores_detail {

/// The derivative of the cross entropy between the shares of the gains and the softmax of `scale` times the scores,
/// summed over the lists: it rises with the scale.
inline double slope(std::span<const Request> requests, double scale) {
    double out = 0;
    for (const Request& r : requests) {
        if (!r.has_positive()) continue;
        double largest = -INFINITY, sum = 0, mean = 0, gains = 0, wanted = 0;
        for (const float x : r.teacher_scores) largest = (std::max)(largest, static_cast<double>(x));
        for (std::size_t i = 0; i < r.size(); ++i) {
            const auto x = static_cast<double>(r.teacher_scores[i]), gain = static_cast<double>(r.gain(i));
            const double weight = std::exp(scale * (x - largest));
            sum += weight, mean += weight * x;
            gains += gain, wanted += gain * x;
        }
        out += static_cast<double>(r.weight) * (mean / sum - wanted / gains);
    }
    return out;
}

}  // namespace teacher_scores_detail

/// By what the scores are multiplied: the number with which their softmax fits the gains of the lists best. 0 where no
/// list has scores. Throws DataError where some have none, for scores that do not rise with the gains, and for any
/// where the student does not learn from logits.
inline double teacher_scale(std::span<const Request> requests, bool learns_from_logits) {
    const auto with = std::ranges::count_if(requests, [](const Request& r) { return !r.teacher_scores.empty(); });
    if (with == 0) return 0;
    if (!learns_from_logits)
        throw DataError("training lists", "teacher scores", "some, and a network whose student learns from no logits",
                        "a teacher that trains, and soft distillation");
    if (static_cast<std::size_t>(with) != requests.size()) {
        throw DataError("training lists", "teacher scores",
                        "them in " + std::to_string(with) + " of " + std::to_string(requests.size()) + " lists",
                        "them in all lists or in none");
    }
    const auto rises = [&](double scale) { return teacher_scores_detail::slope(requests, scale) < 0; };
    double high = 1;  // a power of 2, whatever the unit
    while (high > 0x1p-100 && !rises(high)) high /= 2;
    if (!rises(high))
        throw DataError("training lists", "teacher scores", "scores that do not rise with the gains",
                        "those of a ranker, larger ones for what should stand first");
    while (high < 0x1p100 && rises(high)) high *= 2;
    double low = high / 2;
    for (int step = 0; step < 40; ++step) {
        const double middle = (low + high) / 2;
        (rises(middle) ? low : high) = middle;
    }
    return (low + high) / 2;
}

}  // namespace psad::train
