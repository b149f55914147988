// What the teacher is asked to write, list by list, and the schedules.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "psad/train/schedule.hpp"
#include "psad/train/settings.hpp"
#include "psad/train/targets.hpp"
#include "psad/train/training_batch.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Labels01 = std::vector<std::int8_t>;

struct Laid {
    std::vector<int> order;
    std::vector<double> target, weight;  // [positions, n], [positions] in units of the position's own weight

    std::vector<double> row(std::size_t t) const {
        const std::size_t n = order.size();
        return {target.begin() + static_cast<std::ptrdiff_t>(t * n),
                target.begin() + static_cast<std::ptrdiff_t>((t + 1) * n)};
    }
};

template <class Target>
Laid build(const Labels01& labels, int positions, std::uint64_t key = 1, const std::vector<std::int32_t>& shown = {}) {
    Laid out;
    const auto rows = static_cast<std::size_t>(positions);
    out.target.assign(rows * labels.size(), 0.0);
    for (int t = 0; t < positions; ++t) out.weight.push_back(position_weight(t));
    Request r;
    const std::vector<std::int32_t> items(labels.size(), 0);
    r.items = items;
    r.labels = labels;
    r.shown = shown;
    Target::build(r, positions, key, out.order, out.target.data(), out.weight.data());
    for (std::size_t t = 0; t < rows; ++t) out.weight[t] /= position_weight(static_cast<int>(t));
    REQUIRE(out.order.size() == labels.size());
    REQUIRE(std::set<int>(out.order.begin(), out.order.end()).size() == labels.size());
    return out;
}

using Row = std::vector<double>;
constexpr LabelGroups every_group{true, true, true, true};

}  // namespace

TEST_CASE("position weights are NDCG's discounts") {
    CHECK(position_weight(0) == 1);
    CHECK(position_weight(2) == doctest::Approx(0.5));
}

TEST_CASE("set target: non-positives in random order are followed, positives wanted everywhere") {
    const Labels01 labels{0, 1, 0, 1, 0};
    std::set<std::vector<int>> orders;
    for (std::uint64_t key = 0; key < 40; ++key) {
        const Laid l = build<target::Set>(labels, 5, key);
        orders.insert({l.order.begin(), l.order.begin() + 3});
        CHECK(std::vector<int>(l.order.begin() + 3, l.order.end()) == std::vector<int>{1, 3});
        for (const std::size_t t : {0u, 1u, 2u, 3u}) CHECK(l.row(t) == Row{0, 0.5, 0, 0.5, 0});
        CHECK(l.row(4) == Row{0, 0, 0, 1, 0});  // candidate 1 stands at position 3
        CHECK(l.weight == Row{1, 1, 1, 1, 1});
    }
    CHECK(orders.size() == 6);  // every order of the three
    CHECK(build<target::Set>(labels, 5, 7).order == build<target::Set>(labels, 5, 7).order);
}

TEST_CASE("set target: only positives, no positive, fewer positions than candidates") {
    const Laid all = build<target::Set>({1, 1, 1}, 3);
    CHECK(all.order == std::vector<int>{0, 1, 2});
    CHECK(all.row(0) == Row{1.0 / 3, 1.0 / 3, 1.0 / 3});
    CHECK(all.row(1) == Row{0, 0.5, 0.5});
    CHECK(all.row(2) == Row{0, 0, 1});
    CHECK(all.weight == Row{1, 1, 1});
    const Laid none = build<target::Set>({0, 0, 0}, 3);
    CHECK(none.target == std::vector<double>(9, 0.0));
    CHECK(none.weight == Row{0, 0, 0});
    const Laid few = build<target::Set>({0, 0, 0, 1}, 2);
    CHECK(few.row(0) == Row{0, 0, 0, 1});
    CHECK(few.row(1) == Row{0, 0, 0, 1});
    const Laid one = build<target::Set>({1}, 1);
    CHECK(one.row(0) == Row{1});
}

TEST_CASE("positives first: in shown order, then the rest in shown order") {
    const Laid l = build<target::PositivesFirst>({0, 1, 0, 1}, 3);
    CHECK(l.order == std::vector<int>{1, 3, 0, 2});
    CHECK(l.row(0) == Row{0, 1, 0, 0});
    CHECK(l.row(1) == Row{0, 0, 0, 1});
    CHECK(l.row(2) == Row{1, 0, 0, 0});
    CHECK(l.weight == Row{1, 1, 1});
    CHECK(build<target::PositivesFirst>({0, 0, 0}, 3).order == std::vector<int>{0, 1, 2});
    CHECK(build<target::PositivesFirst>({1, 1}, 2).order == std::vector<int>{0, 1});
}

