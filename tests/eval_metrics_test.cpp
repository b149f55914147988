/// Metrics against values by hand and against a second, plain formulation; the bootstrap against theory.
#include "psad/eval/latency.hpp"
#include "psad/eval/metrics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"

namespace {

using namespace psad::eval;
using Gains = std::vector<float>;
using Scores = std::vector<float>;

doctest::Approx near(double value) {
    return doctest::Approx(value).epsilon(1e-12);
}

double standard_normal(std::mt19937& random) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    return sum - 6.0;
}

double width(const Interval& interval) {
    return interval.high - interval.low;
}

}  // namespace

TEST_CASE("average precision by hand") {
    const Gains gains{1, 0, 1, 0, 1};
    CHECK(average_precision(gains, 5, 3) == near((1.0 + 2.0 / 3 + 3.0 / 5) / 3));
    CHECK(average_precision(gains, 3, 3) == near((1.0 + 2.0 / 3) / 3));
    CHECK(average_precision(gains, 2, 3) == near(1.0 / 2));  // min(3 positives, k = 2)
    CHECK(average_precision(gains, 1, 3) == near(1.0));
    CHECK(average_precision(gains, 10, 3) == average_precision(gains, 5, 3));
    CHECK(average_precision(gains, 10, 6) == near((1.0 + 2.0 / 3 + 3.0 / 5) / 6));  // 3 more not ranked
    CHECK(average_precision(Gains{0, 0}, 2, 1) == 0.0);
    CHECK(std::isnan(average_precision(Gains{0, 0}, 2, 0)));
    CHECK(std::isnan(average_precision(gains, 0, 3)));
}

TEST_CASE("NDCG by hand") {
    const Gains gains{0, 1, 1};
    const double second = 1 / std::log2(3.0), third = 1 / std::log2(4.0);
    CHECK(ndcg(gains, 3, gains) == near((second + third) / (1 + second)));
    CHECK(ndcg(gains, 2, gains) == near(second / (1 + second)));
    CHECK(ndcg(gains, 1, gains) == 0.0);
    CHECK(ndcg(gains, 9, Gains{1, 1, 1}) == near((second + third) / (1 + second + third)));  // one is not ranked
    CHECK(ndcg(Gains{1, 1, 0}, 3, Gains{0, 1, 1}) == near(1.0));
    CHECK(std::isnan(ndcg(Gains{0}, 1, Gains{0})));
    CHECK(std::isnan(ndcg(gains, 0, gains)));
    // Grades 0, 2, 1, 3 gain 0, 3, 1, 7.
    const Gains graded{0, 3, 1, 7};
    CHECK(dcg(graded, 4) == near(3 * second + 1 * third + 7 / std::log2(5.0)));
    CHECK(ndcg(graded, 4, graded) == near(dcg(graded, 4) / (7 + 3 * second + 1 * third)));
    CHECK(ndcg(graded, 2, graded) == near(3 * second / (7 + 3 * second)));
}

TEST_CASE("reciprocal rank, ERR, precision and recall by hand") {
    const Gains gains{0, 3, 0, 7};
    CHECK(reciprocal_rank(gains) == 0.5);
    CHECK(std::isnan(reciprocal_rank(Gains{0, 0})));
    // Grades 2 and 3 of 3: a reader stops at them with 3/8 and 7/8.
    CHECK(expected_reciprocal_rank(gains, 4, 7) == near(3.0 / 8 / 2 + 5.0 / 8 * 7.0 / 8 / 4));
    CHECK(expected_reciprocal_rank(gains, 2, 7) == near(3.0 / 8 / 2));
    CHECK(precision(gains, 2) == 0.5);
    CHECK(precision(gains, 8) == 0.25);  // of k, not of the list
    CHECK(std::isnan(precision(gains, 0)));
    CHECK(recall(gains, 2, 2) == 0.5);
    CHECK(recall(gains, 4, 3) == near(2.0 / 3));
    CHECK(std::isnan(recall(gains, 2, 0)));
}

