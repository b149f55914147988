// Requests as JSON objects: what is read, what is refused and where, and what is answered. The program's tests send
// many more lines through the same code.
#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psad/serve/request_json.hpp"

using namespace psad;
using nlohmann::json;

namespace {

json good() {
    return json::parse(R"({"id": "a", "user": [1, 2], "context": [3], "ts": 1000,
        "history": [{"item": 8, "ts": 900, "feedback": 2}, {"item": 7, "ts": 800}],
        "candidates": [{"item": 4, "score": 0.5}, {"item": 5, "score": 0.25}]})");
}

// What reading says: "PLACE: found ..., wanted ..."; "" when it reads.
std::string refusal(const json& line, Matrix<const std::int32_t> users = {}) {
    serve::RequestColumns columns;
    try {
        columns.read(line.dump(), users);
        return "";
    } catch (const RequestError& e) {
        return e.what();
    }
}
template <class Change>
std::string refusal_after(Change change) {
    json line = good();
    change(line);
    return refusal(line);
}

template <class T>
std::vector<T> values(std::span<const T> column) {
    return {column.begin(), column.end()};
}
std::vector<std::int32_t> values(const FieldRows& row) {
    std::vector<std::int32_t> out;
    for (std::size_t f = 0; f < row.fields(); ++f) out.insert(out.end(), row(0, f).begin(), row(0, f).end());
    return out;
}
std::vector<double> values(const FeatureColumn& column) {
    return {column[0], column[1]};
}

}  // namespace

TEST_CASE("a request from JSON: every column, events oldest first") {
    serve::RequestColumns columns;
    const Request r = columns.read(good().dump());
    CHECK(values(r.user_fields) == std::vector<std::int32_t>{1, 2});
    CHECK(values(r.context) == std::vector<std::int32_t>{3});
    CHECK(r.time == 1000);
    CHECK(values(r.history_items) == std::vector<std::int32_t>{7, 8});
    CHECK(values(r.history_times) == std::vector<std::int64_t>{800, 900});
    CHECK(values(r.history_feedback) == std::vector<std::int32_t>{0, 2});
    CHECK(values(r.items) == std::vector<std::int32_t>{4, 5});
    CHECK(values(r.scores) == std::vector<double>{0.5, 0.25});
    CHECK(r.aux.empty());
    CHECK(r.labels.empty());

    // The next request keeps nothing of it.
    json next = good();
    next.erase("history"), next.erase("ts");
    for (json& c : next["candidates"]) c.erase("score");
    const Request other = columns.read(next.dump());
    CHECK(other.history_items.empty());
    CHECK(other.scores.empty());
    CHECK(other.time == 0);
}

TEST_CASE("a user by index is looked up") {
    const std::vector<std::int32_t> fields{1, 2, 3, 4};
    const Matrix<const std::int32_t> users{fields.data(), 2, 2, 2};
    json line = good();
    line["user"] = {{"index", 1}};
    serve::RequestColumns columns;
    CHECK(values(columns.read(line.dump(), users).user_fields) == std::vector<std::int32_t>{3, 4});
    CHECK(refusal(line).starts_with("request, user: found {\"index\":1}, wanted a list of ids"));
    line["user"]["index"] = 2;
    CHECK(refusal(line, users).starts_with("request, user.index: found 2, wanted a whole number from 0 to 1"));
}

TEST_CASE("what is no request is refused by place") {
    CHECK(refusal(json::array()).starts_with("request: found a list, wanted a JSON object"));
    CHECK(refusal_after([](json& r) { r["histori"] = 1; }).starts_with("request: found the unknown key \"histori\""));
    CHECK(refusal_after([](json& r) { r.erase("candidates"); }).starts_with("request, candidates: found nothing"));
    CHECK(refusal_after([](json& r) { r.erase("ts"); }).starts_with("request, ts: found nothing"));
    CHECK(refusal_after([](json& r) {
              r["candidates"][1]["item"] = -1;
          }).starts_with("request, candidates[1].item: found -1"));
    CHECK(refusal_after([](json& r) {
              r["candidates"][1]["score"] = "high";
          }).starts_with("request, candidates[1].score: found \"high\""));
    CHECK(refusal_after([](json& r) {
              r["candidates"][1].erase("score");
          }).starts_with("request, candidates[1].score: found nothing"));
    CHECK(refusal_after([](json& r) {
              r["history"][0]["when"] = 1;
          }).starts_with("request, history[0]: found the unknown key \"when\""));
    CHECK(refusal_after([](json& r) { r["history"][0]["ts"] = 1.5; }).starts_with("request, history[0].ts: found 1.5"));
    CHECK(refusal_after([](json& r) { r["context"] = "x"; }).starts_with("request, context: found \"x\""));
    const std::string cut = refusal_after([](json& r) { r["context"] = std::string(100, 'x'); });
    CHECK(cut.find("xxx..., wanted") != std::string::npos);
}

TEST_CASE("a request that was refused leaves nothing to the next one") {
    serve::RequestColumns columns;
    json bad = good(), scalar = good();
    bad["user"] = {1, "x"};
    scalar["user"] = 5;
    CHECK_THROWS_AS(columns.read(bad.dump()), RequestError);
    CHECK_THROWS_WITH_AS(columns.read(scalar.dump()), "request, user: found 5, wanted a list of ids", RequestError);
    CHECK(values(columns.read(good().dump()).user_fields) == std::vector<std::int32_t>{1, 2});
}

TEST_CASE("an answer as JSON: positions, logits and ids, best first") {
    serve::RequestColumns columns;
    const Request r = columns.read(good().dump());
    const std::vector<int> order{1, 0};
    const std::vector<float> scores{2, 1};
    CHECK(serve::answer_json(r, {order, scores}) == R"({"items":[5,4],"order":[1,0],"scores":[2,1]})");
}
