// What a page does to feedback: estimated, taken out of gains, and respected by greedy orders.
#include "psad/features/exposure.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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

/// Pages of 12 candidates from 200 items of 10 brands, with a number that tells how good each is. The ranker before
/// sorts by that and noise, so that what stands high is good; clicks fall with the position, and by `alike` for each
/// like brand on the last two places.
struct Pages {
    static constexpr std::size_t n = 12, items = 200;
    Schema schema;
    Catalog catalog;
    std::vector<std::vector<std::int32_t>> candidates;
    std::vector<std::vector<float>> values;
    std::vector<std::vector<std::int8_t>> clicks;
    std::vector<Request> requests;

    static double seen(std::size_t position) { return 1 / (1 + 0.3 * static_cast<double>(position)); }

    Pages(std::size_t count, double alike) {
        schema.item_fields = {{"colour", 4}, {"brand", 11}};
        schema.candidate_dense = {{"value"}};
        catalog.items = items;
        catalog.fields.resize(2);
        for (std::size_t i = 0; i < items; ++i) {
            catalog.fields[0].ids.insert(catalog.fields[0].ids.end(), {1, 2});  // of several values: alike to none
            catalog.fields[0].offsets.push_back(static_cast<std::int64_t>(catalog.fields[0].ids.size()));
            catalog.fields[1].ids.push_back(static_cast<std::int32_t>(1 + i % 10));
            catalog.fields[1].offsets.push_back(static_cast<std::int64_t>(i + 1));
        }
        for (std::size_t l = 0; l < count; ++l) add(rng::derive(99, l), alike);
        for (std::size_t l = 0; l < count; ++l) {
            Request r;
            r.time = 1000, r.items = candidates[l], r.labels = clicks[l];
            r.candidate_dense = FeatureRows(values[l].data(), n, 1);
            requests.push_back(r);
        }
    }

  private:
    void add(std::uint64_t key, double alike) {
        std::vector<std::int32_t> page;
        std::uint64_t draws = 0;
        while (page.size() < n) {
            const auto item = static_cast<std::int32_t>(rng::below(key, draws++, items));
            if (std::ranges::count(page, item) == 0) page.push_back(item);
        }
        std::vector<std::pair<double, float>> ranked;  // what the ranker thinks, and the value
        for (std::size_t i = 0; i < n; ++i) {
            const double value = rng::normal(rng::derive(key, 1), i), noise = rng::normal(rng::derive(key, 2), i);
            ranked.emplace_back(-(value + noise), static_cast<float>(value));
        }
        std::ranges::sort(ranked);
        std::vector<float> value;
        std::vector<std::int8_t> click;
        for (std::size_t p = 0; p < n; ++p) {
            value.push_back(ranked[p].second);
            double logit = static_cast<double>(ranked[p].second) - 2.5;
            for (std::size_t above = 1; above <= std::min<std::size_t>(p, 2); ++above)
                logit += page[p] % 10 == page[p - above] % 10 ? alike : 0;
            click.push_back(static_cast<double>(rng::uniform(rng::derive(key, 3), p)) < seen(p) * std::exp(logit) ? 1
                                                                                                                  : 0);
        }
        candidates.push_back(std::move(page));
        values.push_back(std::move(value));
        clicks.push_back(std::move(click));
    }
};

Encoder encoder_of(const Pages& pages) {
    return fit_encoder(pages.schema, pages.catalog, pages.requests, {.min_count = 0});
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
    const std::vector<std::int32_t> items{0, 2, 1, 3, -1}, shown{4, 0, 1, 2};
    Request r;
    r.items = items;
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
}

TEST_CASE("exposure: the effects of positions and of like neighbours are found again") {
    const Pages pages(8000, -0.7);
    const Encoder encoder = encoder_of(pages);
    const Exposure found = train::fit_exposure(backend::Cpu<float>(), encoder, pages.requests);
    REQUIRE(found.position.size() == Pages::n);
    for (std::size_t p = 0; p < Pages::n; ++p) {
        CAPTURE(p);
        CHECK(std::exp(static_cast<double>(found.position[p])) == doctest::Approx(Pages::seen(p)).epsilon(0.12));
    }
    REQUIRE(found.neighbours.size() == 2 * reach);
    for (std::size_t k = 0; k < reach; ++k) {
        CAPTURE(k);
        CHECK(found.neighbours[k] == 0);  // of the field with several values
        CHECK(static_cast<double>(found.neighbours[reach + k]) == doctest::Approx(k < 2 ? -0.7 : 0).epsilon(0.35));
    }
    // Not a bit of it depends on the threads, and little on how positions are said.
    const Exposure alone = train::fit_exposure(backend::Cpu<float>(3), encoder, pages.requests);
    CHECK(alone.position == found.position);
    CHECK(alone.neighbours == found.neighbours);
    std::vector<std::int32_t> order(Pages::n);
    for (std::size_t p = 0; p < Pages::n; ++p) order[p] = static_cast<std::int32_t>(p);
    std::vector<Request> said = pages.requests;
    for (Request& r : said) r.shown = order;
    CHECK(train::fit_exposure(backend::Cpu<float>(), encoder, said).position == found.position);
}

TEST_CASE("exposure: neighbours without an effect have none, nor those that are liked together") {
    for (const double alike : {0.0, 0.5}) {
        const Pages pages(3000, alike);
        CHECK(train::fit_exposure(backend::Cpu<float>(), encoder_of(pages), pages.requests).neighbours.empty());
    }
}

TEST_CASE("exposure: nothing to learn from gives nothing") {
    Pages pages(20, 0);
    const Encoder encoder = encoder_of(pages);
    for (auto& clicks : pages.clicks) std::ranges::fill(clicks, std::int8_t{0});
    CHECK(train::fit_exposure(backend::Cpu<float>(), encoder, pages.requests).empty());
    CHECK(train::fit_exposure(backend::Cpu<float>(), encoder, std::span<const Request>()).empty());
}

TEST_CASE("exposure: gains are divided by what a request brings, or else by what the encoder knows") {
    const Pages pages(5, 0);
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

TEST_CASE("exposure: student and teacher keep like candidates apart where they can, in batches as alone") {
    Model<Net> m = shaken<Net>();
    const ToyLists lists(21, 6);
    const std::vector<Request>& requests = lists.all;
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
    m.encoder.set_exposure({{0.0f}, effects(2, 1, {-1000.0f})});
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
    CHECK_THROWS_WITH_AS(m.encoder.set_exposure({{0.0f}, {1.0f}}),
                         "encoder, neighbours: found 1 numbers, wanted 10 or none", SettingError);
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

TEST_CASE("exposure: fit estimates it where lists say what was shown, unless they bring propensities") {
    const Pages pages(2000, -1);
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
    CHECK(both.neighbours.size() == 2 * reach);
    train::Settings some = settings;
    some.position_effects = 0;
    CHECK(fitted(true, some).position == std::vector<float>{0});
    CHECK(fitted(true, some).neighbours == both.neighbours);
    some.neighbour_effects = 0;
    CHECK(fitted(true, some).empty());
    some.position_effects = 1;
    CHECK(fitted(true, some).position == both.position);
    CHECK(fitted(true, some).neighbours.empty());
    const std::vector<float> given(Pages::n, 0.5f);
    CHECK(fitted(true, settings, given).empty());
}