TEST_CASE("clicks and revenue by hand") {
    const Gains gains{1, 0, 1, 1};
    const std::vector<double> prices{10, 20, 30.5, 40};
    CHECK(clicks(gains, 0) == 0.0);
    CHECK(clicks(gains, 2) == 1.0);
    CHECK(clicks(gains, 3) == 2.0);
    CHECK(clicks(gains, 99) == 3.0);
    CHECK(revenue(gains, prices, 2) == 10.0);
    CHECK(revenue(gains, prices, 3) == 40.5);
    CHECK(revenue(gains, prices, 99) == 80.5);
    CHECK(revenue(Gains{0}, std::vector<double>{5}, 1) == 0.0);
}

TEST_CASE("AUC by hand") {
    CHECK(auc(Scores{3, 2, 1}, Gains{1, 0, 0}) == 1.0);
    CHECK(auc(Scores{3, 2, 1}, Gains{0, 0, 1}) == 0.0);
    CHECK(auc(Scores{3, 2, 1}, Gains{0, 1, 0}) == 0.5);
    CHECK(auc(Scores{1, 1, 1, 1}, Gains{0, 1, 1, 0}) == 0.5);
    CHECK(auc(Scores{1, 2, 2}, Gains{0, 1, 0}) == 0.75);
    CHECK(std::isnan(auc(Scores{1, 2}, Gains{1, 1})));
    CHECK(std::isnan(auc(Scores{1, 2}, Gains{0, 0})));
    CHECK(std::isnan(auc(Scores{}, Gains{})));
}

TEST_CASE("ILD by hand") {
    CHECK(ild(Scores{1, 0, 0, 2}, 2) == near(1.0));
    CHECK(ild(Scores{1, 2, 2, 4}, 2) == doctest::Approx(0.0));
    CHECK(ild(Scores{1, 0, -3, 0}, 2) == near(2.0));
    CHECK(ild(Scores{1, 0, 1, 0, 0, 1}, 2) == near(2.0 / 3));
    CHECK(ild(Scores{1, 0, 0, 0}, 2) == near(1.0));  // a row of zeros
    CHECK(ild(Scores{0, 0, 0, 0}, 2) == near(1.0));
    CHECK(std::isnan(ild(Scores{1, 0}, 2)));
    CHECK(std::isnan(ild(Scores{}, 2)));
}

TEST_CASE("the order of scores is descending and stable") {
    using Order = std::vector<int>;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    CHECK(stable_order(Scores{}) == Order{});
    CHECK(stable_order(Scores{1, 3, 2}) == Order{1, 2, 0});
    CHECK(stable_order(Scores{1, 2, 1, 2, 1}) == Order{1, 3, 0, 2, 4});
    CHECK(stable_order(Scores{0.0F, -0.0F, 0.0F}) == Order{0, 1, 2});
    CHECK(stable_order(Scores{nan, -inf, 5, nan, inf}) == Order{4, 2, 1, 0, 3});

    std::vector<float> constant(1000, 0.5F);
    const Order kept = stable_order(constant);
    CHECK(std::is_sorted(kept.begin(), kept.end()));
}

