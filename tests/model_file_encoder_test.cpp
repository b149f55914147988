// The encoder's share of a model file: every key and number is checked before it is believed.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "psad/model_file/model_file.hpp"
#include "support/model_files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = StudentOf<Psad<small>>;
using Json = nlohmann::json;

// Saves a model, changes one key of its metadata and loads it.
class Damage {
  public:
    Damage() : file_(shaken<Psad<small>>(), model_file::Parts::student) {}

    std::string text(const std::string& key, const std::string& value) const {
        model_file::TensorFile content = file_.content();
        content.metadata[key] = value;
        return load(content);
    }
    std::string json(const std::string& key, const std::function<void(Json&)>& change) const {
        Json value = Json::parse(file_.content().metadata.at(key));
        change(value);
        return text(key, value.dump());
    }
    std::string without(const std::string& key) const {
        model_file::TensorFile content = file_.content();
        content.metadata.erase(key);
        return load(content);
    }
    template <class T>
    std::string numbers(const std::string& name, const std::function<void(std::vector<T>&)>& change) const {
        model_file::TensorFile content = file_.content();
        const auto found = std::ranges::find(content.tensors, name, &model_file::Tensor::name);
        const auto old = content.values<T>(name);
        std::vector<T> values(old.begin(), old.end());
        change(values);
        *found = model_file::tensor(name, {static_cast<std::int64_t>(values.size())}, values);
        return load(content);
    }
    std::string without_tensor(const std::string& name) const {
        model_file::TensorFile content = file_.content();
        std::erase_if(content.tensors, [&](const model_file::Tensor& t) { return t.name == name; });
        return load(content);
    }
    Json value(const std::string& key) const { return Json::parse(file_.content().metadata.at(key)); }

  private:
    std::string load(const model_file::TensorFile& content) const {
        file_.replace(content);
        return file_.refusal<Net>();
    }
    ModelFile file_;
};

const std::vector<std::string> keys{"psad.variant", "psad.schema", "psad.statistics"};

}  // namespace

