// Requests to numbers: what is refused, and what every column says.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/features/encoder.hpp"
#include "psad/features/fit_encoder.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// Six known items of which three have a row of their own; values 1 and 4 of the genre likewise.
Encoder hand_made(int max_history = 4, double tau0 = 100) {
    Schema schema{{{"device", 3}, {"plan", 4}}, {{"place", 5}}, {{"genre", 6}, {"brand", 4}}};
    for (const char* name : {"score", "aux"})
        schema.candidate_dense.push_back({.name = name, .along_list = true, .optional = true});
    Catalog catalog;
    catalog.items = 6;
    catalog.fields = {{{0, 1, 1, 3, 4, 5, 6}, {0, 1, 4, 2, 2, 5}}, {{0, 1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 0, 1}}};
    Statistics s;
    s.tau0 = tau0;
    s.candidate_dense = {{1, 10}, {1, 0.1}, {1, 1}, {2, 1}, {0, -0.5}, {0, 0}};
    const auto of = [](const std::vector<std::int32_t>& values) { return Vocabulary(values); };
    s.items = of({0, 2, 5});
    s.item_fields = {of({1, 4}), of({2})};
    s.profile_fields = {of({2}), of({1, 2, 3}), of({4})};
    return Encoder(std::move(schema), std::move(catalog), std::move(s), max_history);
}

OwnedRequest hand_made_request() {
    OwnedRequest r;
    r.user = {2, 1};
    r.context = {3};
    r.items = {2, 5, 1, 9};  // 9 is not in the catalog
    r.scores = {4, 3, 2, 1};
    r.aux = {10, 30, 20, 5};
    r.history_items = {5, 2, 7, 2, 5};
    r.history_times = {999000, 999100, 999300, 999700, 999900};
    r.history_feedback = {1, 2, 3, 40, 4};  // there are no 40 kinds
    return r;
}

template <class T>
std::vector<T> row(const std::vector<T>& column, std::size_t r, std::size_t width) {
    const auto first = column.begin() + static_cast<std::ptrdiff_t>(r * width);
    return {first, first + static_cast<std::ptrdiff_t>(width)};
}

void check_row(const std::vector<double>& found, const std::vector<double>& wanted) {
    REQUIRE(found.size() == wanted.size());
    for (std::size_t c = 0; c < found.size(); ++c) {
        INFO("column " << c);
        CHECK(found[c] == doctest::Approx(wanted[c]).epsilon(1e-6));
    }
}

using Ints = std::vector<int>;

}  // namespace

TEST_CASE("check: each fault is a RequestError that names the place") {
    const Encoder encoder = hand_made();
    constexpr float inf = std::numeric_limits<float>::infinity();
    struct Fault {
        const char* words;
        std::function<void(OwnedRequest&)> make;
    };
    const std::vector<Fault> faults{
        {"user fields: found 1, wanted 2", [](auto& r) { r.user = {1}; }},
        {"user fields: found 3, wanted 2",
         [](auto& r) {
             r.user = {1, 1, 1};
         }},
        {"user field plan: found -1, wanted an id of 0 or more", [](auto& r) { r.user[1] = -1; }},
        {"context fields: found 0, wanted 1", [](auto& r) { r.context.clear(); }},
        {"candidates: found none, wanted at least one",
         [](auto& r) { r.items.clear(), r.scores.clear(), r.aux.clear(); }},
        {"score: found 3 numbers, wanted 4 or none", [](auto& r) { r.scores.pop_back(); }},
        {"aux: found 5 numbers, wanted 4 or none", [](auto& r) { r.aux.push_back(1); }},
        {"candidates[3]: found -7, wanted an item id of 0 or more, or -1 for none", [](auto& r) { r.items[3] = -7; }},
        {"candidates[0].aux: found -inf, wanted a finite number, or NaN for a missing one",
         [](auto& r) { r.aux[0] = -inf; }},
        {"history[2]: found -2, wanted an item id of 0 or more, or -1 for none",
         [](auto& r) { r.history_items[2] = -2; }},
        {"history: found 4 times, wanted 5, one per event", [](auto& r) { r.history_times.pop_back(); }},
        {"history: found 5 times, wanted 0, one per event",
         [](auto& r) { r.history_items.clear(), r.history_feedback.clear(); }},
        {"history feedback: found 2 numbers, wanted 5 or none", [](auto& r) { r.history_feedback.resize(2); }},
        {"history[3]: found a time before the event above, wanted oldest first",
         [](auto& r) { r.history_times[2] = 999800; }},
    };
    for (const Fault& fault : faults) {
        OwnedRequest r = hand_made_request();
        CHECK_NOTHROW(encoder.check(r.view()));
        fault.make(r);
        std::string words;
        try {
            encoder.check(r.view());
        } catch (const RequestError& e) {
            words = e.what();
        }
        CHECK(words == std::string("request, ") + fault.words);
    }
}

