// What perfect imitation of a world's expert is worth to a model that sorts, and to one that fills all positions
// at once: both fitted to many of his lists of one request, so that nothing but their form holds them back.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <numeric>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/simulator/best_list.hpp"
#include "psad/simulator/logging_policy.hpp"
#include "psad/simulator/world.hpp"
#include "psad/train/targets.hpp"

using psad::position_weight;
using namespace psad::simulator;

namespace {

using Lists = std::vector<std::vector<int>>;

// One number per candidate: the Plackett-Luce model of the lists by the loss that students learn with.
std::vector<int> by_one_score(const Lists& lists, std::size_t candidates, int positions) {
    std::vector<double> score(candidates, 0.0), derivative(candidates), weight(candidates);
    for (int round = 0; round < 300; ++round) {
        std::fill(derivative.begin(), derivative.end(), 0.0);
        for (const auto& list : lists) {
            for (std::size_t i = 0; i < candidates; ++i) weight[i] = std::exp(score[i]);
            for (int t = 0; t < positions; ++t) {
                const auto placed = static_cast<std::size_t>(list[static_cast<std::size_t>(t)]);
                const double free = std::accumulate(weight.begin(), weight.end(), 0.0);
                derivative[placed] += position_weight(t);
                for (std::size_t i = 0; i < candidates; ++i) derivative[i] -= position_weight(t) * weight[i] / free;
                weight[placed] = 0;
            }
        }
        for (std::size_t i = 0; i < candidates; ++i) score[i] += derivative[i] / static_cast<double>(lists.size());
    }
    std::vector<int> order(candidates);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return score[static_cast<std::size_t>(a)] > score[static_cast<std::size_t>(b)];
    });
    order.resize(static_cast<std::size_t>(positions));
    return order;
}

// One distribution per position: the candidate that stood there most often, of those that are left.
std::vector<int> by_position(const Lists& lists, std::size_t candidates, int positions) {
    std::vector<int> out;
    for (int t = 0; t < positions; ++t) {
        std::vector<int> count(candidates, 0);
        for (const auto& list : lists) ++count[static_cast<std::size_t>(list[static_cast<std::size_t>(t)])];
        for (const int taken : out) count[static_cast<std::size_t>(taken)] = -1;
        out.push_back(static_cast<int>(std::max_element(count.begin(), count.end()) - count.begin()));
    }
    return out;
}

void print(const char* name, const std::vector<double>& shares) {
    const auto x = psad::eval::bootstrap_mean(shares);
    std::printf("%-20s %.3f [%.3f, %.3f]\n", name, x.value, x.low, x.high);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc > 2) {
        std::fprintf(stderr, "usage: world-imitation [NAME=VALUE,...]\n");
        return 2;
    }
    const World world(world_settings(argc > 1 ? argv[1] : ""));
    const int positions = world.settings().positions;
    std::vector<double> expert, sorted, at_once;
    for (std::uint64_t number = 0; number < 200; ++number) {
        const Session s = world.session(number);
        const double best = best_list(s.utility, positions, number).value;
        psad::rng::Stream draw(psad::rng::derive(number, 1));
        Lists lists;
        double worth = 0;
        for (int k = 0; k < 200; ++k) {
            lists.push_back(expert_list(s.utility, positions, world.settings().temperature, draw));
            worth += s.utility(lists.back()) / 200;
        }
        expert.push_back(worth / best);
        sorted.push_back(s.utility(by_one_score(lists, s.items.size(), positions)) / best);
        at_once.push_back(s.utility(by_position(lists, s.items.size(), positions)) / best);
    }
    print("the expert", expert);
    print("sorted", sorted);
    print("all positions at once", at_once);
} catch (const std::exception& problem) {
    std::fprintf(stderr, "world-imitation: %s\n", problem.what());
    return 1;
}
