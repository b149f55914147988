/// \file best_model.hpp
/// The model that a training would give if it ended now.
#pragma once

#include "psad/model/fold_whitening.hpp"
#include "psad/model/model.hpp"
#include "psad/train/best_parameters.hpp"

namespace psad::inline PSAD_ABI::train {

/// A copy with the parameters of the best epochs so far (before the first, those of the start), without whitened
/// columns, ready to be saved: for hooks. `trainer` is a Trainer. Throws TrainingError for parameters that are not
/// finite.
template <class Trainer>
auto best_model(Trainer& trainer) {
    auto out = trainer.model();
    out.parameters = trainer.best().parameters;
    check_finite(out.registry, out.parameters);
    fold_whitening(out);
    return out;
}

}  // namespace psad::train
