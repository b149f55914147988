/// Orders that need no training, by hand.
#include "psad/eval/heuristics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "psad/eval/best_feature.hpp"

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

TEST_CASE("of a long history its latest 10,000 events are looked at") {
    Request r;
    r.items = items;
    std::vector<std::int32_t> history(10'002, 1);
    std::vector<std::int64_t> times(history.size(), 1);
    history[1] = 9, history[2] = 5, history.back() = -1;
    r.history_items = history;
    r.history_times = times;
    r.time = 7;
    CHECK(eval::history_first(r) == Order{3, 0, 1, 2});
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

TEST_CASE("the best single feature: of candidates or of items, in the direction that ranks positives higher") {
    const std::vector<double> dense{1, 9, 2, 4, 3, NAN, 4, 5};  // price, noise
    const std::vector<std::int8_t> cheapest{1, 0, 0, 0};
    Request r;
    r.items = items;
    r.labels = cheapest;
    r.candidate_dense = FeatureRows(dense.data(), 4, 2);
    Catalog catalog;
    catalog.items = 10;
    catalog.dense.assign(10, 1);
    Schema schema;
    schema.candidate_dense = {{"price"}, {"noise"}};
    schema.item_dense = {{"views"}};
    const auto best = eval::best_feature(schema, catalog, std::span(&r, 1));
    REQUIRE(best);
    CHECK(best->name == "price");
    CHECK(best->direction == -1);
    CHECK(best->ndcg10 == 1);
    CHECK(eval::by_feature(eval::DenseColumn(schema, "price"), -1, catalog, r) == Order{0, 1, 2, 3});
    CHECK(eval::by_feature(eval::DenseColumn(schema, "noise"), 1, catalog, r) == Order{0, 3, 1, 2});  // missing: last
    CHECK(eval::by_feature(eval::DenseColumn(schema, "noise"), -1, catalog, r) == Order{1, 3, 0, 2});
    CHECK(eval::by_feature(eval::DenseColumn(schema, "views"), 1, catalog, r) == Order{0, 1, 2, 3});  // ties
    catalog.dense[5] = 7;
    const std::vector<std::int8_t> seen{0, 0, 0, 1};
    r.labels = seen;
    const auto of_item = eval::best_feature(schema, catalog, std::span(&r, 1));
    REQUIRE(of_item);
    CHECK(of_item->direction == 1);
    CHECK((of_item->name == "views" || of_item->name == "price"));
    // A feature of items may have the name of one of candidates.
    schema.item_dense = {{"noise"}};
    catalog.dense = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const std::vector<std::int8_t> by_id{0, 1, 0, 0};
    const std::vector<std::int32_t> rising{1, 9, 3, 2};
    r.items = rising, r.labels = by_id;
    schema.candidate_dense = {{"noise"}};
    const std::vector<double> useless(4, 1.0);
    r.candidate_dense = FeatureRows(useless.data(), 4, 1);
    const auto of_both = eval::best_feature(schema, catalog, std::span(&r, 1));
    REQUIRE(of_both);
    CHECK(of_both->name == "item.noise");
    CHECK(eval::by_feature(eval::DenseColumn(schema, of_both->name), 1, catalog, r) == Order{1, 2, 3, 0});
    CHECK(eval::by_feature(eval::DenseColumn(schema, "noise"), 1, catalog, r) == Order{0, 1, 2, 3});
    const std::vector<std::int8_t> none{0, 0, 0, 0};
    r.labels = none;
    CHECK(!eval::best_feature(schema, catalog, std::span(&r, 1)));
    r.labels = by_id;
    CHECK(!eval::best_feature({}, {}, std::span(&r, 1)));
}
