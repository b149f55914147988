/// \file best_list.hpp
/// The list of highest utility: proven by enumeration while there are few lists, else the best known.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/simulator/list_utility.hpp"
#include "psad/simulator/list_walk.hpp"

namespace psad::inline PSAD_ABI::simulator {

/// Calls `take(list, value)` for every list of `positions` candidates.
template <class Take>
void for_each_list(const ListUtility& utility, int positions, Take&& take) {
    const auto length = static_cast<std::size_t>(positions);
    std::vector<int> list;
    std::vector<char> used(utility.size(), 0);
    const auto extend = [&](auto& self, const ListUtility::BrowsingState& state) -> void {
        if (list.size() == length) {
            take(std::span<const int>(list), state.clicks);
            return;
        }
        for (std::size_t i = 0; i < utility.size(); ++i) {
            if (used[i]) continue;
            const auto item = static_cast<int>(i);
            const auto next = utility.read(state, list, item);
            used[i] = 1;
            list.push_back(item);
            self(self, next);
            list.pop_back();
            used[i] = 0;
        }
    };
    extend(extend, ListUtility::BrowsingState{});
}

/// How many lists there are: n! / (n - L)!.
inline double number_of_lists(std::size_t candidates, int positions) {
    double count = 1;
    for (int t = 0; t < positions; ++t) count *= static_cast<double>(candidates) - t;
    return count;
}

/// The best list that keeps the `width` best beginnings at every position.
inline std::vector<int> beam_search(const ListUtility& utility, int positions, int width) {
    struct Beginning {
        std::vector<int> list;
        ListUtility::BrowsingState state;
    };
    struct Step {
        std::size_t from;
        int item;
        ListUtility::BrowsingState state;
    };
    std::vector<Beginning> beam(1), next;
    std::vector<Step> steps;
    for (int t = 0; t < positions; ++t) {
        steps.clear();
        for (std::size_t b = 0; b < beam.size(); ++b) {
            for (int i = 0; i < static_cast<int>(utility.size()); ++i) {
                if (std::find(beam[b].list.begin(), beam[b].list.end(), i) != beam[b].list.end()) continue;
                steps.push_back({b, i, utility.read(beam[b].state, beam[b].list, i)});
            }
        }
        const auto kept = (std::min)(steps.size(), static_cast<std::size_t>(width));
        std::partial_sort(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(kept), steps.end(),
                          [](const Step& a, const Step& b) { return a.state.clicks > b.state.clicks; });
        next.clear();
        for (std::size_t k = 0; k < kept; ++k) {
            next.push_back({beam[steps[k].from].list, steps[k].state});
            next.back().list.push_back(steps[k].item);
        }
        beam.swap(next);
    }
    return beam.front().list;
}

struct BestList {
    std::vector<int> list;
    double value = 0;
    bool proven = false;  ///< found by enumeration
};

namespace detail {
inline void consider(std::span<const int> list, double value, BestList& best) {
    if (!best.list.empty() && value <= best.value) return;
    best.list.assign(list.begin(), list.end());
    best.value = value;
}
}  // namespace detail

/// The best of a beam search and of three annealed walks, each with local search. `key` feeds the
/// walk.
inline BestList search_list(const ListUtility& utility, int positions, std::uint64_t key, int beam = 64) {
    BestList best;
    ListWalk walk(utility, positions);
    walk.jump_to(beam_search(utility, positions, beam));
    walk.hill_climb();
    detail::consider(walk.list(), walk.value(), best);
    rng::Stream draw(key);
    for (int again = 0; again < 3; ++again) {
        walk.anneal(0.2, 0.002, 4000, draw);
        walk.hill_climb();
        detail::consider(walk.list(), walk.value(), best);
    }
    return best;
}

/// Enumerates up to 1e5 lists, searches among more.
inline BestList best_list(const ListUtility& utility, int positions, std::uint64_t key) {
    if (number_of_lists(utility.size(), positions) > 1e5) return search_list(utility, positions, key);
    BestList best;
    for_each_list(utility, positions,
                  [&](std::span<const int> list, double value) { detail::consider(list, value, best); });
    best.proven = true;
    return best;
}

}  // namespace psad::simulator
