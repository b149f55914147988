// What a page does to feedback: estimated, taken out of gains, and respected by orders.
#include "psad/features/exposure.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model/decode.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/fit.hpp"
#include "psad/train/fit_exposure.hpp"
#include "psad/train/weighed_gains.hpp"
#include "support/files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = Psad<small>;
constexpr std::size_t reach = Exposure::reach;

/// Effects on one of so many item fields.
std::vector<float> effects(std::size_t fields, std::size_t field, std::vector<float> of_field) {
    std::vector<float> out(fields * reach);
    of_field.resize(reach);
    std::ranges::copy(of_field, out.begin() + static_cast<std::ptrdiff_t>(field * reach));
    return out;
}

/// What a log is like that nobody but its maker knows.
struct World {
    double alike = 0;         ///< a click's logarithm for each like brand on the last two places
    double bad_brand = 0;     ///< for brand 1, which half of the items then have
    bool falls = true;        ///< clicks fall with the position
    bool one_colour = false;  ///< a page shows items of one colour alone
    int brands = 10;
    int noise = 0;  ///< further features that say nothing
};

/// Pages of 12 candidates with a number that tells how good each is. The ranker before sorts by that and noise, so that
/// what stands high is good.
struct Pages {
    static constexpr std::size_t n = 12, items = 400;
    Schema schema;
    Catalog catalog;
    std::vector<std::vector<std::int32_t>> candidates;
    std::vector<std::vector<float>> values;
    std::vector<std::vector<std::int8_t>> clicks;
    std::vector<std::int32_t> order;
    std::vector<Request> requests;

    static double seen(std::size_t position) { return 1 / (1 + 0.3 * static_cast<double>(position)); }

    explicit Pages(std::size_t count, const World& world = {}) {
        schema.item_fields = {{"colours", 4}, {"brand", world.brands + 2}, {"colour", 4}};
        schema.candidate_dense = {{"value"}};
        for (int f = 0; f < world.noise; ++f) schema.candidate_dense.push_back({"noise " + std::to_string(f)});
        catalog.items = items;
        catalog.fields.resize(3);
        for (std::size_t i = 0; i < items; ++i) {
            const auto add = [&](std::size_t field, std::vector<std::int32_t> of_item) {
                auto& [offsets, ids] = catalog.fields[field];
                ids.insert(ids.end(), of_item.begin(), of_item.end());
                offsets.push_back(static_cast<std::int64_t>(ids.size()));
            };
            add(0, {1, 2});  // of several values: alike to none
            add(1, {world.bad_brand != 0 && i % 2 == 0
                        ? 1
                        : static_cast<std::int32_t>(2 + i % static_cast<std::size_t>(world.brands))});
            add(2, {static_cast<std::int32_t>(1 + i % 3)});
        }
        for (std::size_t p = 0; p < n; ++p) order.push_back(static_cast<std::int32_t>(p));
        for (std::size_t l = 0; l < count; ++l) add(rng::derive(99, l), world);
        for (std::size_t l = 0; l < count; ++l) {
            Request r;
            r.time = 1000, r.items = candidates[l], r.labels = clicks[l], r.shown = order;
            r.candidate_dense = FeatureRows(values[l].data(), n, schema.candidate_dense.size());
            requests.push_back(r);
        }
    }

  private:
    std::int32_t brand(std::int32_t item) const { return catalog.fields[1][static_cast<std::size_t>(item)][0]; }

