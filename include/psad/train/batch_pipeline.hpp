/// \file batch_pipeline.hpp
/// Training batches, each cut into shards: while one is learned from, the next is encoded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/model/model.hpp"
#include "psad/model/policy.hpp"
#include "psad/train/joint_loss.hpp"
#include "psad/train/training_batch.hpp"

namespace psad::inline PSAD_ABI::train {

/// The lists of one step: `lists` of them from number `first` in the order of the epoch.
struct BatchRange {
    std::int64_t step = 0;
    int first = 0;
    int lists = 0;
};

/// Shards hold a fixed number of lists, whatever the threads: they are the unit of arithmetic.
template <class B, class Network>
class BatchPipeline {
    using T = typename B::Scalar;
    using Target = typename Network::template policy<target::kind_tag, target::Set>;

  public:
    /// Everything is borrowed and must outlive this.
    BatchPipeline(const B& backend, const Encoder& encoder, std::span<const Request> requests, int shard, int shards,
                  std::uint64_t seed, const LabelSettings& labels)
        : backend_(&backend), encoder_(&encoder), requests_(requests), shard_(shard), seed_(seed), labels_(labels) {
        for (auto& buffer : buffers_) buffer.resize(static_cast<std::size_t>(shards));
    }

    /// Shards of a range.
    int shards(const BatchRange& range) const { return (range.lists - 1) / shard_ + 1; }

    /// The key of all that is drawn for one shard of a step.
    std::uint64_t key(std::int64_t step, int shard) const {
        return rng::derive(rng::derive(seed_ ^ 0xD509u, static_cast<std::uint64_t>(step)),
                           static_cast<std::uint64_t>(shard));
    }

    /// Calls learn(shard, batch, key) for each shard of the range, on the threads of the backend, and encodes `next`
    /// (if it has lists) beside it. `order` gives the number of the request for each index of the epoch.
    template <class Learn>
    void run(const BatchRange& range, const BatchRange& next, std::span<const std::size_t> order, Learn learn) {
        if (prepared_ != range.step) prepare(range, order);
        backend_->beside([&] { prepare(next, order); },
                         [&] {
                             backend_->parallel(shards(range), [&](int s) {
                                 learn(s, buffer(range.step)[static_cast<std::size_t>(s)].batch, key(range.step, s));
                             });
                         });
        prepared_ = next.lists > 0 ? next.step : -1;
    }

    /// Drops the batch that is encoded: the next one comes from elsewhere.
    void discard() { prepared_ = -1; }

  private:
    struct Shard {
        std::vector<Request> requests;
        BatchBuilder<T> builder;
        TrainingBatch<T> batch;  ///< on the host
    };

    std::vector<Shard>& buffer(std::int64_t step) { return buffers_[step % 2]; }

    void prepare(const BatchRange& range, std::span<const std::size_t> order) {
        if (range.lists == 0) return;
        backend_->parallel(shards(range), [&](int s) {
            Shard& shard = buffer(range.step)[static_cast<std::size_t>(s)];
            const int begin = s * shard_, end = (std::min)(range.lists, begin + shard_);
            shard.requests.clear();
            for (int i = begin; i < end; ++i)
                shard.requests.push_back(requests_[order[static_cast<std::size_t>(range.first + i)]]);
            constexpr Spec spec = Network::spec;
            shard.builder.build(*encoder_, shard.requests, spec.positions, spec.block,
                                rng::derive(key(range.step, s), 1), Target{}, label_groups<Network>(), labels_);
            shard.batch = shard.builder.view();
        });
    }

    const B* backend_;
    const Encoder* encoder_;
    std::span<const Request> requests_;
    int shard_;
    std::uint64_t seed_;
    LabelSettings labels_;
    std::vector<Shard> buffers_[2];  ///< of even and of odd steps
    std::int64_t prepared_ = -1;     ///< the step whose batch is encoded
};

}  // namespace psad::train
