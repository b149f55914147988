// The simulated world: utility by hand, searches against enumeration, draws against their distribution, and
// what each family of models can reach.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/data/write_lists.hpp"
#include "psad/simulator/simulate.hpp"
#include "support/lists_folder.hpp"

using namespace psad;
using namespace psad::simulator;

namespace {

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

World world_of(const std::string& text) {
    return World(world_settings(text));
}

// All lists of a session with their utilities and the expert's probabilities.
struct AllLists {
    std::vector<std::vector<int>> lists;
    std::vector<double> value, chance;
    double best = 0;

    AllLists(const ListUtility& utility, int positions, double temperature) {
        for_each_list(utility, positions, [&](std::span<const int> list, double x) {
            lists.emplace_back(list.begin(), list.end());
            value.push_back(x);
        });
        best = *std::max_element(value.begin(), value.end());
        double sum = 0;
        for (const double x : value) sum += std::exp((x - best) / temperature);
        for (const double x : value) chance.push_back(std::exp((x - best) / temperature) / sum);
    }

    // What a generator of blocks of `block` writes that has learned the expert's distribution perfectly: per
    // position the likeliest candidate left, given the blocks before.
    std::vector<int> written(std::size_t n, std::size_t positions, std::size_t block) const {
        std::vector<int> list;
        std::vector<char> alive(lists.size(), 1);
        for (std::size_t from = 0; from < positions; from += block) {
            const std::size_t end = std::min(positions, from + block);
            for (std::size_t t = from; t < end; ++t) {
                std::vector<double> mass(n, 0.0);
                for (std::size_t k = 0; k < lists.size(); ++k) {
                    if (alive[k]) mass[static_cast<std::size_t>(lists[k][t])] += chance[k];
                }
                for (const int i : list) mass[static_cast<std::size_t>(i)] = -1;
                list.push_back(static_cast<int>(std::max_element(mass.begin(), mass.end()) - mass.begin()));
            }
            for (std::size_t k = 0; k < lists.size(); ++k) {
                if (!std::equal(list.begin(), list.end(), lists[k].begin())) alive[k] = 0;
            }
        }
        return list;
    }
};

// Mean shares of the best list's utility: by appeal alone, then blocks of all places, 3, 2 and 1.
std::array<double, 5> family_limits(const std::string& settings) {
    const World world = world_of("candidates=7,positions=6," + settings);
    constexpr int sessions = 60;
    std::array<double, 5> share{};
    for (std::uint64_t s = 0; s < sessions; ++s) {
        const Session session = world.session(s);
        const AllLists all(session.utility, 6, world.settings().temperature);
        std::vector<int> sorted(7);
        std::iota(sorted.begin(), sorted.end(), 0);
        const auto appeal = session.utility.appeal();
        std::sort(sorted.begin(), sorted.end(), [&](int a, int b) {
            return appeal[static_cast<std::size_t>(a)] > appeal[static_cast<std::size_t>(b)];
        });
        sorted.resize(6);
        share[0] += session.utility(sorted) / all.best / sessions;
        std::size_t at = 1;
        for (const std::size_t block : {6u, 3u, 2u, 1u})
            share[at++] += session.utility(all.written(7, 6, block)) / all.best / sessions;
    }
    return share;
}

}  // namespace

TEST_CASE("the utility of a list, by hand") {
    // Candidate 1 is like 0, candidate 2 complements 1.
    Interaction between{{1, 0.5f, 0, 0.5f, 1, 0.25f, 0, 0.25f, 1}, {0, 0, 0, 0, 0, 0, 0, 1, 0}, 2, 3, 2};
    const ListUtility utility({0.1, 0.2, -0.3}, between, {0.6, 0.9});
    const double a0 = sigmoid(0.1), a1 = sigmoid(0.2 - 2 * 0.5), a2 = sigmoid(-0.3 - 2 * 0.25 + 3);
    const double e1 = a0 * 0.6 + (1 - a0) * 0.9, e2 = e1 * (a1 * 0.6 + (1 - a1) * 0.9);
    CHECK(utility(std::vector<int>{0, 1, 2}) == doctest::Approx(a0 + e1 * a1 + e2 * a2));
    CHECK(utility(std::vector<int>{0, 1}) == doctest::Approx(a0 + e1 * a1));
    CHECK(utility(std::vector<int>{}) == 0);
    // A window of 1 forgets what stands two places above.
    between.window = 1;
    const std::vector<int> before{0, 2};
    CHECK(utility.click(before, 1) == doctest::Approx(sigmoid(0.2 - 2 * 0.5)));
    CHECK(ListUtility({0.1, 0.2, -0.3}, between).click(before, 1) == doctest::Approx(sigmoid(0.2 - 2 * 0.25)));
}