TEST_CASE("metrics agree with a plain second formulation on random lists") {
    std::mt19937 random(7);
    for (int trial = 0; trial < 2000; ++trial) {
        CAPTURE(trial);
        const std::size_t n = 1 + random() % 12;
        const std::size_t k = 1 + random() % 14;
        const std::size_t unranked = random() % 3;
        Gains gains(n);
        Scores scores(n);
        std::vector<double> prices(n);
        std::size_t positives = unranked;
        for (std::size_t i = 0; i < n; ++i) {
            gains[i] = random() % 3 == 0 ? 1.0F : 0.0F;
            positives += static_cast<std::size_t>(gains[i]);
            scores[i] = static_cast<float>(random() % 5);  // few values, so that ties are common
            prices[i] = static_cast<double>(random() % 100);
        }

        // AP: for each rank, recount the positives up to it. NDCG: the same sum over a list of ideal gains.
        const std::size_t cut = std::min(n, k);
        double precision_sum = 0, gain = 0, ideal = 0, clicked = 0, earned = 0;
        for (std::size_t rank = 1; rank <= cut; ++rank) {
            const double hits =
                static_cast<double>(std::count(gains.begin(), gains.begin() + static_cast<int>(rank), 1.0F));
            const auto y = static_cast<double>(gains[rank - 1]);
            precision_sum += y * hits / static_cast<double>(rank);
            gain += (std::pow(2.0, y) - 1) * std::log(2.0) / std::log(static_cast<double>(rank) + 1);
            clicked += y;
            earned += y * prices[rank - 1];
        }
        for (std::size_t rank = 1; rank <= k; ++rank) {
            const double y = rank <= positives ? 1 : 0;
            ideal += (std::pow(2.0, y) - 1) * std::log(2.0) / std::log(static_cast<double>(rank) + 1);
        }
        CHECK(clicks(gains, k) == clicked);
        CHECK(revenue(gains, prices, k) == near(earned));
        Gains all = gains;
        all.insert(all.end(), unranked, 1.0F);
        if (positives == 0) {
            CHECK(std::isnan(average_precision(gains, k, positives)));
            CHECK(std::isnan(ndcg(gains, k, all)));
        } else {
            CHECK(average_precision(gains, k, positives) ==
                  near(precision_sum / static_cast<double>(std::min(positives, k))));
            CHECK(ndcg(gains, k, all) == near(gain / ideal));
        }

        double won = 0, pairs = 0;
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                if (gains[i] != 1 || gains[j] != 0) continue;
                pairs += 1;
                won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }
        if (pairs == 0) {
            CHECK(std::isnan(auc(scores, gains)));
        } else {
            CHECK(auc(scores, gains) == near(won / pairs));
        }

        const std::vector<int> order = stable_order(scores);
        for (std::size_t i = 0; i < n; ++i) {
            std::size_t above = 0;  // an item's place is the number of items that go before it
            for (std::size_t j = 0; j < n; ++j) {
                above += scores[j] > scores[i] || (scores[j] == scores[i] && j < i) ? 1 : 0;
            }
            CHECK(order[above] == static_cast<int>(i));
        }

        const std::size_t width = 1 + random() % 4;
        Scores vectors(n * width);
        for (float& x : vectors) x = static_cast<float>(random() % 7) - 3.0F;
        double distance = 0, count = 0;
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = i + 1; j < n; ++j) {
                double dot = 0, left = 0, right = 0;
                for (std::size_t d = 0; d < width; ++d) {
                    const auto a = static_cast<double>(vectors[i * width + d]);
                    const auto b = static_cast<double>(vectors[j * width + d]);
                    dot += a * b;
                    left += a * a;
                    right += b * b;
                }
                distance += left > 0 && right > 0 ? 1 - dot / std::sqrt(left * right) : 1;
                count += 1;
            }
        }
        if (n < 2) {
            CHECK(std::isnan(ild(vectors, width)));
        } else {
            CHECK(std::abs(ild(vectors, width) - distance / count) < 1e-12);
        }
    }
}

TEST_CASE("the bootstrap is deterministic, down to its generator") {
    // The first outputs of splitmix64 from seed 0 are e220a8397b1dcdaf and 6e789e6aa1b965f4.
    ResamplePositions positions(0, 65536);
    const auto first = positions.next();
    CHECK(first.first == 0xe220);
    CHECK(first.second == 0x7b1d);
    const auto second = positions.next();
    CHECK(second.first == 0x6e78);
    CHECK(second.second == 0xa1b9);

    std::vector<double> values(101);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    const Interval interval = bootstrap_mean(values);
    const Interval again = bootstrap_mean(values);
    CHECK(interval.value == 50.0);
    CHECK(interval.low == again.low);
    CHECK(interval.high == again.high);
    CHECK(bootstrap_mean(values, 1000, 1).low != interval.low);
}

TEST_CASE("the bootstrap reaches every list, evenly") {
    for (const std::size_t lists : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
        std::vector<double> drawn(lists, 0.0);
        ResamplePositions positions(3, lists);
        for (int i = 0; i < 100'000; ++i) {
            const auto pair = positions.next();
            drawn.at(pair.first) += 1;
            drawn.at(pair.second) += 1;
        }
        const double expected = 200'000.0 / static_cast<double>(lists);
        const auto [fewest, most] = std::minmax_element(drawn.begin(), drawn.end());
        CHECK(*fewest > expected - 6 * std::sqrt(expected));
        CHECK(*most < expected + 6 * std::sqrt(expected));
    }
}

