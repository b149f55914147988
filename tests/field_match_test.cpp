// Matches of item fields with the history, against what their words say.
#include "psad/features/field_match.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"

using namespace psad;

namespace {

using Values = std::vector<std::int32_t>;

/// A catalog of one field.
Catalog catalog_of(const std::vector<Values>& items) {
    Catalog out;
    out.items = items.size();
    out.fields.resize(1);
    for (const Values& values : items) {
        out.fields[0].ids.insert(out.fields[0].ids.end(), values.begin(), values.end());
        out.fields[0].offsets.push_back(static_cast<std::int64_t>(out.fields[0].ids.size()));
    }
    return out;
}

/// By the book: of each known value the events that have it, whose mean over the values is the count; the latest of
/// all.
FieldMatch by_hand(const Values& values, const std::vector<Values>& events) {
    double count = 0, known = 0;
    std::size_t latest = events.size();
    for (const std::int32_t v : values) {
        if (v == 0) continue;
        ++known;
        for (std::size_t h = 0; h < events.size(); ++h) {
            if (std::ranges::count(events[h], v) == 0) continue;
            ++count;
            latest = std::min(latest, h);
        }
    }
    if (count == 0) return {};
    const double mean = count / known;
    return {static_cast<float>(mean / static_cast<double>(events.size())), static_cast<float>(std::log1p(mean)),
            static_cast<float>(1 / (1 + static_cast<double>(latest)))};
}

std::vector<double> numbers(const FieldMatch& m) {
    std::vector<double> out;
    FieldMatch::for_each_number([&](const char*, float x) { out.push_back(static_cast<double>(x)); }, m);
    return out;
}

}  // namespace

TEST_CASE("field matches: events by the values of candidates, less the mean of the list") {
    for (std::uint64_t key = 0; key < 60; ++key) {
        std::uint64_t draws = 0;
        const auto draw = [&](int bound) {
            return static_cast<std::int32_t>(rng::below(key, draws++, static_cast<std::uint32_t>(bound)));
        };
        const int values = key % 3 == 0 ? 3 : 40, most = key % 4 == 0 ? 20 : 2;
        std::vector<Values> items(12);
        for (Values& of_item : items) {
            for (int v = draw(most + 1); v > 0; --v) of_item.push_back(draw(4) == 0 ? 300'000'000 : draw(values));
        }
        const Catalog catalog = catalog_of(items);
        Values history, candidates;
        for (int h = draw(30); h > 0; --h) history.push_back(draw(14));  // 12 and 13: nobody knows them
        for (int i = 1 + draw(12); i > 0; --i) candidates.push_back(i - 1);
        const std::vector<std::int64_t> times(history.size(), 5);
        Request r;
        r.time = 9, r.items = candidates, r.history_items = history, r.history_times = times;
        const std::size_t read = std::min<std::size_t>(history.size(), 20);
        std::vector<Values> events;  // latest first
        for (std::size_t h = 0; h < read; ++h) {
            const auto item = static_cast<std::size_t>(history[history.size() - 1 - h]);
            events.push_back(item < items.size() ? items[item] : Values());
        }
        std::vector<std::vector<double>> wanted;
        std::vector<double> mean(3);
        for (const std::int32_t c : candidates) {
            wanted.push_back(numbers(by_hand(items[static_cast<std::size_t>(c)], events)));
            for (std::size_t k = 0; k < 3; ++k) mean[k] += wanted.back()[k] / static_cast<double>(candidates.size());
        }
        FieldEvents matched;
        std::vector<CatalogRow> of_events, of_candidates;
        for (std::size_t h = 0; h < read; ++h)
            of_events.push_back(find_item(catalog, r, history[history.size() - 1 - h]));
        for (std::size_t i = 0; i < candidates.size(); ++i) of_candidates.push_back(find_candidate(catalog, r, i));
        matched.read(of_events, 0);
        const auto found = matched.match(of_candidates, 0);
        REQUIRE(found.size() == candidates.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            const std::vector<double> one = numbers(found[i]);
            for (std::size_t k = 0; k < 3; ++k) CHECK(one[k] == doctest::Approx(wanted[i][k] - mean[k]).epsilon(1e-5));
        }
    }
}

TEST_CASE("field matches: an event counts once for a value, however often its item has it") {
    const Catalog once = catalog_of({{5}, {5}, {7}}), often = catalog_of({{5}, {5, 5, 5}, {7}});
    const Values history{1, 2}, candidates{0, 2};
    const std::vector<std::int64_t> times{1, 2};
    Request r;
    r.time = 9, r.items = candidates, r.history_items = history, r.history_times = times;
    const auto match = [&](const Catalog& catalog) {
        FieldEvents events;
        events.read(std::vector{find_item(catalog, r, history[1]), find_item(catalog, r, history[0])}, 0);
        const auto found = events.match(std::vector{find_candidate(catalog, r, 0), find_candidate(catalog, r, 1)}, 0);
        return std::vector<std::vector<double>>{numbers(found[0]), numbers(found[1])};
    };
    CHECK(match(once) == match(often));
}