TEST_CASE("clicks are drawn with the chances that the utility is made of") {
    const Session session = world_of("candidates=6,positions=6").session(3);
    const std::vector<int> list{4, 0, 5, 2, 1, 3};
    rng::Stream draw(7);
    constexpr int draws = 40000;
    double clicks = 0;
    for (int k = 0; k < draws; ++k) {
        const auto clicked = session.utility.draw_clicks(list, [&] { return draw.uniform(); });
        clicks += static_cast<double>(std::count(clicked.begin(), clicked.end(), true)) / draws;
    }
    CHECK(clicks == doctest::Approx(session.utility(list)).epsilon(0.02));
}

TEST_CASE("every list is visited once, and the best of them is found") {
    const Session session = world_of("candidates=6,positions=4").session(1);
    std::set<std::vector<int>> seen;
    double best = 0;
    for_each_list(session.utility, 4, [&](std::span<const int> list, double value) {
        seen.emplace(list.begin(), list.end());
        CHECK(std::set<int>(list.begin(), list.end()).size() == 4);
        CHECK(value == doctest::Approx(session.utility(list)).epsilon(1e-12));
        best = std::max(best, value);
    });
    CHECK(seen.size() == 360);
    CHECK(number_of_lists(6, 4) == 360);
    const BestList found = best_list(session.utility, 4, 1);
    CHECK(found.proven);
    CHECK(found.value == best);
    CHECK(session.utility(found.list) == doctest::Approx(best).epsilon(1e-12));
}

TEST_CASE("the search finds what enumeration proves, or nearly") {
    const World world = world_of("candidates=9,positions=6");
    int exact = 0;
    for (std::uint64_t s = 0; s < 40; ++s) {
        const ListUtility utility = world.session(s).utility;
        const BestList proven = best_list(utility, 6, s), found = search_list(utility, 6, s);
        REQUIRE(proven.proven);
        CHECK(!found.proven);
        CHECK(found.value <= proven.value + 1e-12);
        CHECK(found.value >= 0.99 * proven.value);
        CHECK(utility(found.list) == doctest::Approx(found.value).epsilon(1e-12));
        exact += found.value >= proven.value - 1e-12 ? 1 : 0;
    }
    CHECK(exact >= 36);
}

TEST_CASE("the search finds nearly what one of ten times the breadth finds in the default world" *
          doctest::test_suite("long")) {
    const World world = world_of("");
    double share = 0;
    constexpr int sessions = 30;
    for (std::uint64_t s = 0; s < sessions; ++s) {
        const ListUtility utility = world.session(s).utility;
        const double found = best_list(utility, 10, s).value;
        double broad = found;
        for (std::uint64_t key = 100; key < 103; ++key)
            broad = std::max(broad, search_list(utility, 10, key, 640).value);
        share += found / broad / sessions;
    }
    MESSAGE("of the broad search's worth: ", share);
    CHECK(share > 0.995);
}

TEST_CASE("the expert draws lists with p ~ exp(utility / temperature)" * doctest::test_suite("long")) {
    const ListUtility utility = world_of("candidates=4,positions=3").session(2).utility;
    const AllLists all(utility, 3, 0.05);
    std::map<std::vector<int>, double> share;
    rng::Stream draw(11);
    constexpr int draws = 1500;
    for (int k = 0; k < draws; ++k) share[expert_list(utility, 3, 0.05, draw)] += 1.0 / draws;
    double distance = 0;
    for (std::size_t k = 0; k < all.lists.size(); ++k) distance += std::abs(share[all.lists[k]] - all.chance[k]) / 2;
    CHECK(distance < 0.06);  // 24 lists, 1500 draws: about .04 is chance
}