TEST_CASE("the interval has the width and the coverage of theory") {
    std::mt19937 random(11);
    const int trials = 400, lists = 80;
    int covered = 0, below = 0;
    double mean_width = 0;
    for (int trial = 0; trial < trials; ++trial) {
        std::vector<double> values(lists);
        for (double& value : values) value = 0.3 + standard_normal(random);
        const Interval interval = bootstrap_mean(values, 1000, random());
        REQUIRE(interval.low <= interval.value);
        REQUIRE(interval.value <= interval.high);
        covered += interval.low <= 0.3 && 0.3 <= interval.high ? 1 : 0;
        below += interval.high < 0.3 ? 1 : 0;
        mean_width += width(interval) / trials;
    }
    CHECK(mean_width == doctest::Approx(2 * 1.96 / std::sqrt(80.0)).epsilon(0.03));
    CHECK(covered > 0.91 * trials);  // 95 % less three standard errors and the percentile method's shortfall
    CHECK(covered < 0.98 * trials);
    CHECK(below > 0);  // misses lie on both sides
    CHECK(below < trials - covered);
}

TEST_CASE("a paired difference is tighter than its parts where these correlate") {
    std::mt19937 random(5);
    std::vector<double> a(500), b(500);
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double list = standard_normal(random);
        a[i] = list + 0.1 * standard_normal(random) + 0.05;
        b[i] = list + 0.1 * standard_normal(random);
    }
    const Interval difference = paired_difference(a, b);
    CHECK(width(difference) < 0.3 * width(bootstrap_mean(a)));
    CHECK(difference.value == doctest::Approx(bootstrap_mean(a).value - bootstrap_mean(b).value));
    CHECK(difference.low > 0);
    const Interval reversed = paired_difference(b, a);
    CHECK(reversed.high == doctest::Approx(-difference.low));
    CHECK(width(paired_difference(a, a)) == 0.0);
}

TEST_CASE("the bootstrap at its edges") {
    const Interval none = bootstrap_mean({});
    CHECK(std::isnan(none.value));
    CHECK(std::isnan(none.low));
    CHECK(std::isnan(none.high));
    const std::vector<double> one{0.25};
    CHECK(bootstrap_mean(one).low == 0.25);
    CHECK(bootstrap_mean(one, 1).high == 0.25);
    CHECK_THROWS_AS(bootstrap_mean(one, 0), psad::SettingError);
    const std::vector<double> two{1.0, 2.0};
    CHECK_THROWS_AS(paired_difference(one, two), psad::SettingError);
    // With a quarter of the resamples at each mean of {0, 0} and {1, 1}, both ends are in the interval.
    const std::vector<double> coin{0.0, 1.0};
    CHECK(bootstrap_mean(coin).low == 0.0);
    CHECK(bootstrap_mean(coin).high == 1.0);
}

TEST_CASE("history buckets") {
    const std::vector<std::size_t> first{0, 1, 6, 21, 51}, last{0, 5, 20, 50, 1'000'000};
    const std::vector<std::string> gains{"0", "1-5", "6-20", "21-50", "51+"};
    REQUIRE(history_buckets == gains.size());
    for (std::size_t b = 0; b < history_buckets; ++b) {
        CHECK(history_bucket(first[b]) == b);
        CHECK(history_bucket(last[b]) == b);
        CHECK(history_bucket_label(b) == gains[b]);
    }
    const std::vector<std::size_t> bucket{2, 0, 2};
    const std::vector<double> values{.1, .2, .3};
    CHECK(values_in(2, bucket, values) == std::vector<double>{.1, .3});
    CHECK(values_in(1, bucket, values).empty());
}

TEST_CASE("latency: median and 99th percentile, every call timed once") {
    CHECK(psad::eval::latency_of({}).p50 == 0);
    CHECK(psad::eval::latency_of({3, 1, 2}).p50 == 2);
    std::vector<double> times;
    for (int i = 0; i < 200; ++i) times.push_back(199 - i);
    CHECK(psad::eval::latency_of(times).p50 == 100);
    CHECK(psad::eval::latency_of(times).p99 == 198);
    std::vector<std::size_t> calls;
    const psad::eval::Latency latency = psad::eval::measure_latency(5, [&](std::size_t i) { calls.push_back(i); });
    CHECK(calls == std::vector<std::size_t>{0, 1, 2, 3, 4});
    CHECK(latency.p50 > 0);
    CHECK(latency.p99 >= latency.p50);
}