    void add(std::uint64_t key, const World& world) {
        std::vector<std::int32_t> page;
        std::uint64_t draws = 0;
        while (page.size() < n) {
            auto item = static_cast<std::int32_t>(rng::below(key, draws++, items));
            if (world.one_colour && !page.empty()) item += (page[0] - item) % 3;
            if (item >= 0 && item < static_cast<std::int32_t>(items) && std::ranges::count(page, item) == 0)
                page.push_back(item);
        }
        std::vector<std::pair<double, float>> ranked;  // what the ranker thinks, and the value
        for (std::size_t i = 0; i < n; ++i) {
            const auto value = static_cast<double>(rng::normal(rng::derive(key, 1), i));
            ranked.emplace_back(-value - static_cast<double>(rng::normal(rng::derive(key, 2), i)),
                                static_cast<float>(value));
        }
        std::ranges::sort(ranked);
        std::vector<float> value;
        std::vector<std::int8_t> click;
        for (std::size_t p = 0; p < n; ++p) {
            value.push_back(ranked[p].second);
            for (int f = 0; f < world.noise; ++f)
                value.push_back(
                    static_cast<float>(rng::normal(rng::derive(key, 4 + static_cast<std::uint64_t>(f)), p)));
            double logit = static_cast<double>(ranked[p].second) - 2.5;
            if (brand(page[p]) == 1) logit += world.bad_brand;
            for (std::size_t above = 1; above <= std::min<std::size_t>(p, 2); ++above)
                logit += brand(page[p]) == brand(page[p - above]) ? world.alike : 0;
            const double chance = (world.falls ? seen(p) : 1) * std::exp(logit);
            click.push_back(static_cast<double>(rng::uniform(rng::derive(key, 3), p)) < chance ? 1 : 0);
        }
        candidates.push_back(std::move(page));
        values.push_back(std::move(value));
        clicks.push_back(std::move(click));
    }
};

Exposure estimate(const Pages& pages, std::span<const Request> requests) {
    const Encoder encoder = fit_encoder(pages.schema, pages.catalog, pages.requests, {.min_count = 1});
    return train::fit_exposure(backend::Cpu<float>(2), encoder, requests);
}

void check_positions(const Exposure& found, bool falls, double within) {
    REQUIRE(found.position.size() == Pages::n);
    for (std::size_t p = 0; p < Pages::n; ++p) {
        CAPTURE(p);
        CHECK(std::exp(static_cast<double>(found.position[p])) ==
              doctest::Approx(falls ? Pages::seen(p) : 1).epsilon(within));
    }
}

Encoder encoder_of(const Pages& pages) {
    return fit_encoder(pages.schema, pages.catalog, pages.requests, {.min_count = 1});
}

}  // namespace

TEST_CASE("exposure: factors of a page by hand, in the order in which it was shown") {
    Catalog catalog;
    catalog.items = 4;
    catalog.fields.resize(1);
    for (const std::int32_t brand : {7, 7, 8, 0}) {
        catalog.fields[0].ids.push_back(brand);
        catalog.fields[0].offsets.push_back(static_cast<std::int64_t>(catalog.fields[0].ids.size()));
    }
    const std::vector<std::int32_t> items{0, 2, 1, 3, -1}, file{0, 1, 2, 3, 4}, shown{4, 0, 1, 2};
    Request r;
    r.items = items;
    r.shown = file;
    const Exposure exposure{{0.0f, -0.5f, -1.0f}, {-0.25f, -0.125f, 0, 0, 0}};
    std::vector<float> found;
    exposure.factors(catalog, r, found);
    REQUIRE(found.size() == 5);
    for (const auto& [i, log_factor] : {std::pair(0, 0.0f), {1, -0.5f}, {2, -1.125f}, {3, -1.0f}, {4, -1.0f}})
        CHECK(found[static_cast<std::size_t>(i)] == std::exp(log_factor));
    r.shown = shown;
    exposure.factors(catalog, r, found);
    for (const auto& [i, log_factor] : {std::pair(0, -0.5f), {1, -1.0f}, {2, -1.125f}, {3, 0.0f}, {4, 0.0f}})
        CHECK(found[static_cast<std::size_t>(i)] == std::exp(log_factor));  // candidate 3 was not shown
    const std::vector<float> none(5, 1.0f);
    Exposure{}.factors(catalog, r, found);
    CHECK(found == none);
    r.shown = {};
    exposure.factors(catalog, r, found);
    CHECK(found == none);
}

