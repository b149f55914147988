/// \file user_cache.hpp
/// What a student computed of one user, kept by a server between requests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "psad/autograd/inference.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/request.hpp"
#include "psad/model/model.hpp"

namespace psad::inline PSAD_ABI::serve {

/// The user state of one user: a few hundred numbers and a copy of the history. It is computed again when one of these
/// has changed: the model, the user's fields, the context, the history, or whether the history holds any candidate of
/// the list. Only the ages of the events stay those of the request that it was computed with: invalidate() it after a
/// while.
template <class B, class Network>
class UserCache {
  public:
    using State = decltype(std::declval<const typename Network::StudentModel&>().user_state(
        std::declval<Inference<B>&>(), std::declval<const Inputs<float>&>()));

    UserCache() = default;
    /// The other cache is empty then. The views follow the numbers, which do not move.
    UserCache(UserCache&& other) noexcept { swap(other); }
    UserCache& operator=(UserCache&& other) noexcept {
        UserCache taken(std::move(other));
        swap(taken);
        return *this;
    }

    /// True if the cached state equals what `model` would compute now, ignoring event ages. `has_interacted`: the
    /// history holds a candidate of the list, which the profile says.
    bool matches(const Model<Network>& model, const Request& r, bool has_interacted) const {
        return state_ && generation_ == model.generation.number() && has_interacted_ == has_interacted &&
               is_cacheable(r) && std::ranges::equal(items_, r.history_items) &&
               std::ranges::equal(times_, r.history_times) && std::ranges::equal(feedback_, r.history_feedback) &&
               user_fields_.view() == r.user_fields && context_.view() == r.context &&
               history_fields_.view() == r.history_fields && user_dense_.view() == r.user_dense &&
               context_dense_.view() == r.context_dense && history_dense_.view() == r.history_dense;
    }
    /// Whether a state can be recognised as that of a request: not where events come after it, whose place is still to
    /// be found, nor with items of its own.
    static bool is_cacheable(const Request& r) {
        return (r.new_items == nullptr || r.new_items->items == 0) &&
               (r.history_times.empty() || r.history_times.back() < r.time);
    }
    /// The next request computes the state again.
    void invalidate() { state_.reset(); }

    /// Copies a state that lies in an arena. Where that fails for want of memory, the cache is empty.
    void store(const State& state, const Model<Network>& model, const Request& r, bool has_interacted) {
        state_.reset();
        State copied = state;
        std::size_t count = 0;
        const auto size = [](const auto& view) { return view.matrix().rows * view.matrix().cols; };
        for_each_view(copied, [&](const auto& view) { count += static_cast<std::size_t>(size(view)); });
        numbers_.resize(count);
        float* at = numbers_.data();
        for_each_view(copied, [&](auto& view) {
            std::copy_n(view.data, size(view), at);
            view.data = at;
            at += size(view);
        });
        generation_ = is_cacheable(r) ? model.generation.number() : 0;  // no model has the number 0
        has_interacted_ = has_interacted;
        const auto copy = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
        copy(r.history_items, items_), copy(r.history_times, times_), copy(r.history_feedback, feedback_);
        user_fields_.copy(r.user_fields), context_.copy(r.context), history_fields_.copy(r.history_fields);
        user_dense_.copy(r.user_dense), context_dense_.copy(r.context_dense), history_dense_.copy(r.history_dense);
        state_ = copied;
    }
    const State& state() const { return *state_; }

  private:
    void swap(UserCache& other) noexcept {
        std::swap(numbers_, other.numbers_), std::swap(state_, other.state_);
        std::swap(generation_, other.generation_), std::swap(has_interacted_, other.has_interacted_);
        std::swap(items_, other.items_), std::swap(feedback_, other.feedback_), std::swap(times_, other.times_);
        std::swap(user_fields_, other.user_fields_), std::swap(context_, other.context_);
        std::swap(history_fields_, other.history_fields_), std::swap(user_dense_, other.user_dense_);
        std::swap(context_dense_, other.context_dense_), std::swap(history_dense_, other.history_dense_);
    }

    std::vector<float> numbers_;
    std::optional<State> state_;
    std::uint64_t generation_ = 0;
    bool has_interacted_ = false;
    std::vector<std::int32_t> items_, feedback_;
    std::vector<std::int64_t> times_;
    OwnedFields user_fields_, context_, history_fields_;
    OwnedFeatures user_dense_, context_dense_, history_dense_;
};

}  // namespace psad::serve
