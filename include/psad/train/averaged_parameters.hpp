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

/// An exponential moving average: the noise of single steps averages out, so the model depends less on where training
/// stopped (Polyak and Juditsky 1992; Izmailov et al. 2018). Copies are taken a few steps apart.
struct AveragedParameters {
    Parameters<float> parameters;
    std::int64_t copies = 0;

    static constexpr std::int64_t copies_per_window = 32;

    /// Steps from one copy to the next.
    static std::int64_t interval(double window) {
        return (std::max)(std::int64_t{1}, static_cast<std::int64_t>(window) / copies_per_window);
    }

    /// Takes a copy into a mean over about `window` steps. While they are fewer, all count alike.
    void add(const Parameters<float>& now, double window) {
        const double share = 1 - std::exp(-static_cast<double>(interval(window)) / (std::max)(window, 1e-9));
        ++copies;
        const auto of_new = static_cast<float>((std::max)(share, 1.0 / static_cast<double>(copies)));
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