TEST_CASE("exposure: the effects of positions and of like neighbours are found again" * doctest::test_suite("long")) {
    const Pages pages(8000, {.alike = -0.7});
    const Encoder encoder = encoder_of(pages);
    const Exposure found = train::fit_exposure(backend::Cpu<float>(), encoder, pages.requests);
    check_positions(found, true, 0.12);
    REQUIRE(found.neighbours.size() == 3 * reach);
    for (std::size_t k = 0; k < reach; ++k) {
        CAPTURE(k);
        CHECK(found.neighbours[k] == 0);  // of the field with several values
        CHECK(static_cast<double>(found.neighbours[reach + k]) == doctest::Approx(k < 2 ? -0.7 : 0).epsilon(0.3));
        CHECK(found.neighbours[2 * reach + k] == 0);
    }
    // Not a bit of it depends on the threads.
    const Exposure again = train::fit_exposure(backend::Cpu<float>(3), encoder, pages.requests);
    CHECK(again.position == found.position);
    CHECK(again.neighbours == found.neighbours);
    const Exposure alone = train::fit_exposure(backend::Cpu<float>(), encoder, pages.requests, false);
    check_positions(alone, true, 0.15);
    CHECK(alone.neighbours.empty());
}

TEST_CASE("exposure: nothing is found where there is nothing" * doctest::test_suite("long")) {
    const auto nothing = [](const World& world) {
        const Pages pages(3000, world);
        const Exposure found = estimate(pages, pages.requests);
        CHECK(found.neighbours.empty());
        check_positions(found, world.falls, 0.2);
    };
    nothing({});
    nothing({.falls = false});
    nothing({.alike = 0.5});       // liked together
    nothing({.bad_brand = -1.5});  // half of a page is of a brand that nobody likes
    nothing({.one_colour = true});
    nothing({.noise = 300});
    for (const int brands : {60, 80, 90, 100, 110, 120, 150, 200}) {  // where hardly any page has two of one
        CAPTURE(brands);
        const Pages pages(800, {.brands = brands});
        CHECK(estimate(pages, pages.requests).neighbours.empty());
    }
}

TEST_CASE("exposure: of lists alone that say what was shown, and what is weighed little tells little" *
          doctest::test_suite("long")) {
    const Pages pages(4000);
    std::vector<Request> half = pages.requests;
    for (std::size_t l = 0; l < half.size(); l += 2) half[l].shown = {};
    std::vector<Request> said;
    std::ranges::copy_if(half, std::back_inserter(said), [](const Request& r) { return !r.shown.empty(); });
    const Exposure found = estimate(pages, half), of_said = estimate(pages, said);
    CHECK(found.position == of_said.position);
    // A few lists of great weight are few lists all the same.
    std::vector<Request> uneven(pages.requests.begin(), pages.requests.begin() + 1000);
    for (std::size_t l = 0; l < uneven.size(); ++l)
        uneven[l].weight = std::exp(2 * static_cast<float>(rng::normal(5, l)));
    CHECK(estimate(pages, uneven).neighbours.empty());
    // Lists without a click take no place among the 20,000.
    std::vector<Request> many = said;
    const std::vector<std::int8_t> none(Pages::n);
    for (Request r : pages.requests) {
        r.labels = none;
        for (int copy = 0; copy < 8; ++copy) many.push_back(r);
    }
    CHECK(estimate(pages, many).position == of_said.position);
}

TEST_CASE("exposure: candidates without ids are no fault") {
    const Pages pages(500);
    std::vector<Request> requests = pages.requests;
    const std::vector<std::int32_t> nobody(Pages::n, -1);
    for (Request& r : requests) r.items = nobody;
    const Exposure found = estimate(pages, requests);
    CHECK(std::ranges::all_of(found.position, [](float x) { return std::isfinite(x); }));
    CHECK(found.position.back() < found.position.front());
}

TEST_CASE("exposure: nothing to learn from gives nothing") {
    Pages pages(20);
    const Encoder encoder = encoder_of(pages);
    for (auto& clicks : pages.clicks) std::ranges::fill(clicks, std::int8_t{0});
    CHECK(train::fit_exposure(backend::Cpu<float>(), encoder, pages.requests).empty());
    CHECK(train::fit_exposure(backend::Cpu<float>(), encoder, std::span<const Request>()).empty());
    // What is no request is said, and not read.
    const std::vector<std::int32_t> far(1, 100'000'000);
    pages.requests[3].shown = far;
    CHECK_THROWS_AS(train::learned_exposure(backend::Cpu<float>(), encoder, pages.requests, {}), RequestError);
}