TEST_CASE("check: rows of events that are not there") {
    const Encoder encoder = hand_made();
    OwnedRequest owned = hand_made_request();
    owned.history_items.clear(), owned.history_times.clear(), owned.history_feedback.clear();
    Request r = owned.view();
    CHECK_FALSE(encoder.find_fault(r).has_value());
    const std::vector<std::int32_t> ids(3);
    const std::vector<std::int64_t> offsets{0, 1'000'000, 2, 3};
    r.history_fields = {ids, offsets, 3, 1};
    CHECK_THROWS_WITH_AS(encoder.check(r), "request, history fields: found 1, wanted 0", RequestError);
    r.history_fields = {};
    const std::vector<float> numbers(3);
    r.history_dense = {numbers.data(), 3, 1};
    CHECK_THROWS_WITH_AS(encoder.check(r), "request, history features: found 3 x 1, wanted 0 x 0", RequestError);
}

TEST_CASE("check: of one of many requests the events are looked at that are read") {
    const Encoder encoder = hand_made(2);  // of five
    constexpr RequestRules strict{.refuse_unknown = true};
    const std::vector<std::pair<bool, std::function<void(OwnedRequest&)>>> faults{
        {false, [](auto& r) { r.history_items[2] = -2; }},
        {true, [](auto& r) { r.history_items[3] = -2; }},
        {false, [](auto& r) { r.history_times[1] = 999800; }},
        {true, [](auto& r) { r.history_times[3] = 999950; }},
        {false, [](auto& r) { r.history_feedback[0] = 1000; }},
        {true, [](auto& r) { r.history_feedback[4] = 1000; }},
        {true, [](auto& r) { r.history_times[0] = -max_time - 1; }},
    };
    for (const auto& [is_read, make] : faults) {
        OwnedRequest r = hand_made_request();
        r.items[3] = 3, r.history_items[2] = 4, r.history_feedback[3] = 4;
        make(r);
        CHECK(encoder.find_fault(r.view(), strict).has_value());
        CHECK(find_fault(encoder.schema(), encoder.catalog(), r.view(), strict, 2).has_value() == is_read);
        if (is_read)
            CHECK_THROWS_AS(encoder.check_one_of_many(r.view(), strict), RequestError);
        else
            CHECK_NOTHROW(encoder.check_one_of_many(r.view(), strict));
    }
    OwnedRequest late = hand_made_request();  // events at the request or later are not read
    late.history_times[4] = 1000000, late.history_items[4] = -2, late.history_items[1] = -2;
    CHECK_NOTHROW(encoder.check_one_of_many(late.view()));
    CHECK_THROWS_AS(encoder.check(late.view()), RequestError);
    late.history_items[2] = -2;
    CHECK_THROWS_AS(encoder.check_one_of_many(late.view()), RequestError);
}