TEST_CASE("the pointwise policy sorts by appeal, the mixture is one or the other") {
    const World world = world_of("candidates=10,positions=5,logging=pointwise,noise=0");
    const Session session = world.session(5);
    rng::Stream draw(1);
    const std::vector<int> list = logged_list(world.settings(), session.utility, draw);
    const auto appeal = session.utility.appeal();
    for (std::size_t t = 1; t < list.size(); ++t)
        CHECK(appeal[static_cast<std::size_t>(list[t - 1])] >= appeal[static_cast<std::size_t>(list[t])]);
    const World mixed = world_of("candidates=10,positions=5,logging=mixture,noise=0");
    int sorted = 0;
    for (int k = 0; k < 200; ++k) sorted += logged_list(mixed.settings(), session.utility, draw) == list ? 1 : 0;
    CHECK(sorted > 60);
    CHECK(sorted < 140);
}

TEST_CASE("sessions are functions of seed and number, and make sense") {
    const World world = world_of("seed=5"), other = world_of("seed=6");
    bool differs = false;
    std::size_t without_history = 0;
    for (std::uint64_t s = 0; s < 200; ++s) {
        const Session a = world.session(s), b = world_of("seed=5").session(s);
        CHECK(a.items == b.items);
        CHECK(a.history_times == b.history_times);
        CHECK(a.scores == b.scores);
        CHECK(a.current_interest == b.current_interest);
        differs = differs || a.items != other.session(s).items;
        CHECK(std::set<std::int32_t>(a.items.begin(), a.items.end()).size() == 15);
        CHECK(std::is_sorted(a.history_times.begin(), a.history_times.end()));
        CHECK(std::is_sorted(a.scores.rbegin(), a.scores.rend()));
        if (!a.history_times.empty()) CHECK(a.history_times.back() < a.time);
        CHECK(a.fading >= 1.0 / 30);
        CHECK(a.fading <= 1);
        CHECK(a.variety > 0);
        CHECK(detail::dot(a.current_interest, a.current_interest) == doctest::Approx(1));
        without_history += a.history_items.empty() ? 1 : 0;
        CHECK(a.request().items.size() == 15);
    }
    CHECK(differs);
    CHECK(without_history > 5);
    CHECK(without_history < 50);
}

TEST_CASE("a click depends on the items above as the settings say") {
    const World world = world_of("");
    int following = 0;
    for (std::uint64_t s = 0; s < 20; ++s) {
        const Session a = world.session(s);
        for (std::size_t i = 0; i < a.items.size(); ++i) {
            for (std::size_t j = 0; j < a.items.size(); ++j) {
                if (i == j) continue;
                const World::Item& item = world.items()[static_cast<std::size_t>(a.items[i])];
                const World::Item& above = world.items()[static_cast<std::size_t>(a.items[j])];
                const bool follows = item.topic == (above.topic + 1) % world.settings().topics;
                following += follows ? 1 : 0;
                const double like = std::max(0.0, detail::dot(item.vector, above.vector));
                const double logit = -2.2 + 4.5 * detail::dot(a.current_interest, item.vector) + item.quality -
                                     a.variety * like + world.settings().complement * follows;
                const std::vector<int> before{static_cast<int>(j)};
                CHECK(a.utility.click(before, static_cast<int>(i)) == doctest::Approx(sigmoid(logit)).epsilon(1e-5));
            }
        }
    }
    CHECK(following > 100);
}

TEST_CASE("users differ in their appetite for variety, by their fourth trait") {
    const World world = world_of("variety=2");
    double sum = 0, low = 0, high = 0;
    int low_count = 0, high_count = 0;
    constexpr int sessions = 2000;
    for (std::uint64_t s = 0; s < sessions; ++s) {
        const Session a = world.session(s);
        sum += a.variety / sessions;
        if (a.user_fields[3] == 1) low += a.variety, ++low_count;
        if (a.user_fields[3] == Session::trait_levels) high += a.variety, ++high_count;
    }
    CHECK(sum == doctest::Approx(2).epsilon(0.03));
    CHECK(high / high_count > 2 * (low / low_count));
}

