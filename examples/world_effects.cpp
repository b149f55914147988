// How much order, history and fading matter in a simulated world: a table for the plot of docs/world.md.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "psad/world/best_list.hpp"
#include "psad/world/world.hpp"

using namespace psad::world;

namespace {

struct Shares {
    double by_appeal = 0, without_history = 0, without_fading = 0, initial = 0;
};

// Means over sessions of the share of the best list's utility.
Shares shares_of(const std::string& settings, int sessions) {
    const World world(world_settings(settings));
    const int slots = world.settings().slots;
    Shares out;
    for (std::uint64_t number = 0; number < static_cast<std::uint64_t>(sessions); ++number) {
        const Session s = world.session(number);
        const double best = best_list(s.utility, slots, number).value;
        const auto share = [&](const std::vector<int>& list) { return s.utility(list) / best / sessions; };
        const auto best_for = [&](const Vector& taste) {
            return best_list(world.utility(s, taste), slots, number).list;
        };
        std::vector<int> order(s.items.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
        const auto top = [&] { return std::vector<int>(order.begin(), order.begin() + slots); };
        out.initial += share(top());
        std::sort(order.begin(), order.end(), [&](int a, int b) {
            return s.utility.appeal()[static_cast<std::size_t>(a)] >
                   s.utility.appeal()[static_cast<std::size_t>(b)];
        });
        out.by_appeal += share(top());
        out.without_history += share(best_for({}));
        out.without_fading += share(best_for(world.taste(s, 0)));
    }
    return out;
}

}  // namespace

int main(int count, char** words) try {
    int sessions = 200;
    const char* end = count == 2 ? words[1] + std::strlen(words[1]) : nullptr;
    const bool good = count == 1 || (count == 2 && std::from_chars(words[1], end, sessions).ptr == end);
    if (!good || sessions < 1) {
        std::fprintf(stderr, "usage: world_effects [SESSIONS]\n");
        return 2;
    }
    std::printf("setting\tvalue\tby_appeal\twithout_history\twithout_fading\tinitial\n");
    for (const std::string name : {"variety", "complement", "window"}) {
        for (const double value : {0.0, 0.5, 1.0, 2.0, 4.0, 6.0}) {
            if (name == "window" && value < 1) continue;
            const Shares s = shares_of(
                name + "=" + (name == "window" ? std::to_string(int(value)) : std::to_string(value)),
                sessions);
            std::printf("%s\t%g\t%.4f\t%.4f\t%.4f\t%.4f\n", name.c_str(), value, s.by_appeal,
                        s.without_history, s.without_fading, s.initial);
        }
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    std::fprintf(stderr, "world_effects: %s\n", problem.what());
    return 1;
}
