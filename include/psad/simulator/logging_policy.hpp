/// \file logging_policy.hpp
/// Logging policies: who made the lists of the logs, and so what imitation can learn.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/simulator/list_walk.hpp"
#include "psad/simulator/world.hpp"

namespace psad::inline PSAD_ABI::simulator {

/// A list with p(list) ~ exp(utility / temperature): a walk annealed to the temperature, then as
/// many steps there as it takes to forget its start.
inline std::vector<int> expert_list(const ListUtility& utility, int positions, double temperature, rng::Stream& draw) {
    ListWalk walk(utility, positions);
    constexpr int cooling = 2000, staying = 4000;
    const double hot = (std::max)(0.5, temperature);
    walk.anneal(hot, temperature, cooling, draw);
    for (int k = 0; k < staying; ++k) walk.step(temperature, draw);
    return {walk.list().begin(), walk.list().end()};
}

/// The candidates by appeal + noise.
inline std::vector<int> pointwise_list(const ListUtility& utility, int positions, double noise, rng::Stream& draw) {
    std::vector<std::pair<double, int>> guess;
    for (std::size_t i = 0; i < utility.size(); ++i)
        guess.emplace_back(utility.appeal()[i] + noise * draw.normal(), static_cast<int>(i));
    std::sort(guess.begin(), guess.end(), std::greater<>());
    std::vector<int> out;
    for (int t = 0; t < positions; ++t) out.push_back(guess[static_cast<std::size_t>(t)].second);
    return out;
}

/// The list that the world's logging policy shows.
inline std::vector<int> logged_list(const WorldSettings& settings, const ListUtility& utility, rng::Stream& draw) {
    const bool expert = settings.logging == LoggingPolicy::expert ||
                        (settings.logging == LoggingPolicy::mixture && draw.uniform() < 0.5);
    return expert ? expert_list(utility, settings.positions, settings.temperature, draw)
                  : pointwise_list(utility, settings.positions, settings.noise, draw);
}

}  // namespace psad::simulator
