/// \file averaged_parameters.hpp
/// The mean of the parameters over the last steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "psad/autograd/parameters.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::train {

/// A moving average over the last fraction of the steps so far: the noise of single steps averages out, so the model
/// depends less on where training stopped (Polyak and Juditsky 1992; Izmailov et al. 2018). Copies are taken a few
/// steps apart.
struct AveragedParameters {
    Parameters<float> parameters;
    std::int64_t copies = 0;

    /// Takes a copy after so many steps, if one is due: at least once in an epoch of `epoch_steps`. `current()` gives
    /// the parameters.
    template <class Current>
    void follow(std::int64_t steps, double fraction, std::int64_t epoch_steps, Current current) {
        constexpr std::int64_t copies_per_window = 32;
        const double window = fraction * static_cast<double>(steps);
        const auto interval =
            std::clamp<std::int64_t>(static_cast<std::int64_t>(window) / copies_per_window, 1, epoch_steps);
        if (window <= 0 || steps % interval != 0) return;
        const double share = 1 - std::exp(-static_cast<double>(interval) / window);
        const auto of_new = copies++ == 0 ? 1.0f : static_cast<float>(share);
        const Parameters<float>& now = current();
        const auto mix = [&](auto& mean, const auto& x) {
            for (std::size_t i = 0; i < x.size(); ++i) mean.data()[i] += of_new * (x.data()[i] - mean.data()[i]);
        };
        mix(parameters.dense, now.dense);
        mix(parameters.tables, now.tables);
    }
};

/// Has two sets of parameters change places as long as it lives.
class Exchanged {
  public:
    Exchanged(Parameters<float>& a, Parameters<float>& b) : a_(a), b_(b) { std::swap(a_, b_); }
    ~Exchanged() { std::swap(a_, b_); }
    Exchanged(const Exchanged&) = delete;
    Exchanged& operator=(const Exchanged&) = delete;

  private:
    Parameters<float>&a_, &b_;
};

}  // namespace psad::train
