// How much order, history and fading matter in a simulated world: a table for the plot of docs/world.md.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "psad/simulator/best_list.hpp"
#include "psad/simulator/world.hpp"

using namespace psad::simulator;

namespace {

struct Shares {
    double by_appeal = 0, without_events = 0, last_event = 0, without_fading = 0, initial = 0;
};

// The utility of lists that ignore something, as shares of the best list's.
Shares shares_of(const World& world, const Session& s, std::uint64_t seed) {
    const int positions = world.settings().positions;
    const double best = best_list(s.utility, positions, seed).value;
    const auto share = [&](const std::vector<int>& list) { return s.utility(list) / best; };
    const auto best_for = [&](const Session& seen, double fading) {
        return share(best_list(world.utility(s, world.current_interest(seen, fading)), positions, seed).list);
    };
    Session seen = s;
    if (!s.history_items.empty()) {
        seen.history_items = {s.history_items.back()};
        seen.history_times = {s.history_times.back()};
    }
    Shares out;
    out.last_event = best_for(seen, s.fading);
    seen.history_items.clear();
    out.without_events = best_for(seen, s.fading);
    out.without_fading = best_for(s, 0);

    std::vector<int> order(s.items.size());
    std::iota(order.begin(), order.end(), 0);
    const auto top = [&] { return std::vector<int>(order.begin(), order.begin() + positions); };
    out.initial = share(top());
    std::sort(order.begin(), order.end(), [&](int a, int b) {
        return s.utility.appeal()[static_cast<std::size_t>(a)] > s.utility.appeal()[static_cast<std::size_t>(b)];
    });
    out.by_appeal = share(top());
    return out;
}

// Prints the means over the first sessions whose history has from `min_events` to `max_events` events.
void print_row(const char* name, double value, const std::string& settings, int sessions, std::size_t min_events = 0,
               std::size_t max_events = std::size_t(-1)) {
    const World world(world_settings(settings));
    Shares sum;
    int found = 0;
    for (std::uint64_t number = 0; found < sessions; ++number) {
        const Session s = world.session(number);
        if (s.history_items.size() < min_events || s.history_items.size() > max_events) continue;
        ++found;
        const Shares one = shares_of(world, s, number);
        sum.by_appeal += one.by_appeal;
        sum.without_events += one.without_events;
        sum.last_event += one.last_event;
        sum.without_fading += one.without_fading;
        sum.initial += one.initial;
    }
    std::printf("%s\t%g\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\n", name, value, sum.by_appeal / sessions,
                sum.without_events / sessions, sum.last_event / sessions, sum.without_fading / sessions,
                sum.initial / sessions);
}

}  // namespace

int main(int argc, char** argv) try {
    int sessions = 200;
    const char* end = argc == 2 ? argv[1] + std::strlen(argv[1]) : nullptr;
    const bool good =
        argc == 1 || (argc == 2 && std::from_chars(argv[1], end, sessions) == std::from_chars_result{end, {}});
    if (!good || sessions < 1) {
        std::fprintf(stderr, "usage: world-effects [SESSIONS]\n");
        return 2;
    }
    std::printf("setting\tvalue\tby_appeal\twithout_events\tlast_event\twithout_fading\tinitial\n");
    for (const char* name : {"variety", "complement"}) {
        for (const double value : {0.0, 0.5, 1.0, 2.0, 4.0, 6.0}) {
            print_row(name, value, name + ("=" + std::to_string(value)), sessions);
        }
    }
    for (const int value : {1, 2, 4, 6}) {
        print_row("window", value, "window=" + std::to_string(value), sessions);
    }
    constexpr std::pair<std::size_t, std::size_t> lengths[]{{0, 0}, {1, 5}, {6, 20}, {21, 50}, {51, 79}};
    for (const auto& [min_events, max_events] : lengths) {
        print_row("events", static_cast<double>(min_events), "", sessions, min_events, max_events);
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    std::fprintf(stderr, "world-effects: %s\n", problem.what());
    return 1;
}
