/// \file adamw.hpp
/// AdamW (Loshchilov and Hutter, 2019) as an update rule of Optimizer.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "psad/core/setting.hpp"

namespace psad::inline PSAD_ABI::train {

/// The numbers that a rule keeps per parameter, in blocks that lie like the parameters.
template <class T, int N>
struct Moments {
    T* block[N > 0 ? N : 1];
};

/// An update rule has `moments`, the numbers it keeps per parameter, and `step<T>(learning_rate, weight_decay,
/// number)`, whose result updates one parameter: see AdamW::Step. It runs on the device.
struct AdamW {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;

    static constexpr int moments = 2;

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{.name = "beta1", .help = "Decay of the first moment", .min = 0, .max = 1, .below_max = true},
              self.beta1);
        visit(Setting{.name = "beta2", .help = "Decay of the second moment", .min = 0, .max = 1, .below_max = true},
              self.beta2);
        visit(Setting{.name = "epsilon", .help = "Added to the root of the second moment", .min = 0, .above_min = true},
              self.epsilon);
    }

    template <class T>
    struct Step {
        T beta1, beta2, learning_rate, decay, epsilon, correct1, correct2;

        /// Updates p by its gradient. Its moments are number i of the blocks of `kept`; `decayed` is 1 where weights
        /// decay, else 0.
        PSAD_HOST_DEVICE void operator()(T grad, T decayed, T& p, Moments<T, 2> kept, std::size_t i) const {
            T& m = kept.block[0][i];
            T& v = kept.block[1][i];
            m = beta1 * m + (T(1) - beta1) * grad;
            v = beta2 * v + (T(1) - beta2) * grad * grad;
            p -= learning_rate * m * correct1 / (std::sqrt(v * correct2) + epsilon) + decay * decayed * p;
        }
    };

    /// The arithmetic of step `number`, from 1.
    template <class T>
    Step<T> step(double learning_rate, double weight_decay, std::int64_t number) const {
        return {static_cast<T>(beta1),
                static_cast<T>(beta2),
                static_cast<T>(learning_rate),
                static_cast<T>(learning_rate * weight_decay),
                static_cast<T>(epsilon),
                static_cast<T>(1.0 / (1.0 - std::pow(beta1, static_cast<double>(number)))),
                static_cast<T>(1.0 / (1.0 - std::pow(beta2, static_cast<double>(number))))};
    }
};

}  // namespace psad::train
