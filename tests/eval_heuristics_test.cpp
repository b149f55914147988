/// Orders that need no training, by hand.
#include "psad/eval/heuristics.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace {

using namespace psad;
using eval::Order;

const std::vector<std::int32_t> items{7, 3, 9, 5};

Request with_aux(const std::vector<float>& aux, const std::vector<std::int8_t>& labels) {
    Request r;
    r.items = items;
    r.aux = aux;
    r.labels = labels;
    return r;
}

}  // namespace

TEST_CASE("what the history holds comes first, the latest before") {
    Request r;
    r.items = items;
    CHECK(eval::history_first(r) == Order{0, 1, 2, 3});
    const std::vector<std::int32_t> history{9, 5, 9, 1, 3, 5};
    const std::vector<std::int64_t> times{1, 2, 3, 4, 5, 6};
    r.history_items = history;
    r.history_times = times;
    r.time = 7;
    CHECK(eval::history_first(r) == Order{3, 1, 2, 0});
    r.time = 6;  // what comes at the request or later is not known
    CHECK(eval::history_first(r) == Order{1, 2, 3, 0});
}

TEST_CASE("by aux, in both directions; ties keep the initial order") {
    const std::vector<float> aux{2, 5, 2, 1};
    const std::vector<std::int8_t> labels{0, 0, 0, 1};
    const Request r = with_aux(aux, labels);
    CHECK(eval::by_aux(r, 1) == Order{1, 0, 2, 3});
    CHECK(eval::by_aux(r, -1) == Order{3, 0, 2, 1});
    CHECK(eval::by_aux(with_aux({}, labels), 1) == Order{0, 1, 2, 3});
}

TEST_CASE("the direction of aux is the one that ranks positives higher") {
    const std::vector<float> aux{2, 5, 2, 1};
    const std::vector<std::int8_t> small{0, 0, 0, 1}, large{0, 1, 0, 0};
    CHECK(eval::aux_direction(std::vector{with_aux(aux, small)}) == -1.0f);
    CHECK(eval::aux_direction(std::vector{with_aux(aux, large)}) == 1.0f);
    CHECK(eval::aux_direction(std::vector{with_aux({}, small), with_aux(aux, {})}) == std::nullopt);
    CHECK(eval::has_aux(std::vector{with_aux({}, small), with_aux(aux, small)}));
    CHECK_FALSE(eval::has_aux(std::vector{with_aux({}, small)}));
}

TEST_CASE("a candidate without an id is not what an event without an item was on") {
    const std::vector<std::int32_t> candidates{7, -1}, history{-1};
    const std::vector<std::int64_t> times{1};
    Request r;
    r.items = candidates;
    r.history_items = history;
    r.history_times = times;
    r.time = 2;
    CHECK(eval::history_first(r) == Order{0, 1});
}
