/// \file logger.hpp
/// Who made the lists of the logs, and with them what imitation can teach.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/world/list_walk.hpp"
#include "psad/world/world.hpp"

namespace psad::world {

/// A list with p(list) ~ exp(utility / temperature): a walk that cools down to the temperature and stays
/// there until it has forgotten where it came from.
inline std::vector<int> expert_list(const ListUtility& utility, int slots, double temperature,
                                    rng::Stream& draw) {
    ListWalk walk(utility, slots);
    constexpr int cooling = 2000, staying = 4000;
    const double hot = (std::max)(0.5, temperature);
    walk.cool(hot, temperature, cooling, draw);
    for (int k = 0; k < staying; ++k) walk.step(temperature, draw);
    return {walk.list().begin(), walk.list().end()};
}

/// The candidates by appeal + noise.
inline std::vector<int> pointwise_list(const ListUtility& utility, int slots, double noise,
                                       rng::Stream& draw) {
    std::vector<std::pair<double, int>> guess;
    for (std::size_t i = 0; i < utility.size(); ++i)
        guess.emplace_back(utility.appeal()[i] + noise * draw.normal(), static_cast<int>(i));
    std::sort(guess.begin(), guess.end(), std::greater<>());
    std::vector<int> out;
    for (int t = 0; t < slots; ++t) out.push_back(guess[static_cast<std::size_t>(t)].second);
    return out;
}

/// The list that the world's logger shows.
inline std::vector<int> logged_list(const WorldSettings& settings, const ListUtility& utility,
                                    rng::Stream& draw) {
    const bool expert =
        settings.logger == Logger::expert || (settings.logger == Logger::mixture && draw.uniform() < 0.5);
    return expert ? expert_list(utility, settings.slots, settings.temperature, draw)
                  : pointwise_list(utility, settings.slots, settings.noise, draw);
}

}  // namespace psad::world
