// Schemas of somebody's data as JSON.
#include <doctest/doctest.h>

#include <string>

#include "psad/model_file/data_schema_json.hpp"

using namespace psad;

namespace {

const std::string whole = R"({"format": "psad-schema-1",
    "request": {"id": "request_id", "user": "user_id", "time": "ts", "weight": "w"},
    "user": {"fields": ["region"]},
    "context": {"dense": ["hour"], "fields": ["device"]},
    "candidate": {"list": "candidates", "item": "sku", "position": "rank", "propensity": "p",
                  "dense": ["ctr", {"name": "price", "along_list": true}]},
    "item": {"fields": ["brand", {"name": "shop", "hash": 1000}]},
    "event": {"list": "history", "item": "sku", "time": "ts", "kind": "type"},
    "label": {"kinds": {"click": 1, "buy": 5.5}}})";

std::string refusal(const std::string& text) {
    try {
        model_file::parse_data_schema(text, "schema.json");
    } catch (const DataError& e) {
        return e.what();
    }
    return "";
}

// The schema with one text replaced.
std::string refusal_with(const std::string& from, const std::string& to) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return refusal(text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("data schema: every part is read, and written as it was") {
    const DataSchema s = model_file::parse_data_schema(whole, "schema.json");
    CHECK(s.id == "request_id");
    CHECK(s.weight == "w");
    CHECK(s.propensity == "p");
    CHECK(s.event_kind == "type");
    CHECK(s.of_context.dense[0].name == "hour");
    CHECK(s.of_candidate.dense[1].name == "price");
    CHECK(s.of_candidate.dense[1].along_list);
    CHECK(!s.of_candidate.dense[0].along_list);
    CHECK(s.of_item.fields[1].hash == 1000);
    CHECK(s.gain.kinds[0].second == 5.5);  // by name
    CHECK(s.gain.kinds[1].first == "click");
    CHECK(model_file::parse_data_schema(model_file::to_json(s).dump(2), "again") == s);
    const DataSchema least = model_file::parse_data_schema(R"({"format": "psad-schema-1"})", "schema.json");
    CHECK(least == DataSchema{});
}

TEST_CASE("data schema: each fault names the place, what was found and what was wanted") {
    CHECK(refusal("{") == "schema.json: found text that is not JSON at byte 2, wanted JSON");
    CHECK(refusal("[]") == "schema.json: found [], wanted an object");
    CHECK(refusal("{}") == "schema.json, format: found nothing, wanted a name");
    CHECK(refusal_with("psad-schema-1", "psad-schema-2") ==
          "schema.json, format: found \"psad-schema-2\", wanted \"psad-schema-1\"");
    CHECK(refusal_with("\"weight\": \"w\"", "\"wieght\": \"w\"") ==
          "schema.json, request: found the unknown key \"wieght\", wanted id, user, time, weight");
    CHECK(refusal_with("\"ts\"", "7") == "schema.json, request.time: found 7, wanted the name of a column");
    CHECK(refusal_with("\"ts\"", "\"\"") == "schema.json, request.time: found \"\", wanted the name of a column");
    CHECK(refusal_with("[\"region\"]", "\"region\"") ==
          "schema.json, user.fields: found \"region\", wanted a list of columns");
    CHECK(refusal_with("\"ctr\"", "\"price\"") ==
          "schema.json, candidate.dense[1]: found the column price twice, wanted each once");
    CHECK(refusal_with("true", "1") == "schema.json, candidate.dense[1].along_list: found 1, wanted true or false");
    CHECK(refusal_with("1000", "0") == "schema.json, item.fields[1].hash: found 0, wanted 1 to 99999999");
    CHECK(refusal_with("\"hash\": 1000", "\"buckets\": 3") ==
          "schema.json, item.fields[1]: found the unknown key \"buckets\", wanted name, hash, split, match");
    CHECK(refusal_with("{\"kinds\"", "{\"grade\": \"y\", \"kinds\"") ==
          "schema.json, label: found 2 rules, wanted one of grade, gain and kinds");
    CHECK(refusal_with("5.5", "-1") == "schema.json, label.kinds.buy: found -1, wanted a number of 0 or more");
}
