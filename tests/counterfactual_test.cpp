/// Estimates from biased clicks against the truth that made them, and a column's values by name.
#include "psad/eval/counterfactual.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/rng.hpp"
#include "psad/eval/dense_column.hpp"

namespace {

using namespace psad;

/// Lists of six with known relevance, logged in their own order with position bias.
struct BiasedLog {
    static constexpr std::size_t candidates = 6;
    std::vector<std::int32_t> items = {0, 1, 2, 3, 4, 5};
    std::vector<float> relevance, gains, propensities;
    std::vector<Request> requests;
    std::vector<eval::Order> orders;  ///< the most relevant first

    BiasedLog(std::size_t lists, std::uint64_t seed) {
        rng::Stream random(seed);
        for (std::size_t l = 0; l < lists; ++l) {
            eval::Order order(candidates);
            std::iota(order.begin(), order.end(), 0);
            const std::size_t first = relevance.size();
            for (std::size_t i = 0; i < candidates; ++i) {
                relevance.push_back(static_cast<float>(0.6 * random.uniform()));
                propensities.push_back(static_cast<float>(1 / (1.0 + static_cast<double>(i))));
                const bool examined = random.uniform() < static_cast<double>(propensities.back());
                gains.push_back(examined && random.uniform() < static_cast<double>(relevance.back()) ? 1.0f : 0.0f);
            }
            std::ranges::stable_sort(order, std::ranges::greater(),
                                     [&](int i) { return relevance[first + static_cast<std::size_t>(i)]; });
            orders.push_back(order);
        }
        for (std::size_t l = 0; l < lists; ++l) {
            Request r;
            r.items = items;
            r.gains = std::span(gains).subspan(l * candidates, candidates);
            r.propensities = std::span(propensities).subspan(l * candidates, candidates);
            requests.push_back(r);
        }
    }

    /// What the orders are worth: mean DCG@k of relevance, and its share in all relevance.
    std::pair<double, double> truth(std::size_t k) const {
        double sum = 0, all = 0;
        for (std::size_t l = 0; l < orders.size(); ++l) {
            for (std::size_t t = 0; t < candidates; ++t) {
                const auto worth =
                    static_cast<double>(relevance[l * candidates + static_cast<std::size_t>(orders[l][t])]);
                all += worth;
                if (t < k) sum += worth / std::log2(static_cast<double>(t + 2));
            }
        }
        return {sum / static_cast<double>(orders.size()), sum / all};
    }
};

double width(const eval::Interval& x) {
    return x.high - x.low;
}

}  // namespace

TEST_CASE("estimates from biased clicks hold what the orders are worth" * doctest::test_suite("long")) {
    const auto holds = [](const eval::Interval& x, double truth) { return x.low <= truth && truth <= x.high ? 1 : 0; };
    int ips = 0, snips = 0, dr = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const BiasedLog log(700, seed);
        const auto [dcg, share] = log.truth(3);
        const auto found = eval::counterfactual(log.requests, log.orders, 3, 0.01);
        CHECK(found.lists == 700);
        CHECK(found.clipped == 0);
        CHECK(found.dr.value == doctest::Approx(found.ips.value));
        // Few large weights: what they miss is filled in by what the ranks are worth, with less variance.
        const auto clipped = eval::counterfactual(log.requests, log.orders, 3, 0.5);
        CHECK(clipped.clipped > 0);
        CHECK(clipped.ips.high < dcg);
        CHECK(width(clipped.dr) < width(found.ips));
        // What the clicks say without propensities is another thing.
        std::vector<Request> unweighted = log.requests;
        const std::vector<float> ones(BiasedLog::candidates, 1.0f);
        for (Request& r : unweighted) r.propensities = ones;
        CHECK(eval::counterfactual(unweighted, log.orders, 3, 0.01).ips.high < dcg);
        ips += holds(found.ips, dcg), snips += holds(found.snips, share), dr += holds(clipped.dr, dcg);
    }
    // Of 10 intervals of 95 % four or more miss once in 1000 times.
    CHECK(ips >= 7);
    CHECK(snips >= 7);
    CHECK(dr >= 7);
}