TEST_CASE("the current interest follows what was seen last, the more so the faster it fades") {
    const World world = world_of("");
    double slow = 0, fast = 0;
    int slow_count = 0, fast_count = 0;
    for (std::uint64_t s = 0; s < 2000; ++s) {
        const Session a = world.session(s);
        if (a.history_items.size() < 10) continue;
        const Vector& last = world.items()[static_cast<std::size_t>(a.history_items.back())].vector;
        const double near = detail::dot(a.current_interest, last);
        (a.fading > 0.5 ? fast : slow) += near;
        ++(a.fading > 0.5 ? fast_count : slow_count);
    }
    CHECK(fast / fast_count > slow / slow_count + 0.1);
}

TEST_CASE("without interaction every family reaches the best list") {
    for (const double share : family_limits("variety=0,complement=0")) CHECK(share > 0.995);
}

TEST_CASE("with interaction each family has its limit") {
    struct Limits {
        const char* settings;
        std::array<double, 5> lowest, highest;
    };
    for (const Limits& limits :
         {Limits{"variety=2,complement=0", {0.86, 0.93, 0.955, 0.96, 0.98}, {0.92, 0.975, 0.985, 0.99, 1.0}},
          Limits{"variety=2,complement=1", {0.77, 0.91, 0.935, 0.945, 0.98}, {0.85, 0.955, 0.97, 0.98, 1.0}}}) {
        CAPTURE(limits.settings);
        const std::array<double, 5> share = family_limits(limits.settings);
        for (std::size_t f = 0; f < share.size(); ++f) {
            CAPTURE(f);
            CHECK(share[f] > limits.lowest[f]);
            CHECK(share[f] < limits.highest[f]);
            if (f > 0) CHECK(share[f] > share[f - 1]);
        }
    }
}

TEST_CASE("simulated logs: the same on any number of threads, and what the world says") {
    const World world = world_of("candidates=8,positions=5,seed=3");
    const LogSizes sizes{30, 7, 5};
    const Logs logs = simulate(backend::Cpu<float>(1), world, sizes);
    const Logs again = simulate(backend::Cpu<float>(3), world, sizes);
    const data::Dataset& d = logs.dataset;
    CHECK(d.train.size() == 30);
    CHECK(d.valid.size() == 7);
    CHECK(d.test.size() == 5);
    REQUIRE(logs.truth.size() == 42);
    CHECK(d.train.items == again.dataset.train.items);
    CHECK(d.test.shown.values == again.dataset.test.shown.values);
    CHECK(d.valid.labels == again.dataset.valid.labels);
    double clicks = 0;
    for (std::size_t l = 0; l < 5; ++l) {
        const std::uint64_t number = 37 + l;
        const Session session = world.session(number);
        const Request r = d.request(d.test, l);
        CHECK(std::equal(r.items.begin(), r.items.end(), session.items.begin(), session.items.end()));
        CHECK(std::equal(r.history_times.begin(), r.history_times.end(), session.history_times.begin(),
                         session.history_times.end()));
        const std::vector<int> shown(r.shown.begin(), r.shown.end());
        REQUIRE(shown.size() == 5);
        const Truth& truth = logs.truth[number];
        CHECK(truth.shown == session.utility(shown));
        CHECK(truth.best.value >= truth.shown);
        CHECK(truth_of(world, number).best.value == truth.best.value);
        for (std::size_t i = 0; i < r.size(); ++i) {
            const bool was_shown = std::find(shown.begin(), shown.end(), static_cast<int>(i)) != shown.end();
            CHECK((was_shown || r.labels[i] == 0));
            clicks += r.labels[i];
        }
    }
    CHECK(clicks > 0);
    const Logs without = simulate(backend::Cpu<float>(1), world, {3, 0, 0}, false);
    CHECK(without.truth[0].best.list.empty());
    CHECK_THROWS_AS(simulate(backend::Cpu<float>(1), world, {-1, 0, 0}), SettingError);
}

