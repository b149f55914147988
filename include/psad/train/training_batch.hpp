/// \file training_batch.hpp
/// One shard of a training batch: encoded requests, a list to follow, and labels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/encoder.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/prefix.hpp"
#include "psad/train/labels.hpp"
#include "psad/train/targets.hpp"
#include "psad/train/weighed_gains.hpp"

namespace psad::inline PSAD_ABI {

/// All that one tape reads of its lists: on the host, or on a device.
template <class T>
struct TrainingBatch {
    Inputs<T> in;
    Prefix prefix;
    Labels<T> labels;
};

/// A batch where the device reads it: this one where that is the host's memory, else a copy in the arena. `host` must
/// outlive it.
template <class B, class T>
TrainingBatch<T> on_device(const B& backend, const TrainingBatch<T>& host, Arena<typename B::Memory>& arena) {
    TrainingBatch<T> out = host;
    if constexpr (!B::Memory::on_host)
        move_to_device(backend, host.in.layout, arena, out.in.layout, out.in, out.prefix, out.labels);
    return out;
}

/// What counts how much: see BatchBuilder.
struct LabelSettings {
    double mean_weight = 1;     ///< of the training lists; weights are divided by it
    double min_propensity = 1;  ///< gains are divided by propensities, but by no smaller ones
    double unknown_rate = 0;    ///< share of ids and values that count as unknown, drawn anew for each batch
    double teacher_scale = 0;   ///< by which teacher scores are multiplied; 0: they are not read
};

/// Builds training batches; owns their numbers. Reused from batch to batch.
template <class T>
class BatchBuilder {
  public:
    /// Encodes labelled requests that pass Encoder::check, and lays out the list that `Target` asks for and the labels
    /// of `groups`. `key` seeds what a target policy draws.
    template <class Target>
    void build(const Encoder& encoder, std::span<const Request> requests, int positions, int block, std::uint64_t key,
               Target, LabelGroups groups, const LabelSettings& settings = {}) {
        encoder.encode(requests, positions, batch_);
        if (settings.unknown_rate > 0) hide_values(settings.unknown_rate, rng::derive(key, 0x0FF));
        prefix_.clear();
        clear_columns(labels_);
        int first_item = 0;
        for (std::size_t l = 0; l < requests.size(); ++l) {
            const Request r = weighed_(encoder, requests[l], settings.min_propensity);
            const int items = static_cast<int>(r.items.size()), length = (std::min)(positions, items);
            const std::size_t first_position = labels_.target_weight.size();
            add_target(r, length, rng::derive(key, l), Target{});
            prefix_.add(order_, length, first_item, items, block);
            first_item += items;
            labels_.list_weight.push_back(static_cast<T>(static_cast<double>(r.weight) / settings.mean_weight));
            add_labels(r, first_position, groups);
            if (settings.teacher_scale == 0) continue;
            for (const float x : r.teacher_scores)
                labels_.teacher_score.push_back(static_cast<T>(settings.teacher_scale * static_cast<double>(x)));
        }
    }

    /// Valid until the next build().
    TrainingBatch<T> view() {
        TrainingBatch<T> out{batch_.view(), prefix_.view(), {}};
        view_columns(labels_, out.labels);
        return out;
    }

  private:
    /// Ids and values of fields, the same ones in the whole batch: so the rows of the unknown are learned.
    void hide_values(double rate, std::uint64_t key) {
        const auto hide = [&](BagListStorage& bags, std::uint64_t first_stream) {
            for (std::size_t f = 0; f < bags.fields.size(); ++f) {
                const std::uint64_t field_key = rng::derive(key, first_stream + f);
                for (int& id : bags.fields[f].ids) {
                    if (static_cast<double>(rng::uniform(field_key, static_cast<std::uint64_t>(id))) < rate) id = 0;
                }
            }
        };
        // Fields of items come first among those of candidates as among those of events.
        hide(batch_.item_fields, 0);
        hide(batch_.event_fields, 0);
        hide(batch_.profile_fields, 1000);
    }

    /// The list to follow into `order_`; target and weights of its positions.
    template <class Target>
    void add_target(const Request& r, int length, std::uint64_t key, Target) {
        const std::size_t first_pair = labels_.target.size(), first_position = labels_.target_weight.size();
        labels_.target.resize(first_pair + static_cast<std::size_t>(length) * r.items.size(), T(0));
        for (int t = 0; t < length; ++t) {
            labels_.target_weight.push_back(static_cast<T>(position_weight(t)));
            labels_.position_weight.push_back(static_cast<T>(position_weight(t)));
        }
        order_.clear();
        Target::build(r, length, key, order_, labels_.target.data() + first_pair,
                      labels_.target_weight.data() + first_position);
    }

    void add_labels(const Request& r, std::size_t first_position, LabelGroups groups) {
        T total = 0;
        for (std::size_t i = 0; i < r.size(); ++i) total += static_cast<T>(r.gain(i));
        const auto flag = [](bool yes) { return yes ? T(1) : T(0); };
        const bool positive = total > T(0);
        for (std::size_t i = 0; i < r.size(); ++i) {
            const T gain = static_cast<T>(r.gain(i));
            if (groups.relevance) labels_.relevance.push_back(flag(gain > T(0)));
            if (groups.distribution) labels_.target_prob.push_back(positive ? gain / total : T(0));
        }
        if (groups.distribution) labels_.has_positive.push_back(flag(positive));
        for (std::size_t row = first_position; row < labels_.target_weight.size(); ++row) {
            const T weight = labels_.target_weight[row];
            const auto placed = static_cast<std::size_t>(order_[row - first_position]);
            if (groups.clicks) {
                labels_.clicked.push_back(flag(r.gain(placed) > 0));
                labels_.shown.push_back(flag(weight != T(0)));
            }
            if (groups.penalty) {
                labels_.good_weight.push_back(positive ? weight : T(0));
                labels_.poor_weight.push_back(positive ? T(0) : weight);
            }
        }
    }

    Batch<T> batch_;
    PrefixStorage prefix_;
    LabelColumns<T, Owned> labels_;
    std::vector<int> order_;  ///< scratch: the list to follow
    train::WeighedGains weighed_;
};

}  // namespace psad