TEST_CASE("estimates by hand") {
    const std::vector<std::int32_t> items{0, 1};
    const std::vector<float> gains{0, 1}, propensities{1, 0.25f};
    Request r;
    r.items = items, r.gains = gains, r.propensities = propensities;
    Request without;
    without.items = items, without.gains = gains;
    const std::vector<Request> requests{r, without, r};
    const std::vector<eval::Order> orders{{0, 1}, {0, 1}, {1, 0}};
    const auto found = eval::counterfactual(requests, orders, 2, 0.01);
    const double second = 1 / std::log2(3.0);
    CHECK(found.lists == 2);
    CHECK(found.ips.value == doctest::Approx((4 * second + 4) / 2));
    CHECK(found.snips.value == doctest::Approx((4 * second + 4) / 8));
    CHECK(found.dr.value == doctest::Approx(found.ips.value));  // nothing is clipped

    const auto clipped = eval::counterfactual(requests, orders, 2, 0.5);
    CHECK(clipped.clipped == 2);
    CHECK(clipped.ips.value == doctest::Approx((2 * second + 2) / 2));
    // Rank 1 earned 1 of propensities 1 and 1/4, so is rank 2; half of what p = 1/4 examines is taken there.
    const double rank = 1 / 1.25;
    CHECK(clipped.dr.value == doctest::Approx(clipped.ips.value + rank * (second + 1) * 0.5 / 2));
    CHECK(eval::counterfactual(requests, orders, 1, 0.01).ips.value == doctest::Approx(4.0 / 2));
    const std::vector<float> floored{0.01f, 0.01f};  // as a log has it that was cut there itself
    r.propensities = floored;
    CHECK(eval::counterfactual(std::span(&r, 1), std::span(orders).first(1), 2, 0.01).clipped == 0);

    const auto none = eval::counterfactual(std::span(&without, 1), std::span(orders).first(1), 2, 0.01);
    CHECK(none.lists == 0);
    CHECK(std::isnan(none.ips.value));
    CHECK_THROWS_AS(eval::counterfactual(requests, std::span(orders).first(2), 2, 0.01), SettingError);
    CHECK_THROWS_AS(eval::counterfactual(requests, orders, 2, 0), SettingError);
}

TEST_CASE("a dense column by name, wherever a request has it") {
    Schema schema;
    schema.candidate_dense = {{"score"}, {"price"}, {"aux"}, {"margin"}};
    schema.item_dense = {{"size"}, {"weight"}};
    const Catalog catalog{.items = 1, .dense = {1, 2}}, brought{.items = 1, .dense = {3, 4}};
    const std::vector<std::int32_t> items{1, 0, -1};
    const std::vector<float> scores{5, 6, 7};
    const std::vector<double> all{0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}, two{1, 3, 11, 13, 21, 23};
    Request whole, split;
    whole.items = split.items = items;
    whole.new_items = split.new_items = &brought;
    whole.candidate_dense = FeatureRows(all.data(), 3, 4);
    split.candidate_dense = FeatureRows(two.data(), 3, 2);
    split.scores = scores;
    const auto value = [&](const char* name, const Request& r, std::size_t i) {
        return eval::DenseColumn(schema, name)(catalog, r, i);
    };
    for (const Request* r : {&whole, &split}) {
        CHECK(value("price", *r, 1) == 11);
        CHECK(value("margin", *r, 2) == 23);
        CHECK(value("weight", *r, 0) == 4);
        CHECK(value("weight", *r, 1) == 2);
        CHECK(std::isnan(value("size", *r, 2)));
    }
    CHECK(value("score", whole, 1) == 10);
    CHECK(value("score", split, 1) == 6);
    CHECK(value("aux", whole, 2) == 22);
    CHECK(std::isnan(value("aux", split, 2)));
    CHECK(std::isnan(value("price", Request{.items = items}, 0)));
    CHECK_THROWS_WITH_AS(value("cost", whole, 0),
                         doctest::Contains("found cost, wanted score, price, aux, margin, size, weight"), SettingError);
}