TEST_CASE("exposure: gains are divided by what a request brings, or else by what the encoder knows") {
    const Pages pages(5);
    Encoder encoder = encoder_of(pages);
    train::WeighedGains weighed;
    const std::vector<float> propensities(Pages::n, 0.5f), gains(Pages::n, 3.0f);
    Request r = pages.requests[0];
    r.gains = gains;
    CHECK(weighed(encoder, r, 0.1).gains.data() == gains.data());
    encoder.set_exposure({{0.0f, -1.0f, -9.0f}, {}});
    const std::span<const float> by_page = weighed(encoder, r, 0.1).gains;
    CHECK(by_page[0] == 3.0f);
    CHECK(by_page[1] == doctest::Approx(3 * std::exp(1.0)));
    CHECK(by_page[2] == doctest::Approx(30));  // no propensity below a tenth divides
    CHECK(by_page[11] == doctest::Approx(30));
    r.propensities = propensities;
    CHECK(std::ranges::all_of(weighed(encoder, r, 0.1).gains, [](float g) { return g == 6.0f; }));
    const train::WeighedLists lists(encoder, {&r, 1}, 1);
    CHECK(std::ranges::equal(lists.lists()[0].gains, gains));
}

TEST_CASE("exposure: a greedy fill takes the effects of candidates above off like ones, list by list") {
    // Two lists of 4 and 3 candidates, two fields, effects of the second list's own.
    const std::vector<double> logits{4, 3.5, 3, 1, 2, 1.9, 0};
    const std::vector<double> like{7, 1, 7, 2, 8, 3, 8, 1, /**/ 5, 5, 5, 6, 6, 7};
    std::vector<double> effect(2 * 2 * reach);
    effect[0] = -2, effect[1] = -1, effect[reach] = -0.25;  // the first list: field 0 by two places, field 1 by one
    effect[2 * reach] = -3;
    const std::vector<int> begin_items{0, 4}, end_items{4, 7}, begin{0, 4}, end{4, 6}, offset{0, 4};
    std::vector<int> placed(7, RowMask::never_placed), chosen(6);
    std::vector<double> score(6), scratch(7);
    const Jagged items{2, begin_items.data(), end_items.data()}, positions{2, begin.data(), end.data()};
    decode::FillLeftToRight<double> fill{
        {positions, items, placed.data(), chosen.data(), score.data()},
        {logits.data(), offset.data(), 0, 6, 0},
        {{like.data(), 2}, {effect.data(), 2 * static_cast<int>(reach)}, scratch.data()},
        nullptr,
        nullptr,
        offset.data()};
    fill(0);
    fill(1);
    // 4; then 3.5 - 2 against 3; then 3.5 - 1 against 1 - 2; then 1 - 1.
    CHECK(chosen == std::vector<int>{0, 2, 1, 3, 4, 6});
    CHECK(score == std::vector<double>{4, 3, 2.5, 0, 2, 0});
}

TEST_CASE_TEMPLATE("exposure: student and teacher keep like candidates apart where they can, in batches as alone",
                   Network, Psad<small>, Psad<small, order::Sort>) {
    const ToyLists lists(21, 6);
    const std::vector<Request>& requests = lists.all;
    Model<Network> m(toy_encoder(requests), 7);
    const backend::Cpu<float> cpu;
    const auto brand = [&](const Request& r, int place) {
        return m.encoder.catalog().fields[1][static_cast<std::size_t>(r.items[static_cast<std::size_t>(place)])][0];
    };
    const auto repeats = [&](const std::vector<eval::Order>& orders) {
        int out = 0;
        for (std::size_t l = 0; l < orders.size(); ++l) {
            const std::size_t filled = std::min<std::size_t>(orders[l].size(), 5);
            for (std::size_t p = 1; p < filled; ++p) {
                const auto last = brand(requests[l], orders[l][p - 1]);
                const bool can_differ = std::any_of(
                    orders[l].begin() + static_cast<std::ptrdiff_t>(p), orders[l].end(),
                    [&](int place) { return brand(requests[l], place) != last && brand(requests[l], place) != 0; });
                out += last != 0 && can_differ && brand(requests[l], orders[l][p]) == last ? 1 : 0;
            }
        }
        return out;
    };
    const std::vector<eval::Order> before = eval::student_orders(cpu, m, requests);
    CHECK(repeats(before) > 0);
    m.encoder.set_exposure({{0.0f}, effects(2, 1, {-30.0f})});
    const std::vector<eval::Order> student = eval::student_orders(cpu, m, requests),
                                   teacher = eval::teacher_orders(cpu, m, requests);
    CHECK(repeats(student) == 0);
    CHECK(repeats(teacher) == 0);
    CHECK(student != before);
    for (std::size_t l = 0; l < requests.size(); ++l)
        CHECK(eval::student_orders(cpu, m, {&requests[l], 1})[0] == student[l]);
    const serve::Reranker reranker(cpu, m);
    auto workspace = reranker.workspace();
    for (std::size_t l = 0; l < requests.size(); ++l) {
        const auto served = reranker(requests[l], workspace, 5);
        CHECK(std::ranges::equal(served.order, std::span(student[l]).first(served.order.size())));
    }
}

