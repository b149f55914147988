/// \file optimizer.hpp
/// One step of gradient descent by any update rule, on any device: sums the shards' gradients, clips, updates.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "psad/train/adamw.hpp"
#include "psad/train/device_gradients.hpp"
#include "psad/train/host_gradients.hpp"

namespace psad::inline PSAD_ABI::train {

/// Dense weights are all updated in each step, tables lazily: only the rows that the step read.
template <class B, class Rule = AdamW>
class Optimizer {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;
    using Gradients = std::conditional_t<Memory::on_host, HostGradients<B>, DeviceGradients<B>>;

  public:
    /// `learned` lists the parameters that are updated, all of a model or some of them, and must outlive this.
    Optimizer(const B& backend, const ParameterRegistry& learned, const Rule& rule = {})
        : rule_(rule), gradients_(backend, learned) {
        for (auto& moments : moments_) {
            moments = Parameters<T, Memory>(learned);
            if constexpr (!Memory::on_host) {
                backend.fill(moments.dense.data(), static_cast<int>(moments.dense.size()), T(0));
                backend.fill(moments.tables.data(), static_cast<int>(moments.tables.size()), T(0));
            }
        }
    }

    struct StepSettings {
        double learning_rate;
        double weight_decay;
        double clip;  ///< largest norm of the whole gradient; 0 = no limit
    };

    /// One step with the gradient sum(shards) * scale, where `scale` is 1 / lists for a mean over the lists. `dense[s]`
    /// holds the gradients of all dense parameters in shard s, at least one shard, and dense[0] is overwritten;
    /// `sparse[s]` is the shard's list of table gradients, null where it has none. Returns the norm of the gradient
    /// before clipping.
    double step(const B& backend, Parameters<T, Memory>& parameters, std::span<T* const> dense,
                std::span<const SparseGradient<T>* const> sparse, double scale, const StepSettings& s) {
        ++steps_;
        const double norm = std::sqrt(gradients_.collect(backend, dense, sparse, scale));
        const double shrink = s.clip > 0 && norm > s.clip ? s.clip / norm : 1.0;
        const auto update = rule_.template step<T>(s.learning_rate, s.weight_decay, steps_);
        gradients_.apply(backend, update, static_cast<T>(shrink), parameters, pointers(&Parameters<T, Memory>::dense),
                         pointers(&Parameters<T, Memory>::tables));
        return norm;
    }

    // All that the next step depends on besides the parameters.
    /// Steps made.
    std::int64_t& steps() { return steps_; }
    /// The numbers that the rule keeps per parameter, laid out like those.
    std::array<Parameters<T, Memory>, static_cast<std::size_t>(Rule::moments)>& moments() { return moments_; }

  private:
    Moments<T, Rule::moments> pointers(Buffer<T, Memory> Parameters<T, Memory>::*block) {
        Moments<T, Rule::moments> out{};
        for (std::size_t i = 0; i < moments_.size(); ++i) out.block[i] = (moments_[i].*block).data();
        return out;
    }

    Rule rule_;
    Gradients gradients_;
    std::array<Parameters<T, Memory>, static_cast<std::size_t>(Rule::moments)> moments_;
    std::int64_t steps_ = 0;
};

}  // namespace psad::train