TEST_CASE("grades: a set target is in proportion to the gains that are left, greater gains come first") {
    const Labels01 grades{1, 0, 3, 2};  // gains 1, 0, 7, 3
    const Laid set = build<target::Set>(grades, 4);
    CHECK(set.order == std::vector<int>{1, 0, 2, 3});
    CHECK(set.row(0) == Row{1.0 / 11, 0, 7.0 / 11, 3.0 / 11});
    CHECK(set.row(1) == set.row(0));
    CHECK(set.row(2) == Row{0, 0, 0.7, 0.3});  // candidate 0 stands at position 1
    CHECK(build<target::PositivesFirst>(grades, 4).order == std::vector<int>{2, 3, 0, 1});
    CHECK(build<target::ClickWeightedExposure>(grades, 4).weight == Row{4, 1, 4, 4});
}

TEST_CASE("gains of one's own, weights and propensities reach the labels") {
    OwnedRequest owned = toy_request(1, 4, 0);
    owned.labels = {1, 0, 2, 0};
    Request r = owned.view();
    const Encoder encoder = toy_encoder({r});
    const std::vector<float> gains{0, 1.5f, 0, 4.5f}, propensities{1, 0.5f, 0.01f, 0.9f};
    const auto laid = [&](const LabelSettings& settings = {}) {
        BatchBuilder<double> builder;
        builder.build(encoder, std::span(&r, 1), 2, 1, 1, target::Set{}, every_group, settings);
        const Labels<double> labels = builder.view().labels;
        Row out(labels.target_prob, labels.target_prob + 4);
        out.push_back(labels.list_weight[0]);
        return out;
    };
    CHECK(laid() == Row{0.25, 0, 0.75, 0, 1});
    r.weight = 3;
    CHECK(laid({.mean_weight = 1.5}) == Row{0.25, 0, 0.75, 0, 2});
    r.gains = gains;
    CHECK(laid() == Row{0, 0.25, 0, 0.75, 3});
    r.propensities = propensities;
    CHECK(laid({.min_propensity = 0.1})[1] == doctest::Approx(3.0 / (3 + 4.5 / 0.9)));
    r.gains = {};  // grade 2 at a propensity of 0.01, which counts as 0.1
    CHECK(laid({.min_propensity = 0.1})[2] == doctest::Approx(30.0 / 31));
}

