/// \file bag.hpp
/// Further teachers, trained beside the one of a model: the student learns from the mean of all (bagged predictions in
/// one network; Hinton, Vinyals and Dean 2015), while they train.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "psad/autograd/tape.hpp"
#include "psad/core/error.hpp"
#include "psad/core/rng.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/device_parameters.hpp"
#include "psad/train/joint_loss.hpp"
#include "psad/train/optimizer.hpp"
#include "psad/train/shard_gradients.hpp"
#include "psad/train/training_batch.hpp"

namespace psad::inline PSAD_ABI::train {

/// A network whose student learns from the logits of a teacher in training: they may as well be the mean of several.
template <class Network>
concept LearnsFromLogits = HasTeacher<Network> && HasStudent<Network> && !HasFrozenTeacher<Network> &&
                           !is_one_of<joint_loss_detail::Distill<Network>, distill::None, distill::Hard>;

/// The teachers of a bag but the first, which is the model's own. They differ by their starting values and by what
/// dropout draws; all see the same batches. Nothing of them is kept when the training ends.
template <class B, class Network, class Rule>
class Bag {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    Bag(const B& backend, const InputSizes& sizes, int teachers, std::size_t shards, std::uint64_t seed,
        const Rule& rule)
        : backend_(backend), logits_(shards) {
        for (int k = 0; k < teachers; ++k) {
            const std::uint64_t key = rng::derive(seed, static_cast<std::uint64_t>(k) + 1);
            teachers_.push_back(std::make_unique<Teacher>(backend, sizes, shards, key, rule));
        }
    }

    /// Losses and gradients of one shard. Returns the logits of each teacher, [positions x items pairs], valid until
    /// the arena is reset. Shards may be called at the same time.
    std::span<const T* const> forward_backward(std::size_t shard, const TrainingBatch<T>& batch, DropoutDraw dropout,
                                               Arena<Memory>& arena) {
        std::vector<const T*>& logits = logits_[shard];
        logits.clear();
        for (const auto& teacher : teachers_) {
            dropout.key = rng::derive(dropout.key, 1);
            Tape<B> tape(backend_, *teacher->parameters, batch.in.layout, arena,
                         teacher->gradients.zeroed(backend_, shard), dropout);
            const auto of_batch = teacher_loss(tape, teacher->network, batch);
            tape.backward(weighted(tape, of_batch.loss, batch.labels), T(1));
            teacher->gradients.set_sparse(shard, tape.sparse_gradients());
            logits.push_back(of_batch.logits.data);
        }
        return logits;
    }

    /// New parameters from the gradients of the first `shards` shards, as Optimizer::step makes them.
    void update(std::size_t shards, double scale, const typename Optimizer<B, Rule>::StepSettings& settings) {
        for (const auto& teacher : teachers_) {
            teacher->optimizer.step(backend_, *teacher->parameters, teacher->gradients.dense(shards),
                                    teacher->gradients.sparse(shards), scale, settings);
        }
    }

  private:
    struct Teacher {
        ParameterRegistry registry;
        TeacherOf<Network> network;
        Parameters<float> on_host;
        DeviceParameters<B> parameters;
        Optimizer<B, Rule> optimizer;
        ShardGradients<B> gradients;

        Teacher(const B& backend, const InputSizes& sizes, std::size_t shards, std::uint64_t seed, const Rule& rule)
            : network(Scope(registry), sizes),
              on_host(started(registry, seed)),
              parameters(backend, on_host),
              optimizer(backend, registry, rule),
              gradients(registry.dense_size, shards) {}
        static Parameters<float> started(const ParameterRegistry& registry, std::uint64_t seed) {
            Parameters<float> out(registry);
            out.initialise(registry, seed);
            return out;
        }
    };

    const B& backend_;
    std::vector<std::unique_ptr<Teacher>> teachers_;
    std::vector<std::vector<const T*>> logits_;  ///< of each shard
};

/// Of networks that take none. Throws SettingError where one is asked for.
struct NoBag {
    NoBag(const auto& /*backend*/, const InputSizes&, int teachers, std::size_t, std::uint64_t, const auto& /*rule*/) {
        if (teachers == 0) return;
        throw SettingError("training settings", "bag", std::to_string(teachers + 1) + " teachers",
                           "1 for a variant whose student does not learn from the logits of a teacher in training");
    }
};

template <class B, class Network, class Rule>
using BagOf = std::conditional_t<LearnsFromLogits<Network>, Bag<B, Network, Rule>, NoBag>;

}  // namespace psad::train