TEST_CASE("check: the caller may refuse what is unknown or late") {
    const Encoder encoder = hand_made();
    const std::vector<std::pair<const char*, std::function<void(OwnedRequest&)>>> faults{
        {"user field device: found 3, wanted 0..2", [](auto& r) { r.user[0] = 3; }},
        {"context field place: found 5, wanted 0..4", [](auto& r) { r.context[0] = 5; }},
        {"candidates[3]: found 9, wanted an item below 6", [](auto& r) { r.items[3] = 9; }},
        {"history[2]: found 7, wanted an item below 6", [](auto& r) { r.history_items[2] = 7; }},
        {"history[3].feedback: found 40, wanted 0..15", [](auto& r) { r.history_feedback[3] = 40; }},
        {"history[4]: found a time not before the request, wanted only earlier events",
         [](auto& r) { r.history_times[4] = 1000000; }},
    };
    constexpr RequestRules strict{.refuse_unknown = true, .refuse_late_events = true};
    for (const auto& [words, make] : faults) {
        OwnedRequest r = hand_made_request();
        r.items[3] = 3, r.history_items[2] = 4, r.history_feedback[3] = 4;
        CHECK_NOTHROW(encoder.check(r.view(), strict));
        make(r);
        CHECK_NOTHROW(encoder.check(r.view()));
        CHECK_THROWS_WITH_AS(encoder.check(r.view(), strict), (std::string("request, ") + words).c_str(), RequestError);
    }
}

