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
    UserCache(UserCache&&) = default;  // the views follow the numbers, which do not move
    UserCache& operator=(UserCache&&) = default;

    /// True if the cached state equals what `model` would compute now, ignoring event ages. `has_interacted`: the
    /// history holds a candidate of the list, which the profile says.
    bool matches(const Model<Network>& model, const Request& r, bool has_interacted) const {
        return state_ && generation_ == model.generation.number() && has_interacted_ == has_interacted &&
               std::ranges::equal(items_, r.history_items) && std::ranges::equal(times_, r.history_times) &&
               std::ranges::equal(feedback_, r.history_feedback) && std::ranges::equal(user_fields_, r.user_fields) &&
               std::ranges::equal(context_, r.context);
    }
    /// The next request computes the state again.
    void invalidate() { state_.reset(); }

    /// Copies a state that lies in an arena.
    void store(const State& state, const Model<Network>& model, const Request& r, bool has_interacted) {
        state_ = state;
        std::size_t count = 0;
        const auto size = [](const auto& view) { return view.matrix().rows * view.matrix().cols; };
        for_each_view(*state_, [&](const auto& view) { count += static_cast<std::size_t>(size(view)); });
        numbers_.resize(count);
        float* at = numbers_.data();
        for_each_view(*state_, [&](auto& view) {
            std::copy_n(view.data, size(view), at);
            view.data = at;
            at += size(view);
        });
        generation_ = model.generation.number();
        has_interacted_ = has_interacted;
        const auto copy = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
        copy(r.history_items, items_), copy(r.history_times, times_), copy(r.history_feedback, feedback_);
        copy(r.user_fields, user_fields_), copy(r.context, context_);
    }
    const State& state() const { return *state_; }

  private:
    std::vector<float> numbers_;
    std::optional<State> state_;
    std::uint64_t generation_ = 0;
    bool has_interacted_ = false;
    std::vector<std::int32_t> user_fields_, context_, items_, feedback_;
    std::vector<std::int64_t> times_;
};

}  // namespace psad::serve
