// What an encoder learns from training requests, and that it looks at nothing else.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "psad/features/fit_encoder.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

OwnedRequest list_of(std::vector<std::int32_t> items, std::vector<std::int64_t> history_times = {}) {
    OwnedRequest r;
    r.user = {1, 1};
    r.context = {1};
    r.items = std::move(items);
    r.history_times = std::move(history_times);
    r.history_items.assign(r.history_times.size(), 59);
    r.history_feedback.assign(r.history_times.size(), 1);
    r.labels.assign(r.items.size(), 0);
    return r;
}

bool same(const Statistics& a, const Statistics& b) {
    const auto vocabularies = [](const std::vector<Vocabulary>& x, const std::vector<Vocabulary>& y) {
        if (x.size() != y.size()) return false;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (x[i].values() != y[i].values()) return false;
        }
        return true;
    };
    bool alike = true;
    DenseTransforms::for_each_column([&](const char*, const auto& x, const auto& y) { alike &= x == y; },
                                     a.candidate_dense, b.candidate_dense);
    return alike && a.tau0 == b.tau0 && a.derived_inv_std == b.derived_inv_std && a.match_inv_std == b.match_inv_std &&
           vocabularies({a.items}, {b.items}) && vocabularies(a.item_fields, b.item_fields) &&
           vocabularies(a.profile_fields, b.profile_fields);
}

}  // namespace

TEST_CASE("tau0 is the median gap between the events that are read") {
    // Six events are read (toy_encoder): the gap of 5000 before them is not. Gaps: 1, 2, 40, 3, 100.
    const std::vector<OwnedRequest> one{list_of({1}, {0, 5000, 5001, 5003, 5043, 5046, 5146})};
    CHECK(toy_encoder(views(one)).statistics().tau0 == 3);
    const std::vector<OwnedRequest> two{list_of({1}, {10, 20}), list_of({2}, {1000, 1500, 1507})};
    CHECK(toy_encoder(views(two)).statistics().tau0 == 10);  // gaps never span two lists
    const std::vector<OwnedRequest> at_once{list_of({1}, {7, 7, 7})};
    CHECK(toy_encoder(views(at_once)).statistics().tau0 == 1);  // never 0: ages are divided by it
    const std::vector<OwnedRequest> none{list_of({1}, {7}), list_of({2})};
    CHECK(toy_encoder(views(none)).statistics().tau0 == 86400);
}

TEST_CASE("events at or after the request are not learned from") {
    // The request is at 1,000,000.
    const std::vector<OwnedRequest> late{list_of({1}, {10, 20, 30, 1'000'000, 1'500'000, 2'500'000})};
    CHECK(toy_encoder(views(late)).statistics().tau0 == 10);
}

TEST_CASE("a value gets a row of its own from min_count lists on") {
    std::vector<OwnedRequest> train{list_of({5, 3, 8}), list_of({3, 8}), list_of({8})};
    train[0].user = {2, 0};
    train[1].user = {2, 3};
    const Statistics s = toy_encoder(views(train), 2).statistics();
    CHECK(s.items.rows() == 3);
    CHECK(s.items[3] == 1);  // rows rise with the values
    CHECK(s.items[8] == 2);
    CHECK(s.items[5] == 0);
    CHECK(s.items[59] == 0);
    CHECK(s.items[toy_items] == 0);  // beyond the catalog
    CHECK(s.items[-1] == 0);
    CHECK(s.profile_fields[0][2] == 1);
    CHECK(s.profile_fields[0][1] == 0);  // one list only
    CHECK(s.profile_fields[1].rows() == 1);
    train[0].context = train[1].context = {0};  // the unknown has the row of the unknown, however often it comes
    CHECK(toy_encoder(views(train), 1).statistics().profile_fields[2][0] == 0);
    CHECK(toy_encoder(views(train), 1).statistics().profile_fields[2].rows() == 2);
    train[0].context = train[1].context = {1};
    CHECK(s.profile_fields[2][1] == 1);  // the context, in all three
    // Genres: item 5 has 5 and 0 (it has 5 % 3 = 2), 8 has 2 and 3, 3 none. In one list a value counts once.
    CHECK(s.item_fields[0][2] > 0);
    CHECK(s.item_fields[0][3] > 0);
    CHECK(s.item_fields[0][5] == 0);
    CHECK(s.item_fields[0][0] == 0);
    CHECK(toy_encoder(views(train), 4).statistics().items.rows() == 1);
    const std::vector<OwnedRequest> repeated{list_of({3, 3, 3})};
    CHECK_THROWS_AS(toy_encoder(views(repeated)), RequestError);
}