TEST_CASE("simulated logs: each place is clicked as often as the worth of its list says") {
    const World world = world_of("candidates=8,positions=5,logging=pointwise");
    const data::Dataset d = simulate(backend::Cpu<float>(2), world, {4000, 0, 0}, false).dataset;
    std::array<double, 5> clicked{}, expected{};
    for (std::size_t l = 0; l < 4000; ++l) {
        const Request r = d.request(d.train, l);
        const ListUtility utility = world.session(l).utility;
        const std::vector<int> shown(r.shown.begin(), r.shown.end());
        ListUtility::BrowsingState reading;
        for (std::size_t t = 0; t < shown.size(); ++t) {
            const auto above = std::span(shown).first(t);
            const auto next = utility.read(reading, above, shown[t]);
            expected[t] += (next.clicks - reading.clicks) / 4000;
            clicked[t] += r.labels[static_cast<std::size_t>(shown[t])] / 4000.0;
            reading = next;
        }
    }
    CHECK(expected[0] > 1.2 * expected[4]);  // places can be told apart
    for (std::size_t t = 0; t < 5; ++t) CHECK(clicked[t] == doctest::Approx(expected[t]).epsilon(0.08));
}

TEST_CASE("simulated logs survive the way over a folder") {
    const data::Dataset d =
        simulate(backend::Cpu<float>(1), world_of("candidates=8,positions=5"), {20, 3, 4}, false).dataset;
    const psad::test::TempFolder place;
    const auto folder = place.path() / "logs";
    data::write_lists(folder, d);
    const data::Dataset read = data::read_lists(folder);
    for (const auto split : {&data::Dataset::train, &data::Dataset::valid, &data::Dataset::test}) {
        CHECK((d.*split).items == (read.*split).items);
        CHECK((d.*split).scores == (read.*split).scores);
        CHECK((d.*split).labels == (read.*split).labels);
        CHECK((d.*split).time == (read.*split).time);
        CHECK((d.*split).shown.values == (read.*split).shown.values);
        CHECK((d.*split).shown.offsets == (read.*split).shown.offsets);
    }
    CHECK(d.events.time == read.events.time);
    CHECK(d.user_fields == read.user_fields);
    CHECK(d.item_fields[0].values == read.item_fields[0].values);
    CHECK(read.meta.notes.at("world") == to_text(world_settings("candidates=8,positions=5")));
    CHECK_THROWS_AS(data::write_lists(folder, d), FileError);  // nothing is overwritten
    CHECK_THROWS_AS(data::write_lists(place.path() / "no" / "folder", d), FileError);
}

TEST_CASE("world settings as text") {
    const WorldSettings s = world_settings("positions=6,candidates=12,variety=1.5,logging=mixture,seed=9");
    CHECK(s.positions == 6);
    CHECK(s.variety == 1.5);
    CHECK(s.logging == LoggingPolicy::mixture);
    CHECK(s.temperature == 0.05);
    CHECK(to_text(world_settings(to_text(s))) == to_text(s));
    CHECK(to_text(world_settings("")) == to_text(WorldSettings{}));
    const auto refusal = [](const char* text) -> std::string {
        try {
            world_settings(text);
        } catch (const SettingError& e) {
            return e.what();
        }
        return "";
    };
    CHECK(refusal("gamma=2").starts_with("world settings: found 'gamma=2', wanted one of candidates, positions"));
    CHECK(refusal("positions")
              .starts_with("world settings, positions: found 'positions', wanted positions=WHOLE_NUMBER"));
    CHECK(refusal("seed=-1").ends_with("found 'seed=-1', wanted seed=WHOLE_NUMBER from 0"));
    CHECK(refusal("positions=many").starts_with("world settings, positions: found 'positions=many'"));
    CHECK(refusal("logging=nobody").starts_with("world settings, logging: found 'logging=nobody'"));
    CHECK(refusal("positions=16").starts_with("world settings, positions: found 16, wanted 1 to 15"));
    CHECK(refusal("variety=nan").starts_with("world settings, variety: found nan"));
    CHECK(refusal("items=20").starts_with("world settings, items: found 20"));
    for (const char* text : {",", "positions=6,", ",positions=6", "positions=6,,seed=1"})
        CHECK(refusal(text).starts_with("world settings: found ''"));
}
