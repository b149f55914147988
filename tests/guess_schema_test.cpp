// What a first look at files takes their columns for.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "psad/data/guess_schema.hpp"
#include "psad/model_file/data_schema_json.hpp"
#include "support/files.hpp"

using namespace psad;
using psad::test::TempFolder;
using psad::test::write_bytes;

namespace {

std::vector<std::string> names(const std::vector<DenseFeature>& features) {
    std::vector<std::string> out;
    for (const DenseFeature& f : features) out.push_back(f.name);
    return out;
}
std::vector<std::string> names(const std::vector<FieldColumn>& fields) {
    std::vector<std::string> out;
    for (const FieldColumn& f : fields) out.push_back(f.name + f.split);
    return out;
}
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("guess: nested requests with tables beside them") {
    const TempFolder folder;
    write_bytes(
        folder / "r.jsonl",
        R"({"request_id": "r0", "candidates": [], "past": []})"
        "\n"
        R"({"request_id": "r1", "user_id": "u", "ts": 10, "device": "app", "hour": 3, "weight": 2, "user": {"age": 4},)"
        R"( "candidates": [{"sku": "a", "position": 1, "price": 3.5, "shop": "7", "tags": ["x"], "label": 0},)"
        R"( {"sku": "b", "position": 2, "price": null, "shop": "8", "tags": ["y", "z"], "clicked": 1, "bought": "yes", "relevance": "good", "label": 2}],)"
        R"( "past": [{"sku": "a", "ts": 5, "type": "view", "seconds": 3}], "debug": {}, "empty": null})");
    write_bytes(folder / "items.csv", "sku,brand,size,genres\na,x,3,Drama|War\nb,y,4,War\n");
    write_bytes(folder / "users.csv", "user_id,region,age\nu,N,7\n");
    const data::GuessedSchema got =
        data::guess_schema({{folder / "r.jsonl"}, {folder / "items.csv"}, {folder / "users.csv"}, {}, {}});
    const DataSchema& s = got.schema;
    CHECK(s.id == "request_id");
    CHECK(s.user == "user_id");
    CHECK(s.time == "ts");
    CHECK(s.weight == "weight");
    CHECK(s.candidates == "candidates");
    CHECK(s.item == "sku");
    CHECK(s.position == "position");
    CHECK(s.gain.grade == "label");
    CHECK(s.ordered);
    CHECK(s.history == "past");
    CHECK(s.event_item == "sku");
    CHECK(s.event_time == "ts");
    CHECK(s.event_kind == "type");
    CHECK(names(s.of_event.dense) == List{"seconds"});
    CHECK(names(s.of_context.dense) == List{"hour", "user.age"});
    CHECK(names(s.of_context.fields) == List{"device"});
    CHECK(names(s.of_candidate.dense) == List{"price"});
    CHECK(names(s.of_candidate.fields) == List{"shop", "tags"});  // a code in quotes is no number
    CHECK(names(s.of_item.dense) == List{"size"});
    CHECK(names(s.of_item.fields) == List{"brand", "genres|"});
    CHECK(names(s.of_user.dense) == List{"age"});
    CHECK(s.unread == List{"bought", "clicked", "empty", "relevance"});  // feedback beside the label would tell it
    // What is guessed can be written and read.
    CHECK(model_file::parse_data_schema(model_file::to_json(s).dump(), "again") == s);
    // With a table of events the list within is not read.
    write_bytes(folder / "events.csv", "user_id,sku,ts,action\nu,a,3,buy\n");
    const auto joined = data::guess_schema({{folder / "r.jsonl"}, {}, {}, {folder / "events.csv"}, {}});
    CHECK(joined.schema.event_kind == "action");
    CHECK(joined.schema.of_event.dense.empty());
}

TEST_CASE("guess: rows of one candidate, where what stays the same within a request is the request's") {
    const TempFolder folder;
    std::string text = "srch_id,date_time,site_id,prop_id,price_usd,note,click_bool,booking_bool,position\n";
    for (int q = 0; q < 300; ++q) {
        for (int i = 0; i < 4; ++i) {
            const std::string row = std::to_string(q), item = std::to_string(7 * i + q);
            text += row + ",2013-04-04 08:32:15," + std::to_string(q % 3) + "," + item + "," + std::to_string(i) +
                    ".5,text " + row + "-" + item + ",1,0," + std::to_string(i + 1) + "\n";
        }
    }
    write_bytes(folder / "r.csv", text);
    const DataSchema s = data::guess_schema({{folder / "r.csv"}, {}, {}, {}, {}}).schema;
    CHECK(s.id == "srch_id");
    CHECK(s.candidates.empty());
    CHECK(s.time == "date_time");
    CHECK(s.item == "prop_id");
    CHECK(names(s.of_context.fields) == List{"site_id"});
    CHECK(names(s.of_candidate.dense) == List{"price_usd"});
    CHECK(s.gain.grade.empty());
    REQUIRE(s.gain.kinds.size() == 2);
    CHECK(s.gain.kinds[0] == std::pair<std::string, double>("click_bool", 1));
    CHECK(s.gain.kinds[1] == std::pair<std::string, double>("booking_bool", 7));
    CHECK(s.unread == List{"note"});
}

TEST_CASE("guess: what is the same for all candidates is no position") {
    const TempFolder folder;
    write_bytes(folder / "a.csv", "query,sku,slot,label\n1,a,3,0\n1,b,3,1\n2,a,3,1\n2,c,3,0\n");
    write_bytes(folder / "b.csv", "query,sku,slot,label\n1,a,1,0\n1,b,2,1\n2,a,1,1\n2,c,2,0\n");
    CHECK(data::guess_schema({{folder / "a.csv"}, {}, {}, {}, {}}).schema.position.empty());
    CHECK(data::guess_schema({{folder / "b.csv"}, {}, {}, {}, {}}).schema.position == "slot");
}

TEST_CASE("guess: of files with columns by the thousand rows are looked at, too") {
    const TempFolder folder;
    data::InputFiles files;
    for (int f = 0; f < 9; ++f) {
        std::string header = "request_id,label", cells = "1,1";
        for (int c = 0; c < 9'000; ++c) header += ",c" + std::to_string(9'000 * f + c), cells += ",2";
        files.lists.push_back(folder.path() / (std::to_string(f) + ".csv"));
        write_bytes(files.lists.back(), header + "\n" + cells + "\n");
    }
    const data::GuessedSchema guess = data::guess_schema(files);
    CHECK(guess.schema.gain.grade == "label");
    CHECK(guess.columns.size() > 9'000);
    for (const data::GuessedColumn& c : guess.columns) CHECK(c.survey.values > 0);
}

TEST_CASE("guess: LETOR text says nothing by its order") {
    const TempFolder folder;
    write_bytes(folder / "l.txt", "2 qid:1 1:0.5 10:1\n0 qid:1 2:1\n");
    const DataSchema s = data::guess_schema({{folder / "l.txt"}, {}, {}, {}, {}}).schema;
    CHECK(!s.ordered);
    CHECK(s.absent_is_zero);
    CHECK(s.id == "qid");
    CHECK(s.gain.grade == "label");
    CHECK(names(s.of_candidate.dense) == List{"1", "2", "10"});
    CHECK(s.of_context.dense.empty());
}

TEST_CASE("guess: what contradicts itself is settled, so that each guess is a schema that can be read") {
    const auto guess = [](const std::string& request) {
        const TempFolder folder;
        std::string text;
        for (int i = 0; i < 60; ++i) {
            std::string line = request;
            for (std::size_t at; (at = line.find('#')) != std::string::npos;) line.replace(at, 1, std::to_string(i));
            text += line + "\n";
        }
        write_bytes(folder / "r.jsonl", text);
        const DataSchema s = data::guess_schema({{folder / "r.jsonl"}, {}, {}, {}, {}}).schema;
        CHECK(model_file::parse_data_schema(model_file::to_json(s).dump(), "guess") == s);
        return s;
    };
    // Nobody knows which of these events were before the request.
    DataSchema s = guess(R"({"ts": 9, "history": [{"item": "i1"}], "candidates": [{"item": "i#", "label": 1}]})");
    CHECK(s.event_item.empty());
    CHECK(s.unread == List{"history"});
    s = guess(R"({"history": [{"item": "i1", "ts": 3}], "candidates": [{"item": "i#", "label": 1}]})");
    CHECK(s.event_item.empty());
    // One name in both: what is read of the one is not called unread of the other, and no model sees a label.
    s = guess(R"({"ts": 9, "name": "shop", "candidates": [{"item": "i#", "name": "thing #", "label": 1}]})");
    CHECK(names(s.of_context.fields) == List{"name"});
    CHECK(s.unread.empty());
    s = guess(R"({"ts": 9, "clicked": 1, "candidates": [{"item": "i#", "clicked": 0}]})");
    CHECK(s.gain.kinds.size() == 1);
    CHECK(s.of_context == ColumnGroup{});
}

TEST_CASE("guess: the request of a row is the first usual name whose values come back") {
    const TempFolder folder;
    write_bytes(folder / "r.csv",
                "impression_id,session_id,item_id,price,clicked\n"
                "i1,s1,a,3,0\ni2,s1,b,4,1\ni3,s2,a,3,1\ni4,s2,c,5,0\n");
    const DataSchema s = data::guess_schema({{folder / "r.csv"}, {}, {}, {}, {}}).schema;
    CHECK(s.id == "session_id");
    // Where none comes back each row may well be a request.
    write_bytes(folder / "r.csv", "impression_id,item_id,clicked\ni1,a,0\ni2,b,1\n");
    CHECK(data::guess_schema({{folder / "r.csv"}, {}, {}, {}, {}}).schema.id == "impression_id");
}

TEST_CASE("guess: LETOR's features are of candidates, even if some are the same all over a sample") {
    const TempFolder folder;
    write_bytes(folder / "l.txt", "2 qid:1 1:0.5 2:7\n0 qid:1 1:1 2:7\n1 qid:2 1:3 2:8\n0 qid:2 1:4 2:8\n");
    const DataSchema s = data::guess_schema({{folder / "l.txt"}, {}, {}, {}, {}}).schema;
    CHECK(s.of_context == ColumnGroup{});
    CHECK(names(s.of_candidate.dense) == List{"1", "2"});
}

TEST_CASE("guess: lists that are not read are told, and so is what rows leave out") {
    const TempFolder folder;
    write_bytes(
        folder / "r.jsonl",
        R"({"ts": 9, "hour": 3, "recent": [{"item": "a"}], "candidates": [{"item": "a", "label": 1, "ctr": 2}]})"
        "\n"
        R"({"ts": 9, "country": "NA", "candidates": [{"item": "b", "label": 1, "ctr": "NA"}]})"
        "\n"
        R"({"ts": 9, "country": "NULL", "candidates": [{"item": "b", "label": 1}]})"
        "\n"
        R"({"ts": 9, "country": "FR", "candidates": [{"item": "b", "label": 1}]})");
    const data::GuessedSchema got = data::guess_schema({{folder / "r.jsonl"}, {}, {}, {}, {}});
    CHECK(got.schema.unread == List{"recent"});
    const auto find = [&](const std::string& name) {
        const auto found =
            std::ranges::find(got.columns, name, [](const data::GuessedColumn& c) { return c.survey.name; });
        REQUIRE(found != got.columns.end());
        return *found;
    };
    CHECK(find("recent").use == "not read: a list of something else");
    CHECK(find("hour").survey.missing == 3);
    CHECK(find("ctr").survey.missing == 3);
    // A country may be called NA; that NULL is none is the word of databases.
    CHECK(find("country").survey.missing == 2);
    CHECK(find("country").survey.values == 2);

    write_bytes(
        folder / "flat.jsonl",
        R"({"q": 1, "request_id": "r", "ts": 9, "item": "a", "label": 1, "history": [{"item": "b", "ts": 1}]})"
        "\n"
        R"({"q": 1, "request_id": "r", "ts": 9, "item": "c", "label": 0, "history": [{"item": "b", "ts": 1}]})");
    const DataSchema flat = data::guess_schema({{folder / "flat.jsonl"}, {}, {}, {}, {}}).schema;
    CHECK(flat.event_time.empty());
    CHECK(std::ranges::count(flat.unread, "history") == 1);
}

TEST_CASE("guess: a list among many numbers is a fault, and lists of numbers are values of a field") {
    const TempFolder folder;
    std::string lines, lists;
    for (int i = 0; i < 40; ++i) {
        const std::string price = i == 7 ? "[21.8]" : std::to_string(i);
        lines += R"({"candidates": [{"price": )" + price + R"(, "label": 0}]})" + "\n";
        lists += R"({"candidates": [{"sizes": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "label": 0}]})";
        lists += "\n";
    }
    write_bytes(folder / "few.jsonl", lines);
    write_bytes(folder / "all.jsonl", lists);
    CHECK(names(data::guess_schema({{folder / "few.jsonl"}}).schema.of_candidate.dense) == List{"price"});
    CHECK(names(data::guess_schema({{folder / "all.jsonl"}}).schema.of_candidate.fields) == List{"sizes"});
}