TEST_CASE("the training lists' own columns come out with deviation 1") {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 60; ++key) owned.push_back(toy_request(key, 8, static_cast<int>(key % 6)));
    const auto requests = views(owned);
    Batch<double> b;
    toy_encoder(requests).encode(requests, 5, b);
    const auto check = [](const FeatureTable<double>& table) {
        const std::vector<double>& rows = table.numbers;
        const auto width = static_cast<std::size_t>(table.columns);
        std::size_t judged = 0;
        for (std::size_t c = 0; c < width; ++c) {
            double n = 0, sum = 0, squares = 0;
            for (std::size_t i = c; i < rows.size(); i += width) n += 1, sum += rows[i], squares += rows[i] * rows[i];
            const double variance = squares / n - (sum / n) * (sum / n);
            if (variance < 1e-6) continue;  // one and the same number throughout
            ++judged;
            INFO("column " << c);
            CHECK(variance > 0.5);  // 1 but for the outliers, which are cut
            CHECK(variance < 2.5);  // quartiles decide, not the tails
        }
        return judged;
    };
    CHECK(check(b.dense) >= 13);
    CHECK(check(b.match_dense) >= 11);
}

TEST_CASE("nothing but the given requests is looked at") {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 30; ++key) owned.push_back(toy_request(key, 6, static_cast<int>(key % 5)));
    const auto all = views(owned);
    const std::vector<Request> train(all.begin(), all.begin() + 20);
    const Statistics before = toy_encoder(train).statistics();
    CHECK(!same(before, toy_encoder(all).statistics()));
    for (std::size_t l = 20; l < 30; ++l) {  // what comes later may be anything
        for (float& x : owned[l].scores) x *= 1000;
        for (auto& x : owned[l].history_times) x /= 2;
        for (auto& x : owned[l].items) x = 0;
    }
    CHECK(same(before, toy_encoder(train).statistics()));
    for (std::size_t l = 0; l < 20; ++l) {  // nor are labels
        for (auto& y : owned[l].labels) y = static_cast<std::int8_t>(1 - y);
    }
    CHECK(same(before, toy_encoder(train).statistics()));
}

TEST_CASE("without training lists everything is unknown and nothing is scaled") {
    const Statistics s = toy_encoder().statistics();
    CHECK(s.items.rows() == 1);
    CHECK(s.derived_inv_std.empty());
    CHECK(s.match_inv_std.empty());
    CHECK(s.candidate_dense.size() == 0);
}

TEST_CASE("lists and catalogs that contradict the schema are refused") {
    OwnedRequest r = toy_request(1, 5, 3);
    r.user.pop_back();
    CHECK_THROWS_AS(toy_encoder({r.view()}), RequestError);
    r = toy_request(1, 5, 3);
    r.scores[2] = std::numeric_limits<float>::infinity();
    CHECK_THROWS_WITH_AS(toy_encoder({r.view()}), doctest::Contains("candidates[2].score: found inf"), RequestError);

    const Schema schema{{}, {}, {{"genre", 3}}};
    const auto refusal = [&](const Catalog& catalog) -> std::string {
        try {
            fit_encoder(schema, catalog, {});
        } catch (const SettingError& e) {
            return e.what();
        }
        return "";
    };
    CHECK(refusal({{{{0, 1, 2}, {2, 0}}}, 2}) == "");
    CHECK(refusal({{}, 2}) == "catalog, fields: found 0, wanted 1");
    CHECK(refusal({{{{0, 1}, {2}}}, 2}) == "catalog, genre, number of offsets: found 2, wanted 3");
    CHECK(refusal({{{{0, 2, 1}, {2, 0}}}, 2}).starts_with("catalog, genre: found offsets that fall"));
    CHECK(refusal({{{{0, 1, 1}, {2, 0}}}, 2}).starts_with("catalog, genre: found offsets that fall"));
    CHECK(refusal({{{{0, 1, 2}, {2, 3}}}, 2}) == "");  // unknown
    CHECK(refusal({{{{0, 1, 2}, {2, -1}}}, 2}) == "catalog, genre: found id -1, wanted ids of 0 or more");
    CHECK(refusal({{{{0, 1, 2}, {2, 0}}}, 2, {1.0}}) == "catalog, dense features: found 1, wanted 0");
}

TEST_CASE("a history of no event cannot be asked for") {
    for (const int bad : {0, -3}) {
        CHECK_THROWS_AS(fit_encoder(Schema{}, Catalog{}, {}, {.max_history = bad}), SettingError);
    }
    CHECK(fit_encoder(Schema{}, Catalog{}, {}, {.max_history = 1}).max_history() == 1);
}
