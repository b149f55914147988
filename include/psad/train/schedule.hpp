/// \file schedule.hpp
/// How the learning rate and the weight of distillation move over the steps. `progress` runs from 0 to 1.
#pragma once

#include <algorithm>
#include <cmath>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::schedule {

/// Linear warm-up over the first `warmup` of the steps, then a cosine down to a hundredth.
inline double warm_cosine(double progress, double warmup) {
    if (progress < warmup) return progress / warmup;
    const double rest = (progress - warmup) / (1.0 - warmup);
    return 0.01 + 0.99 * 0.5 * (1.0 + std::cos(3.14159265358979 * (std::min)(rest, 1.0)));
}

/// 0 until `from`, then linear up to 1 at `full` (a tenth and three tenths).
inline double ramp(double progress, double from, double full) {
    return (std::max)(0.0, (std::min)(1.0, (progress - from) / (full - from)));
}

}  // namespace psad::schedule