TEST_CASE("check: a column that all training lists had") {
    const Encoder plain = hand_made();
    Schema schema = plain.schema();
    schema.candidate_dense[1].optional = false;
    schema.candidate_dense.push_back({"price"});
    schema.user_dense.push_back({"spend"});
    Statistics s = plain.statistics();
    for (auto* t : {&s.candidate_dense, &s.user_dense}) FeatureSample().fit_transform(*t);
    const Encoder encoder(schema, plain.catalog(), s);
    const OwnedRequest owned = hand_made_request();
    const std::array<double, 4> prices{1, 2, 3, 4};
    Request r = owned.view();
    const auto refusal = [&](const RequestRules& rules = {}) {
        try {
            encoder.check(r, rules);
        } catch (const RequestError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK(refusal() == "request, user feature spend: found nothing, wanted numbers, as in the training lists");
    const std::array<float, 1> spend{3};
    r.user_dense = spend;
    CHECK(refusal() == "request, candidates feature price: found nothing, wanted numbers, as in the training lists");
    r.candidate_dense = FeatureRows(prices.data(), 4, 1);
    CHECK(refusal() == "");
    r.candidate_dense = FeatureRows(prices.data(), 2, 2);
    CHECK(refusal() == "request, candidates features: found 2 x 2, wanted 4 x 1");
    r.candidate_dense = {};
    r.aux = {};
    CHECK(refusal({.take_missing_columns = true}) == "");
    // No rows are none, however wide they are: the columns of their own are read.
    r.candidate_dense = FeatureRows(prices.data(), 0, encoder.schema().candidate_dense.size());
    CHECK(refusal({.take_missing_columns = true}) == "");
    CHECK(r.candidate_dense.columns() == 0);
    const std::array<float, 1> one{1};
    r.scores = one;
    CHECK(refusal({.take_missing_columns = true}) == "request, score: found 1 numbers, wanted 4 or none");
}

TEST_CASE("check: items that a request brings have the columns of the schema, and are read") {
    const Encoder encoder = hand_made();
    const OwnedRequest owned = hand_made_request();  // candidate 9 is not in the catalog of 6
    Request r = owned.view();
    Catalog items{{{{0, 0, 0, 0, 1}, {4}}, {{0, 0, 0, 0, 1}, {2}}}, 4};
    r.new_items = &items;
    CHECK_NOTHROW(encoder.check(r));
    Batch<double> b;
    encoder.encode(std::span(&r, 1), 4, b);
    CHECK(b.item_fields.fields[1].ids == Ints{1, 2, 0, 2});  // genre 4 has a row
    // Rows by candidate: events on the item have its row, too.
    OwnedRequest known = hand_made_request();
    known.history_items = {5, 2, 4, 2, 9}, known.history_feedback[3] = 4;
    r = known.view(), r.new_items = &items;
    for (const std::int32_t row : {-1, 3}) {
        const Ints rows{-1, -1, -1, row};
        r.new_item_rows = rows;
        const auto fault = encoder.find_fault(r, {.refuse_unknown = true});
        REQUIRE(fault.has_value() == (row < 0));
        if (fault) CHECK(fault->place() == "candidates[3]");
        for (const CatalogRow& found : {find_candidate(encoder.catalog(), r, 3), find_item(encoder.catalog(), r, 9)}) {
            CHECK(found.catalog == (row < 0 ? nullptr : &items));
            CHECK(found.row == (row < 0 ? 0 : 3));
        }
        CHECK_FALSE(find_item(encoder.catalog(), r, 8));
        b.clear();
        encoder.encode(std::span(&r, 1), 4, b);
        CHECK(b.event_fields.fields[1].ids.front() == (row < 0 ? 0 : 2));
    }
    const Ints few{3};
    r.new_items = nullptr, r.new_item_rows = few;  // rows of nothing
    CHECK_NOTHROW(encoder.check(r));
    CHECK_FALSE(find_candidate(encoder.catalog(), r, 3));
    CHECK_FALSE(find_item(encoder.catalog(), r, 9));
    CHECK(encoder.find_fault(r, {.refuse_unknown = true})->place() == "candidates[3]");
    r = owned.view(), r.new_items = &items;
    items.fields[0].ids = {-4};
    CHECK_THROWS_WITH_AS(encoder.check(r), "request, new items[3]: found id -4, wanted ids of 0 or more", RequestError);
    items.fields[0].ids = {4};
    items.fields.pop_back();
    CHECK_THROWS_WITH_AS(encoder.check(r), "request, new items, fields: found 1, wanted 2", RequestError);
    items.fields.push_back({{0, 1}, {2}});
    CHECK_THROWS_WITH_AS(encoder.check(r), "request, new items, offsets: found 2, wanted 5", RequestError);
}

TEST_CASE("check: what may be left out or unusual passes") {
    const Encoder encoder = hand_made();
    OwnedRequest r = hand_made_request();
    r.scores.clear();
    r.aux.clear();
    r.history_feedback.clear();
    r.history_times[3] = r.history_times[2];  // at the same second
    CHECK_NOTHROW(encoder.check(r.view()));
    Batch<double> batch;
    const Request view = r.view();
    encoder.encode(std::span(&view, 1), 9, batch);
    CHECK(batch.feedback == Ints{0, 0, 0, 0});
    r.history_items.clear();
    r.history_times.clear();
    CHECK_NOTHROW(encoder.check(r.view()));
}

TEST_CASE("fields: rows of their own, shared rows, several values, none, and items nobody knows") {
    Batch<double> b;
    const OwnedRequest owned = hand_made_request();
    const Request r = owned.view();
    hand_made().encode(std::span(&r, 1), 3, b);
    REQUIRE(b.profile_fields.fields.size() == 3);
    CHECK(b.profile_fields.fields[0].ids == Ints{1});  // device 2 has a row
    CHECK(b.profile_fields.fields[1].ids == Ints{1});
    CHECK(b.profile_fields.fields[2].ids == Ints{0});  // place 3 is rare
    REQUIRE(b.item_fields.fields.size() == 3);
    CHECK(b.item_fields.fields[0].ids == Ints{2, 3, 0, 0});
    CHECK(b.item_fields.fields[0].offsets == Ints{0, 1, 2, 3, 4});
    // Genres: item 2 has 1 and 4, item 5 has 5 (rare), item 1 none; 9 counts as one unknown value.
    CHECK(b.item_fields.fields[1].ids == Ints{1, 2, 0, 0});
    CHECK(b.item_fields.fields[1].offsets == Ints{0, 2, 3, 3, 4});
    CHECK(b.item_fields.fields[2].ids == Ints{1, 0, 0, 0});
    CHECK(b.event_fields.fields[0].ids == Ints{3, 2, 0, 2});  // items 5, 2, 7, 2
    CHECK(b.event_fields.fields[1].offsets == Ints{0, 1, 3, 4, 6});
    CHECK(b.layout.view().positions.rows == 3);
}

TEST_CASE("history: the latest max_history events, latest first") {
    Batch<double> b;
    const OwnedRequest owned = hand_made_request();
    const Request r = owned.view();
    hand_made(4).encode(std::span(&r, 1), 4, b);
    CHECK(b.age == std::vector<double>{1, 3, 7, 9});
    CHECK(b.age_bucket == Ints{1, 2, 3, 3});  // floor of log2(1 + age)
    CHECK(b.event_index == Ints{0, 1, 2, 3});
    CHECK(b.feedback == Ints{4, 0, 3, 2});
    hand_made(2).encode(std::span(&r, 1), 4, b);
    CHECK(b.age == std::vector<double>{1, 3});
    CHECK(b.layout.view().events.rows == 2);
    check_row(b.profile_dense.numbers, {std::log1p(5.0) / 4, std::log1p(1.0) / 10, 1, 1});  // counts all events
}

TEST_CASE("tables of positions: the last row takes all that is larger") {
    OwnedRequest r = toy_request(1, 50, 0);
    for (std::int32_t i = 50; i < 140; ++i) {
        r.items.push_back(i + 100);
        r.scores.push_back(0);
        r.aux.push_back(0);
    }
    for (std::int64_t h = 0; h < 70; ++h) {
        r.history_items.push_back(3);
        r.history_times.push_back(-max_time + h);
        r.history_feedback.push_back(1);
    }
    Request view = r.view();
    view.time = max_time;  // as far apart as times can be
    const Encoder encoder = hand_made(100, 10);
    encoder.check(view);
    Batch<double> b;
    encoder.encode(std::span(&view, 1), 1000, b);
    CHECK(b.rank[126] == 126);
    CHECK(b.rank[139] == rank_positions - 1);
    CHECK(b.event_index[62] == 62);
    CHECK(b.event_index[69] == event_positions - 1);
    CHECK(b.age_bucket[0] == age_buckets - 1);
    CHECK(b.age[0] == doctest::Approx(2e10));
    CHECK(b.layout.view().positions.rows == 140);
}

TEST_CASE("dense columns of a hand-made request") {
    Batch<double> b;
    const OwnedRequest owned = hand_made_request();
    Request r = owned.view();
    hand_made().encode(std::span(&r, 1), 4, b);
    REQUIRE(b.dense.columns == 2 * 2 + 4 + 2 * 6 + 2 * 3);
    const auto score = [](double x) { return 2 * std::copysign(std::log1p(std::abs(x - 1)), x - 1); };
    const std::array<double, 4> s{score(4), score(3), score(2), score(1)};
    const std::array<double, 4> a{-0.5, std::log1p(2.0) - 0.5, std::log1p(1.0) - 0.5, -std::log1p(0.5) - 0.5};
    const double unit = std::sqrt(12.0) / 4;  // ranks 3, 2, 1, 0 and 1, 3, 2, 0, less 1.5
    // Matches, less their means. Item 2: genres 1 and 4, each in the second and in the fourth event, and so is its
    // brand. Items 5 and 1: no genre in any other event but, of item 5, its own; the brand of both is that of the
    // latest event.
    const std::array<double, 3> genre_2{2.0 / 4, std::log1p(2.0), 1.0 / 2}, own{1.0 / 4, std::log(2.0), 1};
    const std::array<double, 3> genre{genre_2[0] + own[0], genre_2[1] + own[1], genre_2[2] + own[2]}, brand = genre_2;
    check_row(row(b.dense.numbers, 2, 26), {s[2],
                                            a[2],
                                            -unit / 2,
                                            unit / 2,  // values, ranks
                                            2.0 / 4,
                                            1.0 / 3,
                                            std::log1p(2.0) / 3,
                                            std::log1p(4.0) / 4,  // position
                                            0,
                                            s[2] - s[1],
                                            1,
                                            s[2] - s[1],
                                            s[2] - s[3],
                                            s[2] - s[1],  // score along the list
                                            1.0 / 2,
                                            a[2] - a[0],
                                            0,
                                            a[2] - a[1],
                                            a[2] - a[3],
                                            a[2] - a[1],  // aux
                                            -genre[0] / 4,
                                            -genre[1] / 4,
                                            -genre[2] / 4,  // no genre
                                            own[0] - (brand[0] + 2 * own[0]) / 4,
                                            own[1] - (brand[1] + 2 * own[1]) / 4,
                                            own[2] - (brand[2] + 2 * own[2]) / 4});
    const auto stranger = row(b.dense.numbers, 3, 26);  // nothing is known of it
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(stranger[20 + k] == doctest::Approx(-genre[k] / 4));
        CHECK(stranger[23 + k] == doctest::Approx(-(brand[k] + 2 * own[k]) / 4));
    }
    const auto first = row(b.dense.numbers, 0, 26), last = row(b.dense.numbers, 3, 26);
    for (const std::size_t c : {8u, 9u, 10u, 11u}) CHECK(first[c] == 0);  // nothing stands above
    CHECK(last[12] == 0);                                                 // nor below
    const double mean = (s[0] + s[1] + s[2] + s[3]) / 4;
    double squares = 0;
    for (const double x : s) squares += (x - mean) * (x - mean);
    CHECK(b.list_scale.numbers[0] == doctest::Approx(1 / std::sqrt(squares / 4)));
    CHECK(b.list_shift.numbers[0] == doctest::Approx(-mean / std::sqrt(squares / 4)));
    r.scores = {}, r.aux = {};
    hand_made().encode(std::span(&r, 1), 4, b);
    for (std::size_t c = 0; c < 20; ++c) CHECK((row(b.dense.numbers, 2, 26)[c] != 0) == (c >= 4 && c <= 7));
    CHECK(b.list_scale.numbers == std::vector<double>{0, 0});
    CHECK(b.counts.missing_numbers == 8);
}

TEST_CASE("match columns of a hand-made request") {
    Batch<double> b;
    const OwnedRequest owned = hand_made_request();
    const Request r = owned.view();
    hand_made().encode(std::span(&r, 1), 4, b);
    // Events, latest first: items 5, 2, 7, 2; the first event of all, on 5, is out of reach.
    CHECK(b.match.offsets == Ints{0, 2, 3, 3, 3});
    CHECK(b.match.ids == Ints{1, 3, 0});
    CHECK(b.match_feedback == Ints{0, 4, -1, -1});
    CHECK(b.match_bucket == Ints{2, 1, -1, -1});
    CHECK(b.match_index == Ints{1, 0, -1, -1});
    CHECK(b.has_interacted == std::vector<double>{1});
    const double log2 = std::log(2.0);
    constexpr std::size_t match_width = 9 + 16;
    std::vector<double> item2(match_width, 0.0), item5(match_width, 0.0), item1(match_width, 0.0);
    item2[0] = 1, item2[1] = std::log1p(2.0), item2[2] = std::log1p(3.0) / 10, item2[3] = 0.5;
    item2[7] = 1, item2[8] = -0.25;
    item2[9 + 0] = log2, item2[9 + 2] = log2;
    item5[0] = 1, item5[1] = log2, item5[2] = std::log1p(1.0) / 10, item5[3] = 1, item5[4] = 1, item5[5] = 1;
    item5[9 + 4] = log2;
    item1[6] = 1, item1[8] = 0.25;
    check_row(row(b.match_dense.numbers, 0, match_width), item2);
    check_row(row(b.match_dense.numbers, 1, match_width), item5);
    check_row(row(b.match_dense.numbers, 2, match_width), item1);
    CHECK(row(b.match_dense.numbers, 3, match_width)[6] == 0.5);

    Request other = r;
    const std::array<std::int32_t, 4> swapped{5, 2, 1, 9};  // the latest item now stands first
    other.items = swapped;
    hand_made().encode(std::span(&other, 1), 4, b);
    CHECK(row(b.match_dense.numbers, 0, match_width)[5] == 1);
    for (const std::size_t i : {1u, 2u, 3u}) {
        CHECK(row(b.match_dense.numbers, i, match_width)[6] == doctest::Approx(1.0 / static_cast<double>(i)));
    }
    const std::array<std::int32_t, 4> untouched{0, 1, 3, 4};
    other.items = untouched;
    hand_made().encode(std::span(&other, 1), 4, b);
    CHECK(b.has_interacted == std::vector<double>{0});
    CHECK(b.match_dense.numbers == std::vector<double>(4 * match_width, 0.0));
    CHECK(b.profile_dense.numbers[2] == 0);
}

TEST_CASE("inverse deviations scale derived columns, and outliers are cut") {
    const Encoder plain = hand_made();
    Statistics s = plain.statistics();
    s.derived_inv_std.assign(plain.candidates().derived(), 3.0f);
    s.derived_inv_std[0] = 100;
    s.match_inv_std.assign(9 + 16, 0.5f);
    const Encoder scaled(plain.schema(), plain.catalog(), s, 4);
    const OwnedRequest owned = hand_made_request();
    const Request r = owned.view();
    Batch<double> a, b;
    plain.encode(std::span(&r, 1), 4, a);
    scaled.encode(std::span(&r, 1), 4, b);
    for (std::size_t i = 0; i < a.dense.numbers.size(); ++i) {
        const std::size_t c = i % 26;
        const double scale = c < 4 ? 1 : c == 4 ? 100 : 3;
        CHECK(b.dense.numbers[i] == doctest::Approx((std::clamp)(a.dense.numbers[i] * scale, -8.0, 8.0)));
    }
    for (std::size_t i = 0; i < a.match_dense.numbers.size(); ++i)
        CHECK(b.match_dense.numbers[i] == doctest::Approx(a.match_dense.numbers[i] * 0.5));
    CHECK(b.dense.numbers[26 + 4] == 8);
}

TEST_CASE("a batch is its requests, one after the other, and is overwritten") {
    const auto owned = toy_requests(4);
    const auto requests = views(owned);
    const Encoder encoder = toy_encoder(requests);
    Batch<float> all, one;
    encoder.encode(requests, 5, all);
    std::vector<float> dense, match;
    std::vector<int> genres;
    for (const Request& r : requests) {
        encoder.encode(std::span(&r, 1), 5, one);
        dense.insert(dense.end(), one.dense.numbers.begin(), one.dense.numbers.end());
        match.insert(match.end(), one.match_dense.numbers.begin(), one.match_dense.numbers.end());
        genres.insert(genres.end(), one.event_fields.fields[1].ids.begin(), one.event_fields.fields[1].ids.end());
    }
    CHECK(all.dense.numbers == dense);
    CHECK(all.match_dense.numbers == match);
    CHECK(all.event_fields.fields[1].ids == genres);
    encoder.encode(std::span(requests).first(1), 5, all);
    CHECK(all.layout.view().lists == 1);
    CHECK(all.dense.numbers.size() == requests[0].size() * static_cast<std::size_t>(all.dense.columns));
}

TEST_CASE("where the order of candidates says nothing, no number of a candidate tells it") {
    const std::vector<OwnedRequest> owned{toy_request(7, 9, 12), toy_request(8, 6, 4)};
    const std::vector<Request> train = views(owned);
    for (const bool ordered : {false, true}) {
        Schema schema = toy_encoder().schema();
        schema.ordered = ordered;
        Encoder encoder = fit_encoder(std::move(schema), toy_encoder().catalog(), train, {.min_count = 1});
        for (const OwnedRequest& r : owned) {
            OwnedRequest turned = r;
            for (auto* column : {&turned.items}) std::ranges::reverse(*column);
            std::ranges::reverse(turned.scores);
            std::ranges::reverse(turned.aux);
            Batch<float> a, b;
            const Request first = r.view(), second = turned.view();
            encoder.encode(std::span(&first, 1), 1, a);
            encoder.encode(std::span(&second, 1), 1, b);
            const std::size_t n = r.items.size();
            bool same = true;
            for (std::size_t i = 0; i < n; ++i) {
                const auto rows = [&](const auto& table, std::size_t at) {
                    return row(table.numbers, at, static_cast<std::size_t>(table.columns));
                };
                same = same && rows(a.dense, i) == rows(b.dense, n - 1 - i);
                same = same && rows(a.match_dense, i) == rows(b.match_dense, n - 1 - i);
                same = same && a.rank[i] == b.rank[n - 1 - i];
            }
            CHECK(same == !ordered);
        }
    }
}

TEST_CASE("a field that the schema does not match leaves no columns") {
    const Encoder both = hand_made();
    Schema schema = both.schema();
    schema.item_fields[0].match = false;
    const Encoder one(schema, both.catalog(), both.statistics(), 4);
    CHECK(one.input_sizes().item_columns == both.input_sizes().item_columns - 3);
    const OwnedRequest owned = hand_made_request();
    const Request r = owned.view();
    Batch<double> a, b;
    both.encode(std::span(&r, 1), 4, a);
    one.encode(std::span(&r, 1), 4, b);
    const auto with = row(a.dense.numbers, 2, 26), without = row(b.dense.numbers, 2, 23);
    CHECK(std::equal(without.begin() + 20, without.end(), with.begin() + 23));  // the brand's
}
