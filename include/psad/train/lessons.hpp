/// \file lessons.hpp
/// One shard of a training batch: encoded requests and what is to be learned from them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/input/encoder.hpp"
#include "psad/model/prefix.hpp"
#include "psad/train/targets.hpp"

namespace psad {

/// Pointers to the labels of a shard in the form that losses read.
template <class T>
struct Labels {
    const T* target = nullptr;         ///< [slots x items pairs] what each slot should hold
    const T* target_weight = nullptr;  ///< [slots]
    const T* good_weight = nullptr;    ///< [slots] target_weight on lists with a positive, else 0
    const T* poor_weight = nullptr;    ///< [slots] target_weight on lists without one, else 0
    const T* slot_weight = nullptr;    ///< [slots]
    const T* relevance = nullptr;      ///< [items] 0 or 1
    const T* share = nullptr;          ///< [items] relevance / its sum over the list
    const T* has_positive = nullptr;   ///< [lists] 0 or 1
    const T* clicked = nullptr;        ///< [slots] relevance of the item that the followed list holds there
    const T* shown = nullptr;          ///< [slots] 1 where the target says what stood there, else 0
};

/// What is learned from, all in one place: on the host, or on a device.
template <class T>
struct Lesson {
    Inputs<T> in;
    Prefix prefix;
    Labels<T> labels;
};

/// A lesson where the device reads it: this one where that is the host's memory, else a copy in the arena.
/// `host` must outlive it.
template <class B, class T>
Lesson<T> on_device(const B& backend, const Lesson<T>& host, Arena<typename B::Memory>& arena) {
    Lesson<T> out = host;
    if constexpr (!B::Memory::on_host) {
        const Layout& layout = host.in.layout;
        const auto rows = [](int count) { return static_cast<std::size_t>(count); };
        Upload<B> upload(backend, arena);
        add_inputs(upload, out.in, host.in, arena.host());
        add_prefix(upload, out.prefix, layout.slots.rows, layout.items.rows);
        upload.add(out.labels.target, rows(layout.slots_items.rows));
        for (const T** numbers : {&out.labels.target_weight, &out.labels.good_weight, &out.labels.poor_weight,
                                  &out.labels.slot_weight, &out.labels.clicked, &out.labels.shown})
            upload.add(*numbers, rows(layout.slots.rows));
        upload.add(out.labels.relevance, rows(layout.items.rows));
        upload.add(out.labels.share, rows(layout.items.rows));
        upload.add(out.labels.has_positive, rows(layout.lists));
        upload.send();
    }
    return out;
}

template <class T>
class Lessons {
  public:
    /// Encodes labelled requests that pass Encoder::check. `key` feeds what a target policy draws.
    template <class Target>
    void prepare(const Encoder& encoder, std::span<const Request> requests, int slots, int block,
                 std::uint64_t key, Target) {
        encoder.encode(requests, slots, batch_);
        prefix_.clear();
        for (auto* c : {&target_, &target_weight_, &good_weight_, &poor_weight_, &slot_weight_, &relevance_,
                        &share_, &has_positive_, &clicked_, &shown_}) {
            c->clear();
        }
        int first_item = 0;
        for (const Request& r : requests) {
            const std::size_t n = r.items.size();
            const int places = (std::min)(slots, static_cast<int>(n));
            order_.clear();
            const std::size_t pairs = target_.size(), rows = target_weight_.size();
            target_.resize(pairs + static_cast<std::size_t>(places) * n, T(0));
            for (int t = 0; t < places; ++t) {
                target_weight_.push_back(static_cast<T>(psad::slot_weight(t)));
                slot_weight_.push_back(static_cast<T>(psad::slot_weight(t)));
            }
            Target::lay(r, places, rng::derive(key, has_positive_.size()), order_, target_.data() + pairs,
                        target_weight_.data() + rows);
            prefix_.add(order_, places, first_item, static_cast<int>(n), block);
            first_item += static_cast<int>(n);

            const auto positives =
                std::count_if(r.labels.begin(), r.labels.end(), [](auto y) { return y > 0; });
            for (const auto y : r.labels) {
                relevance_.push_back(y > 0 ? T(1) : T(0));
                share_.push_back(y > 0 ? T(1) / static_cast<T>(positives) : T(0));
            }
            has_positive_.push_back(positives > 0 ? T(1) : T(0));
            for (std::size_t row = rows; row < target_weight_.size(); ++row) {
                const auto placed = static_cast<std::size_t>(order_[row - rows]);
                clicked_.push_back(r.labels[placed] > 0 ? T(1) : T(0));
                shown_.push_back(target_weight_[row] != T(0) ? T(1) : T(0));
                good_weight_.push_back(positives > 0 ? target_weight_[row] : T(0));
                poor_weight_.push_back(positives > 0 ? T(0) : target_weight_[row]);
            }
        }
    }

    Lesson<T> view() { return {inputs(), prefix(), labels()}; }
    Inputs<T> inputs() { return batch_.view(); }
    Prefix prefix() const { return prefix_.view(); }
    Labels<T> labels() const {
        return {target_.data(),      target_weight_.data(), good_weight_.data(), poor_weight_.data(),
                slot_weight_.data(), relevance_.data(),     share_.data(),       has_positive_.data(),
                clicked_.data(),     shown_.data()};
    }

  private:
    Batch<T> batch_;
    PrefixStorage prefix_;
    std::vector<int> order_;
    std::vector<T> target_, target_weight_, good_weight_, poor_weight_, slot_weight_, relevance_, share_,
        has_positive_, clicked_, shown_;
};

}  // namespace psad