TEST_CASE("feedback: grades, gains, weights and propensities out of range are refused by place") {
    OwnedRequest owned = toy_request(1, 3, 0);
    const auto refusal = [&](auto change) {
        Request r = owned.view();
        change(r);
        try {
            train::check_feedback(r);
        } catch (const RequestError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const std::vector<std::int8_t> negative{0, -1, 0}, huge{0, 0, 31};
    const std::vector<float> two{1, 2}, bad{1, -2, 0}, none{0.5f, 0, 1};
    CHECK(refusal([](Request&) {}) == "");
    CHECK(refusal([&](Request& r) { r.labels = negative; }) ==
          "request, labels[1]: found -1, wanted a grade from 0 to 30");
    CHECK(refusal([&](Request& r) { r.labels = huge; }) == "request, labels[2]: found 31, wanted a grade from 0 to 30");
    CHECK(refusal([&](Request& r) { r.gains = two; }) == "request, gains: found 2 gains, wanted 3 or none");
    CHECK(refusal([&](Request& r) { r.gains = bad; }) ==
          "request, gains[1]: found -2, wanted a gain from 0 to 2^30 - 1");
    CHECK(refusal([&](Request& r) { r.propensities = none; }) ==
          "request, propensities[1]: found 0, wanted a probability above 0, at most 1");
    CHECK(refusal([](Request& r) { r.weight = -1; }) == "request, weight: found -1, wanted a number from 0 to 1e9");
    CHECK(refusal([](Request& r) { r.weight = std::numeric_limits<float>::quiet_NaN(); }) != "");
    CHECK(refusal([](Request& r) { r.labels = {}; }) == "request, labels: found 0 labels, wanted 3, one a candidate");
}

TEST_CASE("exposure: the shown list, clicks counting four times where asked") {
    const Laid shown = build<target::Exposure>({0, 1, 0, 1}, 3);
    CHECK(shown.order == std::vector<int>{0, 1, 2, 3});
    for (const std::size_t t : {0u, 1u, 2u}) {
        Row wanted(4, 0.0);
        wanted[t] = 1;
        CHECK(shown.row(t) == wanted);
    }
    CHECK(shown.weight == Row{1, 1, 1});
    const Laid clicked = build<target::ClickWeightedExposure>({0, 1, 0, 1}, 3);
    CHECK(clicked.order == shown.order);
    CHECK(clicked.target == shown.target);
    CHECK(clicked.weight == Row{1, 4, 1});  // the second click lies beyond the positions
    CHECK(build<target::ClickWeightedExposure>({0, 0}, 2).weight == Row{1, 1});
    CHECK(build<target::ClickWeightedExposure>({1, 1}, 2).weight == Row{4, 4});
}

TEST_CASE("training batch: the layout of a batch, lists shorter than the positions included") {
    std::vector<OwnedRequest> owned{toy_request(1, 6, 2), toy_request(2, 3, 0), toy_request(3, 2, 1)};
    owned[0].labels = {0, 1, 0, 0, 1, 0};
    owned[1].labels = {0, 0, 0};
    owned[2].labels = {1, 1};
    const auto requests = views(owned);
    BatchBuilder<double> builder;
    builder.build(toy_encoder(requests), requests, 4, 2, 9, target::PositivesFirst{}, every_group);
    const TrainingBatch<double> batch = builder.view();
    const Inputs<double>& in = batch.in;
    CHECK(in.layout.positions.rows == 4 + 3 + 2);
    CHECK(in.layout.items.rows == 6 + 3 + 2);
    const Prefix& prefix = batch.prefix;
    const std::vector<int> placed(prefix.placed, prefix.placed + 9), position(prefix.position, prefix.position + 9);
    CHECK(placed == std::vector<int>{1, 4, 0, 2, 6, 7, 8, 9, 10});
    CHECK(position == std::vector<int>{0, 1, 2, 3, 0, 1, 2, 0, 1});
    CHECK(std::vector<int>(prefix.block_input, prefix.block_input + 9) ==
          std::vector<int>{-1, -1, 1, 4, -1, -1, 6, -1, -1});
    CHECK(std::vector<int>(prefix.key_length, prefix.key_length + 9) == std::vector<int>{2, 2, 4, 4, 2, 2, 3, 2, 2});
    CHECK(prefix.placed_at[3] == RowMask::never_placed);  // candidates 3 and 5 found no position
    CHECK(prefix.placed_at[5] == RowMask::never_placed);
    CHECK(prefix.placed_at[10] == 1);
    const Labels<double>& l = batch.labels;
    CHECK(Row(l.has_positive, l.has_positive + 3) == Row{1, 0, 1});
    CHECK(Row(l.target_prob, l.target_prob + 11) == Row{0, .5, 0, 0, .5, 0, 0, 0, 0, .5, .5});
    CHECK(Row(l.relevance, l.relevance + 11) == Row{0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1});
    for (int row = 0; row < 9; ++row) {
        CHECK(l.position_weight[row] == position_weight(position[static_cast<std::size_t>(row)]));
        const bool poor = row >= 4 && row < 7;
        CHECK(l.good_weight[row] == (poor ? 0 : l.target_weight[row]));
        CHECK(l.poor_weight[row] == (poor ? l.target_weight[row] : 0));
    }
    CHECK(l.target[0 * 6 + 1] == 1);                  // list 0, position 0: its candidate 1
    CHECK(l.target[4 * 6 + 0 * 3 + 0] == 1);          // list 1, position 0
    CHECK(l.target[4 * 6 + 3 * 3 + 1 * 2 + 1] == 1);  // list 2, position 1
}

TEST_CASE("schedule: up from zero, then a cosine down to a hundredth") {
    using schedule::warm_cosine;
    CHECK(warm_cosine(0, 0.1) == 0);
    CHECK(warm_cosine(0.05, 0.1) == doctest::Approx(0.5));
    CHECK(warm_cosine(0.1, 0.1) == doctest::Approx(1));
    CHECK(warm_cosine(0.55, 0.1) == doctest::Approx(0.505));
    CHECK(warm_cosine(1, 0.1) == doctest::Approx(0.01));
    CHECK(warm_cosine(1.5, 0.1) == doctest::Approx(0.01));
    CHECK(warm_cosine(0, 0) == doctest::Approx(1));
    for (int i = 20; i < 200; ++i) CHECK(warm_cosine(i / 200.0, 0.1) > warm_cosine((i + 1) / 200.0, 0.1));
}

TEST_CASE("schedule: the ramp of distillation") {
    using schedule::ramp;
    CHECK(ramp(0, 0.1, 0.3) == 0);
    CHECK(ramp(0.1, 0.1, 0.3) == 0);
    CHECK(ramp(0.2, 0.1, 0.3) == doctest::Approx(0.5));
    CHECK(ramp(0.3, 0.1, 0.3) == doctest::Approx(1));
    CHECK(ramp(1, 0.1, 0.3) == 1);
    CHECK(ramp(0, -1, 0) == 1);  // full from the first step
}
