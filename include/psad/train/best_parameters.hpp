/// \file best_parameters.hpp
/// Keeps the parameters of each part from its best epoch.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "psad/autograd/parameters.hpp"
#include "psad/core/error.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/settings.hpp"

namespace psad::inline PSAD_ABI::train {

/// Student and teacher are judged and kept apart; with tied embeddings one set of numbers serves both, so they are
/// judged by their mean and kept together.
template <class Network>
struct BestParameters {
    Parameters<float> parameters;
    ValidationScore score{-std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    int student_epoch = -1;
    int teacher_epoch = -1;
    int epochs_without_improvement = 0;  ///< since any part was at its best

    /// Copies the parts that are better than in all earlier epochs.
    void update(const ParameterRegistry& registry, const Parameters<float>& now, int epoch, ValidationScore valid) {
        ++epochs_without_improvement;
        if constexpr (Network::tied_embeddings) {
            valid.student = valid.teacher = (valid.student + valid.teacher) / 2;
            if (valid.student > score.student) copy(registry, Part::shared, now);
        }
        if constexpr (HasStudent<Network>) {
            if (valid.student > score.student) {
                score.student = valid.student;
                student_epoch = epoch;
                epochs_without_improvement = 0;
                copy(registry, Part::student, now);
            }
        }
        if constexpr (HasTeacher<Network>) {
            if (valid.teacher > score.teacher) {
                score.teacher = valid.teacher;
                teacher_epoch = epoch;
                epochs_without_improvement = 0;
                copy(registry, Part::teacher, now);
            }
        }
    }

  private:
    void copy(const ParameterRegistry& registry, Part part, const Parameters<float>& from) {
        for (const ParameterInfo& p : registry.parameters) {
            if (p.part == part) std::copy_n(from.at(p), p.size(), parameters.at(p));
        }
    }
};

/// Throws TrainingError for a parameter that is not finite.
inline void check_finite(const ParameterRegistry& registry, const Parameters<float>& parameters) {
    for (const ParameterInfo& p : registry.parameters) {
        const float* from = parameters.at(p);
        if (std::all_of(from, from + p.size(), [](float x) { return std::isfinite(x); })) continue;
        throw TrainingError("training", p.name, "numbers that are not finite", "a smaller learning rate");
    }
}

}  // namespace psad::train
