/// \file list_walk.hpp
/// A random walk over lists (Metropolis et al., 1953) that draws them with p(list) ~ exp(utility /
/// temperature), or anneals to good ones.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/simulator/list_utility.hpp"

namespace psad::inline PSAD_ABI::simulator {

class ListWalk {
  public:
    /// Starts from the candidates 0, 1, ... in order; the first `positions` are the list.
    ListWalk(const ListUtility& utility, int positions)
        : utility_(utility),
          positions_(static_cast<std::size_t>(positions)),
          order_(utility.size()),
          states_(positions_ + 1),
          proposed_(positions_ + 1) {
        std::iota(order_.begin(), order_.end(), 0);
        update_states(0, states_);
    }

    /// Goes on from another list: `positions` candidates, none twice.
    void jump_to(std::span<const int> list) {
        for (std::size_t t = 0; t < positions_; ++t) {
            std::iter_swap(order_.begin() + static_cast<std::ptrdiff_t>(t),
                           std::find(order_.begin(), order_.end(), list[t]));
        }
        update_states(0, states_);
    }

    std::span<const int> list() const { return {order_.data(), positions_}; }
    double value() const { return states_[positions_].clicks; }

    /// One proposal, its reverse as likely: two candidates are exchanged, one of them in the list, or one
    /// moves within the list. Kept with probability min(1, exp(gain / temperature)).
    void step(double temperature, rng::Stream& draw) {
        const std::size_t a = draw.below(static_cast<std::uint32_t>(positions_));
        const bool swap = draw.uniform() < 0.5;
        const std::size_t b = draw.below(static_cast<std::uint32_t>(swap ? order_.size() : positions_));
        if (a == b) return;
        const double chance = draw.uniform();
        change(swap, a, b);
        const std::size_t first = (std::min)(a, b);
        proposed_[first] = states_[first];
        update_states(first, proposed_);
        const double gain = proposed_[positions_].clicks - value();
        if (gain >= 0 || chance < std::exp(gain / temperature)) {
            std::copy(proposed_.begin() + static_cast<std::ptrdiff_t>(first), proposed_.end(),
                      states_.begin() + static_cast<std::ptrdiff_t>(first));
        } else {
            change(swap, b, a);
        }
    }

    /// `steps` steps while the temperature falls from `hot` to `cold` by a constant factor.
    void anneal(double hot, double cold, int steps, rng::Stream& draw) {
        const double factor = std::pow(cold / hot, 1.0 / steps);
        for (double temperature = hot; steps-- > 0; temperature *= factor) step(temperature, draw);
    }

    /// Takes improving changes until there is none.
    void hill_climb() {
        for (bool better = true; better;) {
            better = false;
            for (std::size_t a = 0; a < positions_; ++a) {
                for (std::size_t b = 0; b < order_.size(); ++b) {
                    better = (b > a && improves(true, a, b)) || better;
                    better = (b < positions_ && b != a && improves(false, a, b)) || better;
                }
            }
        }
    }

  private:
    void change(bool swap, std::size_t a, std::size_t b) {
        const auto at = [&](std::size_t i) { return order_.begin() + static_cast<std::ptrdiff_t>(i); };
        if (swap)
            std::iter_swap(at(a), at(b));
        else if (a < b)
            std::rotate(at(a), at(a + 1), at(b + 1));
        else
            std::rotate(at(b), at(a), at(a + 1));
    }
    void update_states(std::size_t first, std::vector<ListUtility::BrowsingState>& to) const {
        for (std::size_t t = first; t < positions_; ++t)
            to[t + 1] = utility_.read(to[t], {order_.data(), t}, order_[t]);
    }
    bool improves(bool swap, std::size_t a, std::size_t b) {
        change(swap, a, b);
        const std::size_t first = (std::min)(a, b);
        proposed_[first] = states_[first];
        update_states(first, proposed_);
        if (proposed_[positions_].clicks > value() + 1e-12) {
            std::copy(proposed_.begin() + static_cast<std::ptrdiff_t>(first), proposed_.end(),
                      states_.begin() + static_cast<std::ptrdiff_t>(first));
            return true;
        }
        change(swap, b, a);
        return false;
    }

    const ListUtility& utility_;
    std::size_t positions_;
    std::vector<int> order_;
    std::vector<ListUtility::BrowsingState> states_, proposed_;  ///< [positions + 1] after so many positions
};

}  // namespace psad::simulator