TEST_CASE("exposure: a model file keeps it; other numbers of effects are refused") {
    Model<Net> m = shaken<Net>();
    CHECK_THROWS_WITH_AS(m.encoder.set_exposure({{0.0f}, {1.0f}}), "encoder, neighbours: found 1, wanted 10 or none",
                         SettingError);
    CHECK_THROWS_WITH_AS(m.encoder.set_exposure({{}, effects(2, 0, {-1})}),
                         "encoder, positions: found none beside neighbours, wanted one at least", SettingError);
    for (const float bad : {31.0f, -1e30f, std::numeric_limits<float>::quiet_NaN()}) {
        CHECK_THROWS_AS(m.encoder.set_exposure({{bad}, {}}), SettingError);
        CHECK_THROWS_AS(m.encoder.set_exposure({{0.0f}, effects(2, 1, {bad})}), SettingError);
    }
    Statistics damaged = m.encoder.statistics();
    damaged.exposure = {{0.0f}, {-1, -1, -1}};
    CHECK_THROWS_AS(Encoder(m.encoder.schema(), m.encoder.catalog(), damaged), SettingError);
    const Exposure exposure{{0.0f, -0.3f}, effects(2, 0, {-0.5f, 0, -0.25f})};
    m.encoder.set_exposure(exposure);
    const TempFolder folder;
    model_file::save(folder / "m.st", m, "small");
    const auto loaded = model_file::load<Net>((folder / "m.st").string());
    CHECK(loaded.encoder.exposure().position == exposure.position);
    CHECK(loaded.encoder.exposure().neighbours == exposure.neighbours);
    const auto requests = toy_requests(3);
    const backend::Cpu<float> cpu;
    CHECK(eval::student_orders(cpu, loaded, views(requests)) == eval::student_orders(cpu, m, views(requests)));
}

TEST_CASE("exposure: fit estimates it where lists say what was shown, unless they bring propensities" *
          doctest::test_suite("long")) {
    const Pages pages(2000, {.alike = -1});
    const train::Settings settings{.epochs = 1, .batch = 100};
    const auto fitted = [&](bool shown, const train::Settings& s, std::span<const float> propensities = {}) {
        TrainingLists lists{"pages", pages.schema, pages.catalog, pages.requests, {}, shown};
        lists.train.front().propensities = propensities;
        lists.valid.assign(pages.requests.begin(), pages.requests.begin() + 50);
        return fit<StudentOf<Net>>(backend::Cpu<float>(), lists, s).model.encoder.exposure();
    };
    CHECK(fitted(false, settings).empty());
    const Exposure both = fitted(true, settings);
    CHECK(both.position.size() == Pages::n);
    CHECK(both.neighbours.size() == 3 * reach);
    train::Settings some = settings;
    some.position_effects = 0;
    CHECK(fitted(true, some).position == std::vector<float>{0});
    CHECK(fitted(true, some).neighbours == both.neighbours);
    some.neighbour_effects = 0;
    CHECK(fitted(true, some).empty());
    some.position_effects = 1;
    CHECK(fitted(true, some).position.size() == Pages::n);
    CHECK(fitted(true, some).neighbours.empty());
    const std::vector<float> given(Pages::n, 0.5f);
    CHECK(fitted(true, settings, given).empty());
}