TEST_CASE("metadata: each key must be there and hold JSON of the right kind") {
    const Damage damage;
    CHECK(damage.json("psad.schema", [](Json&) {}) == "");
    for (const std::string& key : keys) {
        const std::string place = "metadata " + key + ": found ";
        CHECK(damage.without(key) == place + "no such key, wanted a model file of psad");
        for (const char* text : {"", "{", "nonsense", "{} {}"}) {
            CHECK(damage.text(key, text).starts_with(place + "text that is not JSON at byte "));
        }
        CHECK(damage.text(key, "{\"a\":" + std::string(300'000, '[')).starts_with(place + "JSON nested more than"));
        CHECK(damage.text(key, "{\"a\":1,\"a\":2}") == place + "the key \"a\" twice, wanted each key once");
        for (const char* text : {"{}", "[]", "null", "7", "\"text\"", "[[]]"}) {
            INFO(text);
            CHECK(damage.text(key, text).starts_with(place));
        }
    }
}

TEST_CASE("metadata: each part of each key must be there and of its type") {
    const Damage damage;
    std::size_t parts = 0;
    for (const std::string& key : keys) {
        const std::string place = "metadata " + key + ": found ";
        const Json whole = damage.value(key);
        const auto refused = [&](const std::string& what, const std::function<void(Json&)>& change) {
            INFO(what);
            ++parts;
            CHECK(damage.json(key, change).starts_with(place));
        };
        for (const auto& part : whole.items()) {
            const std::string& name = part.key();
            refused(name, [&](Json& j) { j.erase(name); });
            for (const Json& bad : {Json(nullptr), Json("text"), Json(true), Json::object(), Json(-1.5)}) {
                if (bad.is_boolean() && part.value().is_boolean()) continue;
                refused(name, [&](Json& j) { j[name] = bad; });
            }
            if (!part.value().is_object()) continue;
            for (const auto& number : part.value().items()) {
                const std::string& inner = number.key();
                refused(name + "." + inner, [&](Json& j) { j[name].erase(inner); });
                for (const Json& bad : {Json(nullptr), Json("text"), Json::array(), Json::object()}) {
                    refused(name + "." + inner, [&](Json& j) { j[name][inner] = bad; });
                }
            }
        }
    }
    CHECK(parts > 125);
}

TEST_CASE("schema and statistics: numbers out of range") {
    const Damage damage;
    const auto schema = [&](const std::function<void(Json&)>& f) { return damage.json("psad.schema", f); };
    const auto statistics = [&](const std::function<void(Json&)>& f) { return damage.json("psad.statistics", f); };
    for (const Json& bad : {Json(0), Json(-1), Json(2'000'000'000'000), Json(1.5), Json(UINT64_MAX)}) {
        CHECK(schema([&](Json& j) {
                  j["user_fields"][0]["vocabulary"] = bad;
              }).starts_with("metadata psad.schema: found vocabulary = "));
        CHECK(
            schema([&](Json& j) { j["max_history"] = bad; }).starts_with("metadata psad.schema: found max_history = "));
    }
    CHECK(schema([](Json& j) { j["item_fields"][1]["name"] = 7; }) != "");
    CHECK(schema([](Json& j) { j["item_fields"][1] = 7; }) != "");
    CHECK(schema([](Json& j) { j["item_fields"].erase(1); }) != "");
    CHECK(schema([](Json& j) {
              j["user_fields"].push_back({{"name", "more"}, {"vocabulary", 3}, {"match", true}});
          }) != "");
    for (const Json& bad : {Json(0), Json(-1e5)}) {
        CHECK(statistics([&](Json& j) { j["tau0"] = bad; }).starts_with("metadata psad.statistics: found tau0 = "));
    }
    // Beyond float: it would become infinite.
    CHECK(statistics([](Json& j) { j["candidate_dense"][0]["scale"] = 1e300; }) != "");
    CHECK(statistics([](Json& j) { j["candidate_dense"][1].erase("center"); }) ==
          "metadata psad.statistics: found no center, wanted center");
    CHECK(statistics([](Json& j) { j["candidate_dense"].erase(1); }) ==
          "metadata psad.statistics: found 1 features in candidate_dense, wanted 2");
    CHECK(statistics([](Json& j) { j["derived_inv_std"][3] = 1e300; }) != "");
    CHECK(statistics([](Json& j) { j["derived_inv_std"][3] = "1"; }) != "");
    CHECK(statistics([](Json& j) { j["match_inv_std"].erase(0); }) ==
          "metadata psad.statistics: found 24 numbers in match_inv_std, wanted 25");
    CHECK(statistics([](Json& j) { j["derived_inv_std"] = Json::array(); }) == "");  // all 1
    CHECK(schema([](Json& j) { j["candidate_dense"][0]["along_list"] = 1; }) ==
          "metadata psad.schema: found 1, wanted true or false for along_list");
    CHECK(schema([](Json& j) { j["feedback_kinds"] = 0; }).starts_with("metadata psad.schema: found feedback_kinds"));
    // Another number of inputs than the network has.
    CHECK(schema([](Json& j) { j["feedback_kinds"] = 15; }) != "");
    CHECK(schema([](Json& j) { j["candidate_dense"][0]["along_list"] = true; }) != "");
}

TEST_CASE("vocabularies: values out of range, twice, or of the wrong number") {
    const Damage damage;
    const auto vocabulary = [&](const std::function<void(Json&)>& f) { return damage.json("psad.statistics", f); };
    const std::string place = "metadata psad.statistics: found ";
    REQUIRE(damage.value("psad.statistics")["items"].size() > 2);
    for (const Json& bad : {Json(toy_items), Json(-1), Json(1.0), Json("1"), Json(nullptr), Json(UINT64_MAX)}) {
        CHECK(vocabulary([&](Json& j) { j["items"][0] = bad; }) ==
              place + bad.dump() + ", wanted each value below " + std::to_string(toy_items) + " once");
    }
    CHECK(vocabulary([](Json& j) { j["items"][0] = j["items"][1]; }).starts_with(place));
    CHECK(vocabulary([](Json& j) { j["profile_fields"][2].push_back(5); }).starts_with(place + "5, wanted"));
    CHECK(vocabulary([](Json& j) { j["item_fields"].erase(0); }) == place + "1 item_fields, wanted 2");
    CHECK(vocabulary([](Json& j) { j["profile_fields"].push_back(Json::array()); }) ==
          place + "4 profile_fields, wanted 3");
    for (const Json& bad : {Json(2), Json(nullptr), Json("text"), Json::object()}) {
        CHECK(vocabulary([&](Json& j) { j["item_fields"][1] = bad; }) ==
              place + bad.dump() + ", wanted a list of values");
    }
    // One known value fewer: the embedding table has a row too many.
    CHECK(vocabulary([](Json& j) { j["items"].erase(0); }).starts_with("tensor student.features.item.field0: "));
    const auto catalog_items = [&](const Json& count) {
        return damage.json("psad.schema", [&](Json& j) { j["catalog_items"] = count; });
    };
    for (const Json& bad : {Json(-1), Json(2'000'000'000), Json(3e9), Json(1'000'000'000'000)})
        CHECK(catalog_items(bad).starts_with("metadata psad.schema: found catalog_items = "));
    CHECK(catalog_items(90'000'000).starts_with("tensor catalog.0.offsets: found shape "));
    CHECK(catalog_items(toy_items - 1) != "");
}

TEST_CASE("a vocabulary's size costs no memory by itself") {
    const Damage damage;
    CHECK(damage.json("psad.schema", [](Json& j) { j["user_fields"][1]["vocabulary"] = 100'000'000; }) == "");
}

TEST_CASE("catalog: offsets that fall or run past the ids, ids out of range, tensors missing") {
    const Damage damage;
    using Offsets = std::vector<std::int64_t>;
    using Ids = std::vector<std::int32_t>;
    const auto offsets = [&](const std::function<void(Offsets&)>& f) {
        return damage.numbers<std::int64_t>("catalog.0.offsets", f);
    };
    const auto ids = [&](const std::function<void(Ids&)>& f) {
        return damage.numbers<std::int32_t>("catalog.1.ids", f);
    };
    CHECK(offsets([](Offsets&) {}) == "");
    CHECK(offsets([](Offsets& o) { o[5] = o[4] - 1; }).starts_with("catalog, genre: found offsets that fall"));
    CHECK(offsets([](Offsets& o) { o[0] = -1; }).starts_with("catalog, genre: found offsets that fall"));
    CHECK(offsets([](Offsets& o) { o[0] = 1; }).starts_with("catalog, genre: found offsets that fall"));
    CHECK(offsets([](Offsets& o) { o.back() += 1; }).starts_with("catalog, genre: found offsets that fall"));
    CHECK(offsets([](Offsets& o) { o.push_back(o.back()); }).starts_with("tensor catalog.0.offsets: found shape"));
    CHECK(ids([](Ids&) {}) == "");
    CHECK(ids([](Ids& i) { i[3] = 4; }) == "");  // unknown
    CHECK(ids([](Ids& i) { i[3] = -1; }) == "catalog, brand: found id -1, wanted ids of 0 or more");
    CHECK(ids([](Ids& i) { i.pop_back(); }).starts_with("catalog, brand: found offsets that fall"));
    for (const char* name : {"catalog.0.offsets", "catalog.0.ids", "catalog.1.offsets", "catalog.1.ids"}) {
        CHECK(damage.without_tensor(name).starts_with("tensor " + std::string(name) + ": found no such tensor"));
    }
}
