// Files of requests of every form, and tables beside them.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "psad/data/request_files.hpp"
#include "support/files.hpp"
#include "support/lists_folder.hpp"
#include "support/same_request.hpp"

using namespace psad;
using psad::test::TempFolder;
using psad::test::write_bytes;

namespace {

DataSchema schema() {
    DataSchema s;
    s.id = "rid", s.user = "who", s.time = "ts", s.weight = "w";
    s.item = "sku", s.position = "pos", s.propensity = "p";
    s.event_item = "sku", s.event_time = "ts", s.event_kind = "type";
    s.of_user = {{{"age"}}, {{"region"}}};
    s.of_context = {{{"hour"}}, {{"device"}}};
    s.of_candidate = {{{"price"}, {"ctr"}}, {{"shop"}}};
    s.of_item = {{{"size"}}, {{"brand"}, {"tags", 0, "|"}}};
    s.of_event = {{{"seconds"}}, {{"page"}}};
    s.gain.grade = "label";
    return s;
}

/// What was read of one or more files by a schema.
struct Read {
    explicit Read(const DataSchema& s) : data{s, NamedIds(s)} {}

    void lists(const data::Paths& files, const std::string& format = {}, data::Learn learn = data::Learn::all) {
        data::Names names(data, learn);
        data::read_items(input.items, names);
        const auto tables = data::read_side_tables(input, names);
        read = data::read_requests(files, format, names, tables);
        if (learn != data::Learn::nothing) catalog = names.catalog();
    }
    const Request& operator[](std::size_t i) const { return read.source[i]; }
    std::string item(std::int32_t id) const { return std::string(data.ids.items.name(id)); }

    NamedData data;
    data::InputFiles input;
    data::ReadLists read;
    Catalog catalog;
};

const char* const nested =
    R"({"rid": "a", "who": "u1", "ts": 1000, "w": 2, "age": 31.5, "region": "R1", "hour": 7, "device": "app",)"
    R"( "candidates": [{"sku": "x", "pos": 1, "p": 1, "price": 9.5, "ctr": 0.25, "shop": 7, "label": 0, "size": 3,)"
    R"( "brand": "b1", "tags": ["red", "blue"]},)"
    R"( {"sku": "y", "pos": 2, "p": 0.5, "price": null, "ctr": 1e-3, "shop": null, "label": 3}],)"
    R"( "history": [{"sku": "y", "ts": 900, "type": "buy", "seconds": 2, "page": "p2"},)"
    R"( {"sku": "z", "ts": 800, "type": "view", "page": "p1"}]})"
    "\n\n"
    R"({"rid": "b", "who": "u2", "ts": "1970-01-01T00:20:00Z", "candidates": [{"sku": "z", "label": true}]})"
    "\n";

/// The fault of reading one file by a schema; empty where there is none.
std::string fault(const std::string& name, const std::string& text, DataSchema s = schema()) {
    const TempFolder folder;
    write_bytes(folder.path() / name, text);
    try {
        Read(s).lists({folder.path() / name});
    } catch (const DataError& e) {
        const std::string what = e.what(), prefix = (folder.path() / name).string();
        return what.starts_with(prefix) ? name + what.substr(prefix.size()) : what;
    }
    return "";
}

DataSchema flat_schema() {
    DataSchema s;
    s.id = "q", s.user = "who", s.time = "ts", s.item = "doc", s.candidates = "";
    s.of_context = {{{"hour"}}, {{"device"}}};
    s.of_candidate = {{{"price"}, {"ctr"}}, {{"shop"}}};
    s.gain.grade = "label";
    return s;
}

}  // namespace

TEST_CASE("request files: every part of a nested request is read") {
    const TempFolder folder;
    write_bytes(folder / "r.jsonl", nested);
    Read got(schema());
    got.lists({folder / "r.jsonl"});
    REQUIRE(got.read.source.size() == 2);
    CHECK(got.read.source.id(0) == "a");
    CHECK(got.read.source.id(1) == "b");
    CHECK(got.read.source.place(1) == (folder / "r.jsonl").string() + ", line 3");
    const Request& r = got[0];
    CHECK(r.time == 1000);
    CHECK(r.weight == 2);
    CHECK(r.user_dense(0, 0) == 31.5);
    CHECK(got.data.ids.user_fields[0].name(r.user_fields(0, 0)[0] - 1) == "R1");
    CHECK(r.context_dense(0, 0) == 7);
    REQUIRE(r.size() == 2);
    CHECK(got.item(r.items[0]) == "x");
    CHECK(r.labels[0] == 0);
    CHECK(r.labels[1] == 3);
    CHECK(r.propensities[1] == 0.5f);
    CHECK(r.candidate_dense(0, 0) == 9.5);
    CHECK(std::isnan(r.candidate_dense(1, 0)));
    CHECK(r.candidate_dense(1, 1) == 1e-3);
    CHECK(got.data.ids.candidate_fields[0].name(r.candidate_fields(0, 0)[0] - 1) == "7");
    CHECK(r.candidate_fields(1, 0)[0] == 0);  // missing: the unknown
    CHECK(std::ranges::equal(r.shown, std::vector<std::int32_t>{0, 1}));
    // Events oldest first, whatever their order in the file.
    REQUIRE(r.history_items.size() == 2);
    CHECK(got.item(r.history_items[0]) == "z");
    CHECK(r.history_times[1] == 900);
    CHECK(got.data.ids.kinds.name(r.history_feedback[1] - 1) == "buy");
    CHECK(std::isnan(r.history_dense(0, 0)));
    CHECK(r.history_dense(1, 0) == 2);
    CHECK(r.history_fields(0, 0)[0] != r.history_fields(1, 0)[0]);
    // What candidates say of items is the catalog, where no table does.
    const auto x = static_cast<std::size_t>(r.items[0]), y = static_cast<std::size_t>(r.items[1]);
    CHECK(got.catalog.items == 3);
    CHECK(got.catalog.dense[x] == 3);
    CHECK(std::isnan(got.catalog.dense[y]));
    CHECK(got.catalog.fields[1][x].size() == 2);
    CHECK(got.catalog.fields[0][y][0] == 0);
    // The second request lacks nearly all.
    const Request& b = got[1];
    CHECK(b.time == 1200);
    CHECK(b.weight == 1);
    CHECK(b.labels[0] == 1);
    CHECK(b.propensities.empty());
    CHECK(b.history_items.empty());
    CHECK(std::isnan(b.user_dense(0, 0)));
    CHECK(b.user_fields(0, 0)[0] == 0);
    CHECK(b.items[0] == r.history_items[0]);
    CHECK(got.read.missing.empty());
    got.read.source.check([&](const Request& q) { check_request(request_schema(got.data), got.catalog, q); });
}

TEST_CASE("request files: the same lists in every form are the same requests") {
    const TempFolder folder;
    write_bytes(folder / "n.jsonl", R"({"q": "1", "who": "u", "ts": 5, "hour": 3, "device": "app", "candidates": [)"
                                    R"({"doc": "a", "price": 1.5, "ctr": null, "shop": "s,1", "label": 2}, )"
                                    R"({"doc": "b", "price": -2, "ctr": 0.5, "shop": "s\"2", "label": 0}]})"
                                    "\n"
                                    R"({"q": "2", "who": "v", "ts": 6, "hour": null, "device": null, "candidates": [)"
                                    R"({"doc": "a", "price": 1e9, "ctr": 0, "shop": "x", "label": 1}]})");
    write_bytes(
        folder / "f.jsonl",
        R"({"q": 1, "who": "u", "ts": 5, "hour": 3, "device": "app", "doc": "a", "price": 1.5, "shop": "s,1", "label": 2})"
        "\n"
        R"({"label": 0, "q": 1, "who": "u", "ts": 5, "hour": 3, "device": "app", "doc": "b", "price": -2, "ctr": 0.5, "shop": "s\"2"})"
        "\n"
        R"({"q": 2, "who": "v", "ts": 6, "doc": "a", "price": 1e9, "ctr": 0, "shop": "x", "label": 1})"
        "\n");
    write_bytes(
        folder / "c.csv",
        "\xef\xbb\xbfq,label,who,ts,hour,device,doc,price,ctr,shop,comment\r\n1,2,u,5,3,app,a,1.5,,\"s,1\",\"two\n"
        "lines\"\r\n1,0,u,5,3,app,b,-2,0.5,\"s\"\"2\",\r\n2,1,v,6,,,a,1e9,0,x,\r\n");
    write_bytes(folder / "t.tsv",
                "shop\tctr\tprice\tdoc\tdevice\thour\tts\twho\tlabel\tq\ns,1\tNULL\t1.5\ta\tapp\t3\t5\tu\t2\t1\n"
                "s\"2\t0.5\t-2\tb\tapp\t3\t5\tu\t0\t1\nx\t0\t1e9\ta\t\t\t6\tv\t1\t2\n");
    psad::test::write_gzip(folder / "c2.csv.gz", psad::test::read_bytes(folder / "c.csv"));
    DataSchema nested_schema = flat_schema();
    nested_schema.candidates = "candidates";
    Read wanted(nested_schema);
    wanted.lists({folder / "n.jsonl"});
    REQUIRE(wanted.read.source.size() == 2);
    REQUIRE(wanted[0].size() == 2);
    for (const char* name : {"f.jsonl", "c.csv", "t.tsv", "c2.csv.gz"}) {
        CAPTURE(name);
        Read got(flat_schema());
        got.data.ids = wanted.data.ids;  // so that order of columns does not number names otherwise
        got.lists({folder / name}, {}, data::Learn::nothing);
        REQUIRE(got.read.source.size() == 2);
        check_same(got[0], wanted[0]);
        check_same(got[1], wanted[1]);
        CHECK(got.read.source.id(1) == "2");
    }
    // Several files, or the folder that holds them, are one set; what is of no column is told.
    Read both(flat_schema());
    write_bytes(folder / "d.csv", "q,label,who,ts,hour,device,doc,price,ctr,shop\n7,2,u,5,3,app,a,1.5,,s\n");
    both.lists({folder / "c.csv", folder / "d.csv"});
    CHECK(both.read.source.size() == 3);
    CHECK(both.read.source.place(0) == (folder / "c.csv").string() + ", line 2");
    CHECK(both.read.source.place(2) == (folder / "d.csv").string() + ", line 2");
    CHECK(both.read.unread.contains("comment"));
    CHECK(both.read.unread.size() == 1);
}

TEST_CASE("request files: arrays of numpy") {
    const TempFolder folder;
    xt::xtensor<std::int64_t, 1> offsets{0, 2, 3};
    xt::xtensor<float, 2> features{{1.5f, 0.f}, {2.5f, std::nanf("")}, {3.5f, 1.f}};
    xt::xtensor<std::int32_t, 1> label{0, 2, 1}, doc{7, 8, 7};
    xt::xtensor<double, 1> hour{3, 4};
    xt::dump_npy((folder / "offsets.npy").string(), offsets);
    xt::dump_npy((folder / "f.npy").string(), features);
    xt::dump_npy((folder / "label.npy").string(), label);
    xt::dump_npy((folder / "doc.npy").string(), doc);
    xt::dump_npy((folder / "hour.npy").string(), hour);
    DataSchema s;
    s.item = "doc";
    s.of_candidate.dense = {{"f.1"}, {"f.0"}};
    s.of_context.dense = {{"hour"}};
    s.gain.grade = "label";
    Read got(s);
    got.lists({folder.path()});
    REQUIRE(got.read.source.size() == 2);
    CHECK(got[0].size() == 2);
    CHECK(got[0].candidate_dense(1, 1) == 2.5);
    CHECK(std::isnan(got[0].candidate_dense(1, 0)));
    CHECK(got[0].labels[1] == 2);
    CHECK(got[1].items[0] == got[0].items[0]);
    CHECK(got[1].context_dense(0, 0) == 4);
    {  // Cut short, longer than it says, of another order.
        const std::string whole = psad::test::read_bytes(folder / "f.npy");
        const auto refused = [&](std::string bytes) {
            write_bytes(folder / "f.npy", bytes);
            try {
                Read(s).lists({folder.path()});
            } catch (const DataError& e) {
                return std::string(e.what()).substr(folder.path().string().size());
            }
            return std::string();
        };
        CHECK(refused(whole).empty());
        CHECK(refused(whole.substr(0, whole.size() - 4)) ==
              ", f.npy: found 20 bytes of numbers, wanted 24, as the header says");
        CHECK(refused(whole + "1234") == ", f.npy: found 28 bytes of numbers, wanted 24, as the header says");
        std::string texts = whole;
        texts.replace(texts.find("<f4"), 3, "<U3");
        CHECK(refused(texts) ==
              ", f.npy: found the type '<U3', wanted f4, f8, i1, i2, i4, i8, u1 or b1; names stand in other formats");
        for (std::size_t size = 0; size + 4 < whole.size(); size += 7) CHECK(!refused(whole.substr(0, size)).empty());
        std::string turned = whole;
        turned.replace(turned.find("False"), 5, "True ");
        CHECK(refused(turned).find("Fortran order") != std::string::npos);
        write_bytes(folder / "f.npy", whole);
    }
    xt::dump_npy((folder / "f.0.npy").string(), hour);
    CHECK_THROWS_WITH_AS(
        got.lists({folder.path()}),
        (folder.path().string() + ", f.0.npy: found the column 'f.0' of another array, wanted each column once")
            .c_str(),
        DataError);
    std::filesystem::remove(folder / "f.0.npy");
    xt::xtensor<double, 1> short_one{1};
    xt::dump_npy((folder / "hour.npy").string(), short_one);
    CHECK_THROWS_WITH_AS(
        got.lists({folder.path()}),
        (folder.path().string() + ", hour.npy: found 1 rows, wanted 3, one per candidate, or 2, one per list").c_str(),
        DataError);
}

TEST_CASE("request files: LETOR text") {
    const TempFolder folder;
    write_bytes(folder / "l.txt",
                "# a comment\n2 qid:10 1:0.5 3:7 # docid = X\n0 qid:10 2:nan\n\n1\tqid:11\t1:-1e3 9:1\r\n");
    DataSchema s;
    s.id = "qid", s.candidates = "", s.ordered = false;
    s.of_candidate.dense = {{"1"}, {"2"}, {"3"}};
    s.gain.grade = "label";
    Read got(s);
    got.lists({folder / "l.txt"});
    REQUIRE(got.read.source.size() == 2);
    CHECK(got.read.source.id(0) == "10");
    CHECK(got[0].labels[0] == 2);
    CHECK(got[0].candidate_dense(0, 0) == 0.5);
    CHECK(got[0].candidate_dense(0, 1) == 0);  // left out: zero
    CHECK(got[0].candidate_dense(0, 2) == 7);
    CHECK(std::isnan(got[0].candidate_dense(1, 1)));
    CHECK(got[0].items[0] == -1);
    CHECK(got[1].candidate_dense(0, 0) == -1000);
    CHECK(got.read.unread.contains("9"));
    const auto refused = [&](const std::string& text) { return fault("l.letor", text, s); };
    CHECK(refused("1 qid:1 1:2\n0 qid:2 1:2\n1 qid:1 1:2\n") ==
          "l.letor, line 3, feature qid: found '1' again, wanted the rows of a request one after the other");
    CHECK(refused("1 1:2\n") == "l.letor, line 1: found '1:2', wanted qid:Q behind the grade");
    CHECK(refused("1 qid:1 2:1 1:1\n") ==
          "l.letor, line 1: found '1:1', wanted feature:value, its number above 2, at most 10000 (--max-columns)");
    CHECK(refused("1 qid:1 1:x\n") == "l.letor, line 1, feature 1: found 'x', wanted a finite number, or nan");
    CHECK(refused("1 qid:1 1:inf\n") == "l.letor, line 1, feature 1: found 'inf', wanted a finite number, or nan");
    CHECK(refused("31 qid:1 1:1\n") ==
          "l.letor, line 1, feature label: found '31', wanted a whole grade from 0 to 30 (other numbers: label.gain in "
          "a schema)");
    CHECK(refused("0.5 qid:1 1:1\n") ==
          "l.letor, line 1, feature label: found '0.5', wanted a whole grade from 0 to 30 (other numbers: label.gain "
          "in a schema)");
    CHECK(refused("") == "l.letor: found an empty file, wanted rows of grade qid:Q 1:value ...");
}

TEST_CASE("request files: tables of items, users and events are joined by name and time") {
    const TempFolder folder;
    write_bytes(folder / "r.jsonl",
                R"({"rid": 1, "who": "u1", "ts": 100, "age": 5, "candidates": [{"sku": "x"}, {"sku": "new"}]})"
                "\n"
                R"({"rid": 2, "who": "nobody", "ts": 100, "candidates": [{"sku": "y"}]})");
    write_bytes(folder / "items.csv", "sku,brand,tags,size,title\nx,b1,red|blue,3,X\ny,,,,Y\n");
    write_bytes(folder / "users.tsv", "who\tregion\tage\nu1\tR1\t99\n");
    write_bytes(folder / "events.csv",
                "ts,who,type,sku,seconds,page\n99,u1,buy,y,4,p\n100,u1,view,x,,\n98,u1,view,q,1,p\n");
    Read got(schema());
    got.input = {{}, {folder / "items.csv"}, {folder / "users.tsv"}, {folder / "events.csv"}, {}};
    got.lists({folder / "r.jsonl"});
    const Request& r = got[0];
    CHECK(r.user_dense(0, 0) == 5);  // what the request says itself goes before
    CHECK(r.user_fields(0, 0)[0] == 1);
    REQUIRE(r.history_items.size() == 2);  // those before the request
    CHECK(got.item(r.history_items[0]) == "q");
    CHECK(got.item(r.history_items[1]) == "y");
    CHECK(r.history_dense(1, 0) == 4);
    CHECK(got[1].history_items.empty());
    CHECK(got[1].user_fields(0, 0)[0] == 0);
    CHECK(got.catalog.items == 4);  // of the table, of events and of candidates
    CHECK(got.catalog.fields[1][0].size() == 2);
    CHECK(got.catalog.fields[0][1][0] == 0);
    CHECK(got.read.missing ==
          std::set<std::string, std::less<>>{"ctr", "device", "hour", "p", "pos", "price", "shop", "w"});

    const auto refused = [&](const char* file, const std::string& text) {
        Read again(schema());
        again.input = got.input;
        write_bytes(folder / "bad.csv", text);
        (std::string(file) == "items"   ? again.input.items
         : std::string(file) == "users" ? again.input.users
                                        : again.input.events) = {folder / "bad.csv"};
        try {
            again.lists({folder / "r.jsonl"});
        } catch (const DataError& e) {
            return std::string(e.what()).substr((folder / "bad.csv").string().size());
        }
        return std::string();
    };
    CHECK(refused("items", "sku,brand,tags,size\nx,b,,\nx,b,,\n") ==
          ", line 3, column sku: found 'x' again, wanted each item once");
    CHECK(refused("items", "brand,tags,size\nb,,\n") ==
          ", line 2: found no column 'sku', wanted it, as the schema says");
    CHECK(refused("items", "sku,tags,size\nb,,\n") == ": found no column 'brand', wanted it, as the schema says");
    CHECK(refused("items", "sku,brand,tags,size\nb,,,big\n") ==
          ", line 2, column size: found 'big', wanted a finite number, or nothing");
    CHECK(refused("users", "who,region\nu,R\nu,R\n") == ", line 3, column who: found 'u' again, wanted each user once");
    CHECK(refused("events", "ts,who,type,sku,seconds,page\nnow,u1,a,b,,\n") ==
          ", line 2, column ts: found 'now', wanted " + std::string(data::wanted_time));
    CHECK(refused("events", "ts,type,sku,seconds,page\n5,a,b,,\n") ==
          ": found no column 'who', wanted it, as the schema says");
    // Events of nobody are nobody's history.
    write_bytes(folder / "anonymous.csv", "ts,who,type,sku,seconds,page\n5,,a,b,,\n6,NULL,a,b,,\n7,u1,a,b,,\n");
    data::Names names(got.data, data::Learn::all);
    const auto tables = data::read_side_tables({{}, {}, {}, {folder / "anonymous.csv"}}, names);
    CHECK(tables->events->without_user == 2);
    CHECK(tables->events->times == std::vector<std::int64_t>{7});
}

TEST_CASE("request files: what a model does not know is unknown, and unknown items stay themselves") {
    const TempFolder folder;
    write_bytes(folder / "train.jsonl", nested);
    Read got(schema());
    got.lists({folder / "train.jsonl"});
    const Catalog before = got.catalog;
    const Schema learned = request_schema(got.data);
    write_bytes(
        folder / "later.jsonl",
        R"({"rid": "c", "who": "u9", "ts": 1, "region": "R9", "device": "tv", "candidates": [)"
        R"({"sku": "new", "shop": 8, "brand": "b1", "size": 4}, {"sku": "x", "shop": 7, "brand": "other"}, {"sku": "newer"}],)"
        R"( "history": [{"sku": "newer", "ts": 0, "type": "gift"}]})");
    got.lists({folder / "later.jsonl"}, {}, data::Learn::nothing);
    CHECK(request_schema(got.data).item_fields == learned.item_fields);
    CHECK(got.data.ids.items.size() == before.items);
    const Request& r = got[0];
    CHECK(r.user_fields(0, 0)[0] == 0);
    CHECK(r.candidate_fields(0, 0)[0] == 0);
    CHECK(r.candidate_fields(1, 0)[0] == 1);
    CHECK(r.history_feedback[0] >= learned.feedback_kinds);  // a kind, and an unknown one
    CHECK(r.items[0] >= static_cast<std::int32_t>(before.items));
    CHECK(r.items[2] == r.history_items[0]);  // the same item, although nobody knows it
    CHECK(r.items[0] != r.items[2]);
    // What the request says of a new item is taken; of a known one the catalog knows.
    REQUIRE(r.new_items != nullptr);
    CHECK(find_item(before, r, r.items[0]).dense()[0] == 4);
    CHECK(find_item(before, r, r.items[0]).field(0)[0] == 1);
    CHECK(find_item(before, r, r.items[1]).field(0)[0] == 1);
    check_request(learned, before, r, {.take_missing_columns = true});

    // A later table of items takes the place of what is known, and adds to it; values it brings stay unknown, but
    // apart.
    write_bytes(folder / "items.csv", "sku,brand,tags,size\nnew,b1,,5\nx,b7,red,6\n");
    data::Names items(got.data, data::Learn::items);
    data::read_items({folder / "items.csv"}, items);
    const Catalog after = items.catalog(before);
    CHECK(after.items == before.items + 1);
    CHECK(after.dense[static_cast<std::size_t>(got.data.ids.items.find("x"))] == 6);
    CHECK(after.fields[0][static_cast<std::size_t>(got.data.ids.items.find("x"))][0] > max_vocabulary);
    CHECK(after.fields[0][static_cast<std::size_t>(got.data.ids.items.find("new"))][0] == 1);
    const auto y = static_cast<std::size_t>(got.data.ids.items.find("y"));
    CHECK(std::ranges::equal(after.fields[0][y], before.fields[0][y]));
}

TEST_CASE("request files: what a request says of a new item is said to no other request") {
    const TempFolder folder;
    DataSchema s;
    s.id = "rid", s.item = "sku", s.user = "who", s.time = "ts", s.event_item = "sku", s.event_time = "ts";
    s.of_item = {{{"size"}}, {{"brand"}}};
    Read got(s);
    write_bytes(folder / "train.jsonl",
                R"({"rid": 1, "ts": 1, "candidates": [{"sku": "a", "brand": "x", "size": 1}], "history": []})"
                "\n");
    got.lists({folder / "train.jsonl"});
    write_bytes(
        folder / "later.jsonl",
        R"({"rid": 2, "ts": 5, "candidates": [{"sku": "new", "brand": "x", "size": 2}, {"sku": "a"}]})"
        "\n"
        R"({"rid": 3, "ts": 6, "candidates": [{"sku": "a"}], "history": [{"sku": "new", "ts": 2}]})"
        "\n"
        R"({"rid": 4, "ts": 7, "candidates": [{"sku": "new", "brand": "fresh", "size": 3}, {"sku": "other", "brand": "fresh"}],)"
        R"( "history": [{"sku": "new", "ts": 2}]})"
        "\n");
    Read of_test(s);
    of_test.lists({folder / "later.jsonl"});
    data::write_column_folder(folder / "columns", of_test.data, of_test.catalog, 0, of_test.read.source, nullptr);
    const auto check = [&](const std::filesystem::path& path, bool folder_of_columns) {
        CAPTURE(folder_of_columns);
        data::Names known(got.data, got.catalog);
        const auto later = data::read_requests({path}, {}, known, std::make_shared<data::SideTables>());
        const auto item = [&](std::size_t request, std::int32_t id) {
            const Request& r = later.source[request];
            check_request(request_schema(got.data), got.catalog, r, {.take_missing_columns = true});
            return find_item(got.catalog, r, id);
        };
        const Request &first = later.source[0], &second = later.source[1], &third = later.source[2];
        CHECK(item(0, first.items[0]).field(0)[0] == 1);
        CHECK(item(0, first.items[0]).dense()[0] == 2);
        CHECK(!item(1, second.history_items[0]));
        CHECK(item(2, third.history_items[0]));
        CHECK(third.history_items[0] == third.items[0]);
        if (folder_of_columns) return;  // which holds the first that was said
        const std::int32_t fresh = item(2, third.items[0]).field(0)[0];
        CHECK(item(2, third.items[0]).dense()[0] == 3);
        CHECK(fresh > max_vocabulary);  // unknown, but the same as that of another new item
        CHECK(item(2, third.items[1]).field(0)[0] == fresh);
        CHECK_THROWS_AS(check_request(request_schema(got.data), got.catalog, second, {.refuse_unknown = true}),
                        RequestError);
    };
    check(folder / "later.jsonl", false);
    check(folder / "columns", true);
    // Items of a table are known to all.
    data::write_column_folder(folder / "of-table", of_test.data, of_test.catalog, of_test.catalog.items,
                              of_test.read.source, nullptr);
    NamedData more = got.data;
    data::Names items(more, data::Learn::items);
    data::ColumnFolder(folder / "of-table").add_table_items(items);
    const Catalog catalog = items.catalog(got.catalog);
    CHECK(catalog.items == 3);
    data::Names known(more, catalog);
    const auto later = data::read_requests({folder / "of-table"}, {}, known, std::make_shared<data::SideTables>());
    CHECK(find_item(catalog, later.source[1], later.source[1].history_items[0]).dense()[0] == 2);
}

TEST_CASE("request files: requests from a time on teach nothing, whatever their form") {
    const TempFolder folder;
    DataSchema s;
    s.id = "rid", s.item = "sku", s.time = "ts", s.gain.grade = "label";
    s.of_item = {{}, {{"brand"}}};
    const char* const first = R"({"rid": "a", "ts": 1, "candidates": [{"sku": "x", "brand": "b"}, {"sku": "y"}]})";
    const char* const last = R"({"rid": "c", "ts": 2, "candidates": [{"sku": "z", "brand": "b"}]})";
    write_bytes(
        folder / "all.jsonl",
        std::string(first) + "\n" +
            R"({"rid": "b", "ts": 3, "new": 1, "page": [{"of": 2}], "candidates": [{"sku": "late", "brand": "later"}, )" +
            R"({"sku": "x", "newer": 5}]})" + "\n" + last + "\n");
    write_bytes(folder / "all.csv", "rid,ts,sku,brand\na,1,x,b\na,1,y,\nb,3,late,later\nb,3,x,\nc,2,z,b\n");
    write_bytes(folder / "kept.jsonl", std::string(first) + "\n" + last + "\n");
    Read all(s), kept(s);
    all.lists({folder / "all.jsonl"});
    kept.lists({folder / "kept.jsonl"});
    data::write_column_folder(folder / "columns", all.data, all.catalog, 0, all.read.source, nullptr);
    for (const char* name : {"all.jsonl", "all.csv", "columns"}) {
        CAPTURE(name);
        NamedData data{s, NamedIds(s)};
        data::Names names(data, data::Learn::all);
        const auto read = data::read_requests({folder / name}, {}, names, std::make_shared<data::SideTables>(), 3);
        CHECK(read.left_out == 1);
        CHECK(read.unread.empty());  // not even that there is another column
        REQUIRE(read.source.size() == 2);
        CHECK(read.source.id(1) == "c");
        CHECK(read.source[1].items[0] == 2);
        CHECK(data.ids.items.bytes() == kept.data.ids.items.bytes());
        if (std::string(name) != "columns") CHECK(data.ids.item_fields[0].bytes() == "b");
        CHECK(names.catalog().fields[0].ids == kept.catalog.fields[0].ids);
    }
    NamedData twice{s, NamedIds(s)};
    data::Names of_both(twice, data::Learn::all);
    std::filesystem::copy_file(folder / "all.jsonl", folder / "again.jsonl");
    const data::Paths both{folder / "all.jsonl", folder / "again.jsonl"};
    CHECK(data::read_requests(both, {}, of_both, std::make_shared<data::SideTables>(), 3).source.size() == 4);
    // A file of one day may be left out whole. Then it lacks nothing.
    write_bytes(folder / "late.jsonl", R"({"rid": "d", "ts": 3, "candidates": [{"sku": "x"}]})");
    write_bytes(folder / "late.csv", "rid,ts\nd,3\n");
    for (const char* late : {"late.jsonl", "late.csv"}) {
        CAPTURE(late);
        NamedData data{s, NamedIds(s)};
        data::Names names(data, data::Learn::all);
        const data::Paths days{folder / "all.jsonl", folder / late};
        const auto read = data::read_requests(days, {}, names, std::make_shared<data::SideTables>(), 3);
        CHECK(read.source.size() == 2);
        CHECK(read.left_out == 2);
        CHECK(read.lacking.empty());
        CHECK(read.lacking_feedback.empty());
    }
    s.time = "";
    NamedData timeless{s, NamedIds(s)};
    data::Names names(timeless, data::Learn::all);
    CHECK_THROWS_WITH_AS(data::read_requests({folder / "all.csv"}, {}, names, std::make_shared<data::SideTables>(), 3),
                         doctest::Contains("schema, request.time: found nothing"), DataError);
}

TEST_CASE("request files: another ranker's scores are no input, no label and nothing else") {
    DataSchema s;
    s.id = "rid", s.item = "sku", s.time = "ts", s.position = "place", s.gain.grade = "label";
    s.of_candidate = {{{"price"}}, {{"shop"}}};
    s.of_user = {{{"age"}}, {}};
    s.teacher_score = "trees";
    CHECK_NOTHROW(check_data_schema(s, "schema"));
    for (const char* name : {"rid", "sku", "ts", "place", "label", "price", "shop", "age"}) {
        s.teacher_score = name;
        CHECK_THROWS_WITH_AS(check_data_schema(s, "schema"),
                             (std::string("schema, candidate.teacher_score: found ") + name +
                              ", which is read as something else, wanted a column that no model sees")
                                 .c_str(),
                             DataError);
    }
}

TEST_CASE("request files: what candidates say of their items") {
    const TempFolder folder;
    DataSchema s;
    s.item = "sku", s.user = "who", s.time = "ts", s.event_item = "sku", s.event_time = "ts";
    s.of_item = {{{"size"}}, {{"brand"}}};
    // The first that says anything: that nothing is known is no word. What differs later is counted.
    write_bytes(folder / "train.jsonl", R"({"ts": 1, "candidates": [{"sku": "a", "brand": null, "size": null}]})"
                                        "\n"
                                        R"({"ts": 2, "candidates": [{"sku": "a", "brand": "x", "size": 3}]})"
                                        "\n"
                                        R"({"ts": 3, "candidates": [{"sku": "a", "brand": "y", "size": 3}]})"
                                        "\n"
                                        R"({"ts": 4, "candidates": [{"sku": "a", "brand": "x"}]})");
    Read got(s);
    got.lists({folder / "train.jsonl"});
    CHECK(got.catalog.fields[0][0][0] == 1);
    CHECK(got.catalog.dense[0] == 3);
    CHECK(got.read.joins.contradictions == 1);

    // An item that only events name so far is new: the request may say what it is.
    write_bytes(folder / "events.csv", "who,ts,sku\nu,4,old\nu,5,new\n");
    write_bytes(folder / "later.jsonl",
                R"({"who": "u", "ts": 9, "candidates": [{"sku": "new", "brand": "x", "size": 7}, {"sku": "a"}]})");
    const data::InputFiles files{{folder / "later.jsonl"}, {}, {}, {folder / "events.csv"}};
    data::Names items(got.data, data::Learn::items);
    const auto tables = data::read_side_tables(files, items);
    const Catalog catalog = items.catalog(got.catalog);
    CHECK(catalog.items == 1);
    data::Names known(got.data, catalog);
    const data::ReadLists later = data::read_requests(files.lists, {}, known, tables);
    const Request& r = later.source[0];
    CHECK(r.items[0] == r.history_items[1]);
    CHECK(find_item(catalog, r, r.items[0]).field(0)[0] == 1);
    CHECK(find_item(catalog, r, r.items[0]).dense()[0] == 7);
    CHECK(!find_item(catalog, r, r.history_items[0]));

    // What differs from the catalog is counted, and so is what is said of an item of which the catalog has but the
    // name.
    write_bytes(folder / "differs.jsonl",
                R"({"ts": 9, "candidates": [{"sku": "a", "brand": "y"}, {"sku": "b"}, {"sku": "c", "size": 1}]})"
                "\n"
                R"({"ts": 9, "candidates": [{"sku": "a", "brand": "x", "size": 3}, {"sku": "c", "size": 1}]})");
    data::Names compared(got.data, catalog);
    data::read_requests({folder / "differs.jsonl"}, {}, compared, std::make_shared<data::SideTables>());
    CHECK(compared.contradictions() == 1);
    DataSchema by_name = s;
    Read ghost(by_name);
    write_bytes(folder / "ghost.jsonl",
                R"({"ts": 1, "candidates": [{"sku": "a", "size": 3}], "history": [{"sku": "g", "ts": 0}]})");
    ghost.lists({folder / "ghost.jsonl"});
    REQUIRE(ghost.catalog.items == 2);
    write_bytes(folder / "says.jsonl", R"({"ts": 1, "candidates": [{"sku": "g", "size": 3}, {"sku": "a"}]})");
    data::Names says(ghost.data, ghost.catalog);
    const data::ReadLists said =
        data::read_requests({folder / "says.jsonl"}, {}, says, std::make_shared<data::SideTables>());
    CHECK(said.joins.contradictions == 1);
}

TEST_CASE("request files: what has no position was not shown") {
    const TempFolder folder;
    DataSchema s;
    s.item = "sku", s.position = "position", s.gain.grade = "label";
    write_bytes(folder / "shown.jsonl",
                R"({"candidates": [{"sku": "a", "position": 3}, {"sku": "b"}, {"sku": "c", "position": 1}]})"
                "\n"
                R"({"candidates": [{"sku": "a", "position": null}, {"sku": "b", "position": 1}]})"
                "\n"
                R"({"candidates": [{"sku": "a", "position": 1}, {"sku": "b", "position": 2}]})"
                "\n"
                R"({"candidates": [{"sku": "a"}, {"sku": "b"}]})");
    Read got(s);
    got.lists({folder / "shown.jsonl"});
    const auto shown = [&](std::size_t i) {
        return std::vector<std::int32_t>(got[i].shown.begin(), got[i].shown.end());
    };
    CHECK(shown(0) == std::vector<std::int32_t>{2, 0});
    CHECK(shown(1) == std::vector<std::int32_t>{1});
    CHECK(shown(2) == std::vector<std::int32_t>{0, 1});
    CHECK(shown(3).empty());  // nobody knows
}

TEST_CASE("request files: cells of signs alone") {
    double x = 0;
    CHECK_FALSE(data::parse_cell("+", x));
    CHECK_FALSE(data::parse_cell("-", x));
    CHECK(data::parse_cell("+2", x));
    CHECK(x == 2);
}

TEST_CASE("request files: times that look like seconds and are none") {
    std::int64_t t = 0;
    for (const char* text : {"1790000392000", "1790000392000000", "20261115", "1790000392000.5", "2026-11-28T24:59:60",
                             "2026-11-28T24:00:01"}) {
        CAPTURE(text);
        CHECK_FALSE(data::parse_time(text, t));
    }
    const std::pair<const char*, std::int64_t> good[] = {{"1790000392", 1790000392},   {"20261315", 20261315},
                                                         {"10000000", 10000000},       {"1970-01-01T24:00:00", 86400},
                                                         {"99999999999", 99999999999}, {"-5", -5}};
    for (const auto& one : good) {
        CAPTURE(one.first);
        CHECK(data::parse_time(one.first, t));
        CHECK(t == one.second);
    }
}

TEST_CASE("request files: the words of databases for nothing") {
    const TempFolder folder;
    DataSchema s = flat_schema();
    s.weight = "w", s.position = "pos", s.propensity = "p", s.of_context.fields = {{"device"}};
    s.of_candidate.dense = {{"price"}};
    write_bytes(folder / "r.csv",
                "q,who,ts,doc,label,w,pos,p,device,price\n"
                "1,NULL,5,\\N,NULL,NULL,NULL,NA,NULL,NULL\n"
                "2,NA,5,NA,NA,1,1,NULL,NA,None\n");
    s.gain = {.grade = "label"};
    Read got(s);
    got.lists({folder / "r.csv"});
    CHECK(got[0].items[0] == -1);
    CHECK(got[0].context(0, 0)[0] == 0);
    CHECK(got[0].weight == 1);
    CHECK(std::isnan(got[0].candidate_dense(0, 0)));
    CHECK(got[0].labels.empty());
    CHECK(got[0].propensities.empty());
    // "NA" may be a name, as of a country.
    CHECK(got.item(got[1].items[0]) == "NA");
    CHECK(got[1].context(0, 0)[0] == 1);
}

TEST_CASE("request files: a user's value that is missing leaves what the table knows") {
    const TempFolder folder;
    DataSchema s = flat_schema();
    s.of_user = {{{"age"}}, {{"region"}}};
    write_bytes(folder / "users.csv", "who,age,region\nu,31,north\n");
    write_bytes(folder / "r.csv", "q,who,ts,doc,age,region\n1,u,5,a,,\n2,u,5,a,7,south\n3,v,5,a,,\n");
    write_bytes(folder / "r.jsonl",
                R"({"q": 1, "who": "u", "ts": 5, "age": null, "region": null, "candidates": [{"doc": "a"}]})"
                "\n"
                R"({"q": 2, "who": "u", "ts": 5, "age": 7, "region": "south", "candidates": [{"doc": "a"}]})"
                "\n"
                R"({"q": 3, "who": "v", "ts": 5, "age": null, "region": null, "candidates": [{"doc": "a"}]})");
    for (const char* file : {"r.csv", "r.jsonl"}) {
        CAPTURE(file);
        Read got(s);  // of rows of candidates: JSON with a list of them is read all the same
        got.input.users = {folder / "users.csv"};
        got.lists({folder / file});
        CHECK(got[0].user_dense(0, 0) == 31);
        CHECK(got.data.ids.user_fields[0].name(got[0].user_fields(0, 0)[0] - 1) == "north");
        CHECK(got[1].user_dense(0, 0) == 7);
        CHECK(got.data.ids.user_fields[0].name(got[1].user_fields(0, 0)[0] - 1) == "south");
        CHECK(std::isnan(got[2].user_dense(0, 0)));
        CHECK(got[2].user_fields(0, 0)[0] == 0);
    }
}

TEST_CASE("request files: a row that differs from the first of its request names the column") {
    DataSchema s = flat_schema();
    s.of_context = {{{"hour"}}, {{"device"}}};
    CHECK(fault("r.csv", "q,who,ts,doc,device,hour\n1,u,5,a,,0\n1,u,5,b,d,0\n", s) ==
          "r.csv, line 3, column device: found 'd', wanted nothing, as in the first row of the request");
    CHECK(fault("r.csv", "q,who,ts,doc,device,hour\n1,u,5,a,d,3\n1,u,5,b,d,\n", s) ==
          "r.csv, line 3, column hour: found nothing, wanted '3', as in the first row of the request");
    CHECK(fault("r.jsonl",
                R"({"q": 1, "who": "u", "ts": 5, "doc": "a", "hour": null})"
                "\n"
                R"({"q": 1, "who": "u", "ts": 5, "doc": "b"})",
                s) == "");
}

TEST_CASE("request files: histories in rows of one candidate, and none where the model reads them") {
    DataSchema s = flat_schema();
    s.event_item = "doc", s.event_time = "ts";
    CHECK(
        fault("r.jsonl", R"({"q": 1, "who": "u", "ts": 5, "doc": "a", "history": [{"doc": "b", "ts": 1}]})", s) ==
        "r.jsonl, line 1, history: found a list of rows, where a row holds one candidate, wanted requests that hold a "
        "list of candidates, or a table of events");
    const TempFolder folder;
    s.candidates = "candidates", s.of_context = {}, s.of_candidate = {};
    write_bytes(folder / "none.jsonl", R"({"q": 1, "who": "u", "ts": 5, "candidates": [{"doc": "a"}]})");
    write_bytes(folder / "empty.jsonl",
                R"({"q": 1, "who": "u", "ts": 5, "history": [], "candidates": [{"doc": "a"}]})");
    write_bytes(folder / "one.jsonl",
                R"({"q": 1, "who": "u", "ts": 5, "history": [{"doc": "b", "ts": 1}], "candidates": [{"doc": "a"}]})");
    Read none(s), empty(s), mixed(s);
    none.lists({folder / "none.jsonl"});
    CHECK(none.read.missing == std::set<std::string, std::less<>>{"history (or --events)"});
    empty.lists({folder / "empty.jsonl"});
    CHECK(empty.read.missing.empty());
    mixed.lists({folder / "none.jsonl", folder / "one.jsonl"});
    CHECK(mixed.read.missing.empty());
    CHECK(mixed.read.lacking.contains("history (or --events)"));
}

TEST_CASE("request files: folders within folders, marks and empty parts") {
    const TempFolder folder;
    DataSchema s;
    s.item = "sku";
    const std::string line = R"({"candidates": [{"sku": "a"}]})";
    for (const char* part : {"data/dt=1/part-0.jsonl", "data/dt=2/part-0.jsonl", "data/z.jsonl"}) {
        std::filesystem::create_directories((folder / part).parent_path());
        write_bytes(folder / part, line);
    }
    write_bytes(folder / "data/_SUCCESS", "");
    write_bytes(folder / "data/dt=2/.part-0.jsonl.crc", "x");
    write_bytes(folder / "data/dt=2/part-1.jsonl", "");
    std::filesystem::create_directories(folder / "data/_temporary");
    write_bytes(folder / "data/_temporary/part-9.jsonl", line);
    Read got(s);
    got.lists({folder / "data"});
    CHECK(got.read.source.size() == 3);
    std::filesystem::create_directories(folder / "marks");
    write_bytes(folder / "marks/_SUCCESS", "");
    CHECK_THROWS_WITH_AS(
        got.lists({folder / "marks"}),
        ((folder / "marks").string() + ": found no file that holds anything, wanted files in it").c_str(), DataError);
}

TEST_CASE("request files: small things of other programs") {
    DataSchema s;
    s.id = "rid", s.item = "sku", s.of_candidate = {{{"price"}, {"ctr"}}, {}};
    const TempFolder folder;
    // A byte order mark; an id that went through floating point; numbers too small for a double.
    write_bytes(folder / "r.jsonl",
                "\xef\xbb\xbf"
                R"({"rid": 7.0, "candidates": [{"sku": 3028.0, "price": 1e-400, "ctr": -0.)" +
                    std::string(400, '0') + R"(1}]})");
    Read got(s);
    got.lists({folder / "r.jsonl"});
    CHECK(got.read.source.id(0) == "7");
    CHECK(got.item(got[0].items[0]) == "3028");
    CHECK(got[0].candidate_dense(0, 0) == 0);
    CHECK(got[0].candidate_dense(0, 1) == 0);
    write_bytes(folder / "l.letor",
                "\xef\xbb\xbf"
                "1 qid:1 1:5\n");
    DataSchema letor;
    letor.id = "qid", letor.candidates = "", letor.gain.grade = "label";
    Read by_letor(letor);
    by_letor.lists({folder / "l.letor"});
    CHECK(by_letor[0].labels[0] == 1);

    CHECK(fault("r.jsonl", R"({"candidates": [{"sku": "a", "price": NaN}]})", s) ==
          "r.jsonl, line 1, candidates[0]: found NaN, which JSON does not have, wanted null for what is missing");
    CHECK(fault("r.jsonl", R"({"rid": 1, "\u0072id": 2, "candidates": [{"sku": "a"}]})", s) ==
          "r.jsonl, line 1, \\u0072id: found a key in another spelling, wanted escapes where they are needed alone");
    DataSchema flat = flat_schema();
    CHECK(fault("r.csv", "q;who;ts;doc\n1;u;5;a\n", flat) ==
          "r.csv, line 1: found one column, 'q;who;ts;doc', wanted columns with commas between (.tsv: tabs)");
    CHECK(fault("r.csv", "q,who,ts,doc\n1,u,5,caf\xe9\n", flat) ==
          "r.csv, line 2: found text that is not UTF-8, wanted UTF-8");
}

TEST_CASE("request files: a column that only some of the files have") {
    const TempFolder folder;
    write_bytes(folder / "a.jsonl", R"({"candidates": [{"price": 1, "coupon": 2}]})");
    write_bytes(folder / "b.jsonl", R"({"candidates": [{"price": 1}]})");
    DataSchema s;
    s.of_candidate = {{{"price"}, {"coupon"}, {"nowhere"}}, {}};
    Read got(s);
    got.lists({folder / "a.jsonl", folder / "b.jsonl"});
    REQUIRE(got.read.lacking.size() == 1);
    CHECK(got.read.lacking.at("coupon") == (folder / "b.jsonl").string());
    CHECK(got.read.missing == std::set<std::string, std::less<>>{"nowhere"});
}

TEST_CASE("request files: labels that count alone, of all files end to end") {
    const TempFolder folder;
    write_bytes(
        folder.path() / "a.jsonl",
        R"({"rid": "a", "ts": 1, "candidates": [{"sku": "x", "label": 2, "buy": 1.5}, {"sku": "y", "label": 0}]})"
        "\n"
        R"({"rid": "b", "ts": 2, "candidates": [{"sku": "z", "buy": null, "label": 1}]})"
        "\n");
    write_bytes(folder.path() / "b.csv", "rid,ts,sku,label,view\nc,3,x,1,true\nc,3,y,0,\n");
    const data::Paths files{folder.path() / "a.jsonl", folder.path() / "b.csv"};
    const auto read = [&](const std::vector<data::LabelColumn>& labels) {
        Read out(schema());
        data::Names names(out.data, data::Learn::all);
        out.read = data::read_requests(files, {}, names, std::make_shared<data::SideTables>(), std::nullopt, labels);
        return std::move(out.read);
    };
    const data::ReadLists lists = read({{"buy"}, {"label"}, {"view"}, {"never"}});
    REQUIRE(lists.labels.size() == 4);
    CHECK(lists.labels[0].gains == std::vector<float>{1.5f, 0, 0, 0, 0});
    CHECK(lists.labels[1].gains == std::vector<float>{2, 0, 1, 1, 0});  // the number itself, not what a grade is worth
    CHECK(lists.labels[2].gains == std::vector<float>{0, 0, 0, 1, 0});
    CHECK(lists.labels[3].gains == std::vector<float>(5));
    CHECK(lists.missing_labels == std::set<std::string, std::less<>>{"never"});
    CHECK(lists.lacking_feedback.at("buy") == files[1].string());
    CHECK(lists.lacking_feedback.at("view") == files[0].string());
    CHECK(lists.unread.empty());
    // They change nothing of the requests.
    const data::ReadLists plain = read({});
    CHECK(plain.labels.empty());
    CHECK(plain.unread == std::set<std::string, std::less<>>{"buy", "view"});
    for (const data::ReadLists* r : {&lists, &plain}) {
        REQUIRE(r->source.size() == 3);
        CHECK(r->source[0].gain(0) == 3);
    }
    // What a format leaves out as 0 is not lacking.
    write_bytes(folder.path() / "a.letor", "1 qid:1 1:5 2:3\n");
    write_bytes(folder.path() / "b.letor", "1 qid:2 1:5\n");
    DataSchema letor;
    letor.id = "qid", letor.candidates = "", letor.gain.grade = "label";
    NamedData of_letor{letor, NamedIds(letor)};
    data::Names known(of_letor, data::Learn::all);
    const auto with_zeros = data::read_requests({folder.path() / "a.letor", folder.path() / "b.letor"}, {}, known,
                                                std::make_shared<data::SideTables>(), std::nullopt, {{"2"}});
    CHECK(with_zeros.labels[0].gains == std::vector<float>{3, 0});
    CHECK(with_zeros.lacking_feedback.empty());
    CHECK(with_zeros.missing_labels.empty());

    // A folder of columns has none.
    {
        Read all(schema());
        all.lists(files);
        data::write_column_folder(folder.path() / "columns", all.data, all.catalog, 0, all.read.source, nullptr);
        data::Names names(all.data, data::Learn::nothing);
        CHECK_THROWS_WITH_AS(data::read_requests({folder.path() / "columns"}, {}, names,
                                                 std::make_shared<data::SideTables>(), std::nullopt, {{"buy"}}),
                             doctest::Contains("columns: found a folder of columns, wanted files"), DataError);
    }
    // What is discarded has no label.
    data::ListBuilder builder(known, nullptr, nullptr, {{"label"}});
    for (const char* const text : {"3 qid:8 1:1\n2 qid:8 1:2\n", "1 qid:9 1:1\n"}) {
        builder.discard();
        data::FlatRows flat(builder, "qid");
        write_bytes(folder.path() / "one.letor", text);
        data::read_file(folder.path() / "one.letor", data::Format::letor, flat);
    }
    CHECK(builder.take_source().size() == 1);
    builder.discard();
    CHECK(builder.take_label_columns()[0].gains == std::vector<float>{1});

    // A label that nobody named counts as a cell all the same: "bare" candidates cost memory, too.
    std::string bare = R"({"rid": "d", "ts": 1, "candidates": [{"sku": "x", "label": 1})";
    for (int i = 0; i < 4'000; ++i) bare += ",{\"label\":0}";
    write_bytes(folder.path() / "a.jsonl", bare + "]}\n");
    std::vector<data::LabelColumn> many(9'000);
    for (std::size_t l = 0; l < many.size(); ++l) many[l].name = "k" + std::to_string(l);
    CHECK_THROWS_WITH_AS(read(many), doctest::Contains("cells, named or not, so far"), DataError);
}

TEST_CASE("request files: rules of gain, shown order, hashed values, paths into objects") {
    const TempFolder folder;
    DataSchema s;
    s.id = "id", s.position = "pos", s.user = "user.name";
    s.of_user = {{{"user.age"}}, {{"user.home.region"}}};
    s.of_candidate.fields = {{"shop", 10}};
    s.gain.kinds = {{"buy", 5}, {"click", 1}};
    write_bytes(folder / "r.jsonl",
                R"({"id": 1, "user": {"name": "u", "age": 3, "home": {"region": "N"}}, "candidates": [)"
                R"({"click": 1, "buy": 1, "pos": 3, "shop": "a"}, {"click": 2, "pos": 1, "shop": "b"}, {"pos": 2}]})"
                "\n"
                R"({"id": 2, "candidates": [{"pos": 1}, {"pos": 2}]})");
    Read got(s);
    got.lists({folder / "r.jsonl"});
    CHECK(std::ranges::equal(got[0].gains, std::vector<float>{6, 2, 0}));
    CHECK(std::ranges::equal(got[0].shown, std::vector<std::int32_t>{1, 2, 0}));
    CHECK(std::ranges::equal(got[1].gains, std::vector<float>{0, 0}));  // what is not there did not happen
    CHECK(got[0].user_dense(0, 0) == 3);
    CHECK(got.data.ids.user_fields[0].name(got[0].user_fields(0, 0)[0] - 1) == "N");
    CHECK(got[0].candidate_fields(0, 0)[0] == hashed_id("a", 10));
    CHECK(got[0].candidate_fields(2, 0)[0] == 0);
    CHECK(request_schema(got.data).candidate_fields[0].vocabulary == 11);
    CHECK(got.data.ids.candidate_fields[0].size() == 0);
    s.gain = {.gain = "worth"};
    write_bytes(folder / "g.jsonl", R"({"id": 1, "candidates": [{"worth": 0.5}, {"worth": 0}]})");
    Read gains(s);
    gains.lists({folder / "g.jsonl"});
    CHECK(gains[0].gains[0] == 0.5f);
}

TEST_CASE("request files: each fault names file, line, column, what was found and what was wanted") {
    const auto json = [](const std::string& line) { return fault("r.jsonl", line); };
    CHECK(json("{\"rid\": 1,").starts_with("r.jsonl, line 1: found text that is not JSON ("));
    CHECK(json("[]") == "r.jsonl, line 1: found a list, wanted a JSON object");
    CHECK(json("") == "r.jsonl: found an empty file, wanted a JSON object in each line");
    CHECK(json("{\"ts\": 1, \"candidates\": [{}]} {}") ==
          "r.jsonl, line 1: found text behind the object, wanted one JSON object a line");
    CHECK(json(R"({"candidates": []})") == "r.jsonl, line 1, candidates: found no candidates, wanted at least one");
    CHECK(json(R"({"candidates": 7})") == "r.jsonl, line 1, candidates: found a number, wanted a list of objects");
    CHECK(json(R"({"candidates": [{}, 7]})") == "r.jsonl, line 1, candidates[1]: found a number, wanted an object");
    CHECK(json(R"({"candidates": [{"price": "dear"}]})") ==
          "r.jsonl, line 1, candidates[0].price: found 'dear', wanted a finite number, or nothing");
    CHECK(json(R"({"candidates": [{"price": 1e999}]})") ==
          "r.jsonl, line 1, candidates[0].price: found '1e999', wanted a finite number, or nothing");
    CHECK(json(R"({"candidates": [{"price": [1]}]})") ==
          "r.jsonl, line 1, candidates[0].price: found a list, wanted one number");
    CHECK(json(R"({"candidates": [{"shop": [[1]]}]})") ==
          "r.jsonl, line 1, candidates[0].shop: found a list that holds more than texts and numbers, wanted a list of "
          "those");
    CHECK(json(R"({"candidates": [{"price": 1, "price": 2}]})") ==
          "r.jsonl, line 1, candidates[0].price: found the key twice, wanted each key once");
    CHECK(json(R"({"candidates": [{"label": -1}]})") ==
          "r.jsonl, line 1, candidates[0].label: found '-1', wanted a whole grade from 0 to 30 (other numbers: "
          "label.gain in a schema)");
    CHECK(json(R"({"candidates": [{"label": 1}, {}]})") ==
          "r.jsonl, line 1: found the column label of 1 of 2 candidates, wanted it of all or of none");
    CHECK(json(R"({"candidates": [{"p": 0}]})") ==
          "r.jsonl, line 1, candidates[0].p: found '0', wanted a probability above 0, up to 1");
    CHECK(json(R"({"w": -1, "candidates": [{}]})") == "r.jsonl, line 1, w: found '-1', wanted a number from 0 to 1e9");
    CHECK(json(R"({"ts": "soon", "candidates": [{}]})") ==
          "r.jsonl, line 1, ts: found 'soon', wanted " + std::string(data::wanted_time));
    CHECK(json(R"({"candidates": [{}], "history": [{"sku": "x"}]})") ==
          "r.jsonl, line 1, history[0].ts: found nothing, wanted the time of the event");
    CHECK(json(R"({"candidates": [{}], "history": [{"sku": "x", "ts": 3}]})") ==
          "r.jsonl, line 1, ts: found nothing, wanted the time of the request");
    CHECK(json(R"({"other": {"a": [01]}, "candidates": [{}]})") ==
          "r.jsonl, line 1, other.a: found '01', wanted a JSON value");
    CHECK(
        json("{\"candidates\": [{\"sku\": \"\xff\"}]}").starts_with("r.jsonl, line 1: found text that is not JSON ("));
    std::string deep = R"({"other": )";
    for (int i = 0; i < 1000; ++i) deep += "[";
    CHECK(json(deep).find("wanted") != std::string::npos);

    for (const char* bad : {"true", "\"x\"", "[\"sku\"]", "[null, {\"sku\": \"x\", \"ts\": 5}]", "{\"sku\": \"x\"}"}) {
        CAPTURE(bad);
        CHECK(json(std::string(R"({"ts": 9, "candidates": [{}], "history": )") + bad + "}")
                  .starts_with("r.jsonl, line 1, history"));
    }
    CHECK(json(R"({"ts": 9, "candidates": [{"sku": "a"}, {"sku": "b"}, {"sku": "a"}]})") ==
          "r.jsonl, line 1, candidates[2].sku: found 'a' twice, wanted each item of a request once");

    const auto csv = [](const std::string& text) { return fault("r.csv", text, flat_schema()); };
    CHECK(csv("") == "r.csv: found an empty file, wanted a header with the names of the columns");
    CHECK(csv("q,q\n") == "r.csv, line 1, column q: found the name twice, wanted each column once");
    CHECK(csv("q,label\n1,0\n1,0,3\n") == "r.csv, line 3: found 3 cells, wanted 2, as in the header");
    CHECK(csv("q,label\n1,\"0\n") == "r.csv, line 2: found a quote that is not closed, wanted another \"");
    CHECK(csv("q,label\n1,\"0\"x\n") ==
          "r.csv, line 2: found text after a closing quote, wanted a separator or the end of the row");
    CHECK(csv("q,label\n,0\n") == "r.csv, line 2, column q: found nothing, wanted the name of the row's request");
    CHECK(csv("q,device,label\n1,app,0\n1,tv,0\n") ==
          "r.csv, line 3, column device: found 'tv', wanted 'app', as in the first row of the request");
    // What is wrong with a request as a whole stands at its first row, whatever the row that ends it.
    CHECK(csv("q,ts,doc,label\n1,9,a,0\n2,9,b,0\n2,9,b,1\n3,9,a,0\n") ==
          "r.csv, line 4, column doc: found 'b' twice, wanted each item of a request once");
    CHECK(csv("q,ts,label\n1,9,0\n1,9,\n3,9,0\n") ==
          "r.csv, line 2: found the column label of 1 of 2 candidates, wanted it of all or of none");
    CHECK(csv("q,ts,label\n1,9,0\n2,9,0\n1,9,1\n") ==
          "r.csv, line 4, column q: found '1' again, wanted the rows of a request one after the other");
    DataSchema nameless = flat_schema();
    nameless.id = "";
    CHECK(
        fault("r.csv", "q,label\n1,0\n", nameless) ==
        "schema, request.id: found nothing, wanted the column that tells requests apart, as a row holds one candidate");

    const TempFolder folder;
    CHECK_THROWS_AS(Read(schema()).lists({folder / "none.csv"}), DataError);
    CHECK_THROWS_AS(Read(schema()).lists({folder.path()}), DataError);
    write_bytes(folder / "x.parquet", "PAR1");
    CHECK_THROWS_WITH_AS(
        Read(schema()).lists({folder / "x.parquet"}),
        ((folder / "x.parquet").string() + ": found the ending '.parquet', wanted .jsonl, .csv, .tsv or "
                                           ".letor, with or without .gz, or --format")
            .c_str(),
        DataError);
    // A gzip file that is cut short is no short file.
    psad::test::write_gzip(folder / "cut.csv.gz", std::string("q,label\n") + std::string(100000, '1') + ",0\n");
    std::string bytes = psad::test::read_bytes(folder / "cut.csv.gz");
    write_bytes(folder / "cut.csv.gz", bytes.substr(0, bytes.size() - 9));
    CHECK_THROWS_AS(Read(flat_schema()).lists({folder / "cut.csv.gz"}), DataError);
}

TEST_CASE("request files: times as databases write them") {
    const auto time = [](const char* text) {
        std::int64_t seconds = -1;
        return data::parse_time(text, seconds) ? seconds : -1;
    };
    CHECK(time("1790000392") == 1790000392);
    CHECK(time("1790000392.75") == 1790000392);
    CHECK(time("1.790000392e9") == 1790000392);
    CHECK(time("2026-09-21") == 1789948800);
    CHECK(time("2026-09-21T14:19:52Z") == 1790000392);
    CHECK(time("2026-09-21 14:19:52.123456") == 1790000392);
    CHECK(time("2026-09-21T16:19:52+02:00") == 1790000392);
    CHECK(time("2026-09-21T09:49:52-0430") == 1790000392);
    CHECK(time("2000-02-29 00:00") == 951782400);
    CHECK(time("1969-12-31T23:59:50") == -10);
    for (const char* bad : {"", "today", "2026-13-01", "2026-09-21T25:00:00", "2026-09-21T10", "2026-9-1", "nan", "inf",
                            "1e30", "2026-09-21T14:19:52X", "12:00"}) {
        CAPTURE(bad);
        CHECK(time(bad) == -1);
    }
}

TEST_CASE("request files: blocks that are full keep their requests") {
    const TempFolder folder;
    std::string text;
    for (int i = 0; i < 30000; ++i) {
        const std::string n = std::to_string(i);
        text += R"({"rid": )" + n + R"(, "ts": 9, "w": 1, "candidates": [{"sku": ")" + n + R"(", "price": )" + n +
                R"(, "label": 1}, {"sku": "x", "price": 0.5, "shop": ["a", "b"], "label": 0}], "history": [{"sku": ")" +
                n + R"(", "ts": 1, "type": "v", "seconds": )" + n + "}]}\n";
    }
    write_bytes(folder / "r.jsonl", text);
    DataSchema s = schema();
    for (int i = 0; i < 30; ++i) s.of_candidate.dense.push_back({"none" + std::to_string(i)});
    Read got(s);
    got.lists({folder / "r.jsonl"});
    REQUIRE(got.read.source.size() == 30000);
    bool same = true;
    for (std::size_t i = 0; i < 30000; ++i) {
        const Request& r = got[i];
        same = same && r.candidate_dense(0, 0) == static_cast<double>(i) &&
               r.history_dense(0, 0) == static_cast<double>(i) && r.items[0] == r.history_items[0] &&
               got.read.source.id(i) == std::to_string(i) && r.candidate_fields(1, 0).size() == 2 &&
               r.candidate_fields(0, 0).size() == 1;
    }
    CHECK(same);
}

TEST_CASE("request files: what is named or linked to twice is refused, and so is what is no file") {
    const TempFolder folder;
    const auto refusal = [&](const data::Paths& further = {}) {
        data::Paths all{folder / "lists"};
        all.insert(all.end(), further.begin(), further.end());
        try {
            data::files_of(all);
            return std::string();
        } catch (const DataError& e) {
            return std::string(e.what()).substr(folder.path().string().size());
        }
    };
    std::filesystem::create_directories(folder / "lists" / "a");
    write_bytes(folder / "lists" / "a" / "r.jsonl", "{}\n");
    CHECK(data::files_of({folder / "lists"}).size() == 1);
    std::filesystem::create_directory_symlink(folder / "lists" / "a", folder / "lists" / "latest");
    const auto again = [&](const std::string& what, const std::string& path) {
        return ": found the " + what + " " + (folder.path() / path).string() + " once more, wanted each " + what +
               " once";
    };
    CHECK(refusal() == "/lists/latest" + again("folder", "lists/a"));
    std::filesystem::remove(folder / "lists" / "latest");
    std::filesystem::create_directory_symlink("..", folder / "lists" / "a" / "up");
    CHECK(refusal() == "/lists/a/up" + again("folder", "lists"));
    std::filesystem::remove(folder / "lists" / "a" / "up");
    std::filesystem::create_directories(folder / "lists" / "b");  // read after the link in a/ was met
    write_bytes(folder / "lists" / "b" / "r.jsonl", "{}\n");
    std::filesystem::create_directory_symlink("../b", folder / "lists" / "a" / "link");
    CHECK(refusal() == "/lists/a/link" + again("folder", "lists/b"));
    std::filesystem::remove(folder / "lists" / "a" / "link");
    std::filesystem::create_symlink("b/r.jsonl", folder / "lists" / "a.jsonl");
    CHECK(refusal() == "/lists/a.jsonl" + again("file", "lists/b/r.jsonl"));
    std::filesystem::remove(folder / "lists" / "a.jsonl");
    CHECK(refusal({folder / "lists" / "b"}) == "/lists/b" + again("folder", "lists/b"));
    CHECK(refusal({folder / "lists" / "a" / "r.jsonl"}) == "/lists/a/r.jsonl" + again("file", "lists/a/r.jsonl"));
    std::filesystem::create_directories(folder / "elsewhere");
    write_bytes(folder / "elsewhere" / "r.jsonl", "{}\n");
    std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "lists" / "c");
    CHECK(data::files_of({folder / "lists"}).size() == 3);
    std::filesystem::create_symlink("nothing", folder / "lists" / "gone");
    CHECK(refusal() == "/lists/gone: found neither a file nor a folder, wanted those alone in a folder");
}

TEST_CASE("request files: an item of too many values is refused where it stands") {
    const TempFolder folder;
    DataSchema s;
    s.id = "id", s.item = "sku", s.candidates = "candidates";
    s.of_item.fields = {{.name = "tags"}, {.name = "brand"}};
    std::string tags;
    for (int i = 0; i < 1000; ++i) tags += R"("t7",)";
    const std::string item = R"({"sku": "b", "brand": "c", "tags": [)" + tags.substr(0, tags.size() - 1) + "]}";
    const std::string found = ": found 1001 values of one item, wanted at most 1000, or a larger limit: --max-values";
    write_bytes(folder / "items.jsonl", "{\"sku\": \"a\"}\n" + item + "\n");
    Read of_table(s);
    of_table.input.items = {folder / "items.jsonl"};
    CHECK_THROWS_WITH_AS(of_table.lists({folder / "r.jsonl"}),
                         ((folder / "items.jsonl").string() + ", line 2" + found).c_str(), DataError);
    write_bytes(folder / "r.jsonl", R"({"id": 1, "candidates": [{"sku": "a"}, )" + item + "]}\n");
    Read of_requests(s);
    CHECK_THROWS_WITH_AS(of_requests.lists({folder / "r.jsonl"}),
                         ((folder / "r.jsonl").string() + ", line 1, candidates[1]" + found).c_str(), DataError);
}

TEST_CASE("request files: what many files hold together has the limits of one") {
    const TempFolder folder;
    DataSchema s;
    s.id = "id", s.candidates = "candidates";
    for (int i = 0; i < 9'000; ++i) s.of_candidate.dense.push_back({.name = "k" + std::to_string(i)});
    data::Paths files;
    for (int i = 0; i < 30; ++i) {
        files.push_back(folder.path() / (std::to_string(i) + ".jsonl"));
        std::string candidates = "{}";
        for (int k = 1; k < 60; ++k) candidates += ",{}";
        write_bytes(files.back(), R"({"id": )" + std::to_string(i) + R"(, "candidates": [)" + candidates + "]}\n");
    }
    Read all(s), few(s);
    CHECK_THROWS_AS(all.lists(files), DataError);  // 30 x 60 x 9,000 cells
    files.resize(20);
    few.lists(files);
    CHECK(few.read.source.size() == 20);
    CHECK(few.read.source.place(19) == files[19].string() + ", line 1");
}

TEST_CASE("request files: items that are only named count as rows of what is known of items") {
    const TempFolder folder;
    DataSchema s;
    s.id = "id", s.item = "sku", s.candidates = "candidates";
    for (int i = 0; i < 4'000; ++i) s.of_item.fields.push_back({.name = "f" + std::to_string(i)});
    std::string lines;
    for (int i = 0; i < 40; ++i) {
        std::string candidates;
        for (int k = 0; k < 50; ++k)
            candidates += (k > 0 ? "," : "") + (R"({"sku": "s)" + std::to_string(50 * i + k) + "\"}");
        lines += R"({"id": )" + std::to_string(i) + R"(, "candidates": [)" + candidates + "]}\n";
    }
    write_bytes(folder / "r.jsonl", lines);
    Read of_many(s);
    CHECK_THROWS_AS(of_many.lists({folder / "r.jsonl"}), DataError);  // 2,000 x 8,000 cells
    s.of_item.fields.resize(2'000);
    Read of_fewer(s);
    of_fewer.lists({folder / "r.jsonl"});
    CHECK(of_fewer.catalog.items == 2'000);

    // Rows of a table count twice, as they are read and kept, and no third time as new items. An empty cell has a byte.
    s.of_item.fields.resize(900);
    std::string table = "sku";
    for (const FieldColumn& f : s.of_item.fields) table += "," + f.name;
    for (int i = 0; i < 7'000; ++i) table += "\ns" + std::to_string(i) + std::string(900, ',');
    write_bytes(folder / "items.csv", table + "\n");
    Read of_table(s);
    of_table.input.items = {folder / "items.csv"};
    of_table.lists({folder / "r.jsonl"});
    CHECK(of_table.catalog.items == 7'000);
}

TEST_CASE("request files: columns that are not read are no more than a model may name") {
    const TempFolder folder;
    DataSchema s;
    s.id = "id", s.candidates = "candidates";
    data::Paths files;
    for (int i = 0; i < 3; ++i) {
        std::string columns;
        for (int k = 0; k < 4'000; ++k) columns += ",\"x" + std::to_string(4'000 * i + k) + "\": 1";
        files.push_back(folder.path() / (std::to_string(i) + ".jsonl"));
        write_bytes(files.back(), R"({"id": )" + std::to_string(i) + R"(, "candidates": [{}])" + columns + "}\n");
    }
    Read all(s), few(s);
    CHECK_THROWS_WITH_AS(all.lists(files),
                         (files[0].string() + ": found 12000 columns that are not read, "
                                              "wanted at most 10000, or a larger limit: --max-columns")
                             .c_str(),
                         DataError);
    // Where files are read for the times of their requests, all else is not read: that is no fault.
    DataSchema reads = s;
    reads.time = "x0";
    for (int k = 1; k < 8'000; ++k)
        (k % 2 ? reads.of_context : reads.of_user).dense.push_back({"x" + std::to_string(k)});
    Read timed(reads);
    data::Names names(timed.data, data::Learn::all);
    write_bytes(folder / "timed.jsonl", R"({"id": 1, "x0": 1, "candidates": [{}]})");
    CHECK(data::read_requests({files[0], folder / "timed.jsonl"}, {}, names, std::make_shared<data::SideTables>(), 2)
              .source.size() == 2);
    files.pop_back();
    few.lists(files);
    DataSchema known = s;
    for (int k = 0; k < 4'000; ++k) known.unread.push_back("y" + std::to_string(k));
    CHECK_THROWS_WITH_AS(data::add_unread(few.read, known, "lists"), doctest::Contains("lists: found 12000 columns"),
                         DataError);
    known.unread.resize(1'000);
    data::add_unread(few.read, known, "lists");
    CHECK(known.unread.size() == 9'000);
}

TEST_CASE("request files: an item twice is found among few candidates and among many") {
    for (const int n : {3, 127, 128, 129, 130, 400}) {
        std::string items;
        for (int i = 0; i < n; ++i) items += R"({"sku": "s)" + std::to_string(i) + R"("}, {}, )";
        for (const int again : {0, n / 2, n - 1}) {
            CAPTURE(n);
            const std::string request =
                R"({"ts": 1, "candidates": [)" + items + R"({"sku": "s)" + std::to_string(again) + R"("}]})" + "\n";
            CHECK(fault("r.jsonl", request) == "r.jsonl, line 1, candidates[" + std::to_string(2 * n) +
                                                   "].sku: found 's" + std::to_string(again) +
                                                   "' twice, wanted each item of a request once");
        }
        const std::string good = R"({"ts": 1, "candidates": [)" + items + R"({}]})" + "\n";
        CHECK(fault("r.jsonl", good + good).empty());  // each request for itself
    }
}

TEST_CASE("request files: columns of a table of items cost nothing where requests bring none") {
    const TempFolder folder;
    DataSchema s = flat_schema();
    for (int d = 0; d < 500; ++d) s.of_item.dense.push_back({"d" + std::to_string(d)});
    std::string table = "doc", rows = "q,who,ts,hour,device,doc,price,ctr,shop,label\n";
    for (const auto& column : s.of_item.dense) table += "," + column.name;
    table += "\na" + std::string(500, ',') + "\n";
    for (int i = 0; i < 40'000; ++i) rows += std::to_string(i) + ",u,1,1,app,a,1,1,x,1\n";
    write_bytes(folder / "items.csv", table);
    write_bytes(folder / "r.csv", rows);
    Read got(s);
    got.input.items = {folder / "items.csv"};
    got.lists({folder / "r.csv"});
    CHECK(got.read.source.size() == 40'000);  // 20 million cells, if they were there
    CHECK(got.catalog.items == 1);
}

TEST_CASE("request files: LETOR is UTF-8, but for its comments") {
    DataSchema s;
    s.id = "qid", s.candidates = "", s.gain.grade = "label", s.of_candidate = {{{"1"}}, {}};
    CHECK(fault("r.letor", "1 qid:a 1:1 # \xff\n", s).empty());
    CHECK(fault("r.letor", "1 qid:\xff 1:1\n", s) == "r.letor, line 1: found text that is not UTF-8, wanted UTF-8");
}

TEST_CASE("request files: a column without a name is not read, whatever the form") {
    DataSchema s;
    s.id = "q", s.candidates = "candidates", s.of_candidate = {{{"price"}}, {}};
    const TempFolder folder;
    write_bytes(folder / "r.jsonl", R"({"q": 1, "": [[1]], "candidates": [{"price": 2, "": {"a": 1}}, {"price": 3}]})");
    Read in_lists(s);
    in_lists.lists({folder / "r.jsonl"});
    CHECK(in_lists[0].candidate_dense(1, 0) == 3);
    CHECK(in_lists.read.unread.empty());
    s.candidates = "";
    write_bytes(folder / "r.csv", ",q,price\n0,1,2\n1,1,3\n");
    Read flat(s);
    flat.lists({folder / "r.csv"});
    CHECK(flat[0].candidate_dense(1, 0) == 3);
    CHECK(flat.read.unread.empty());
    CHECK(fault("r.jsonl", R"({"": 1, "": 2, "candidates": [{}]})")
              .ends_with("found the key twice, wanted each key once"));
}

TEST_CASE("request files: lines that hold nothing are no rows, and count as lines") {
    DataSchema s;
    s.id = "q", s.candidates = "", s.of_candidate = {{{"1"}}, {}};
    const auto places = [&](const std::string& name, const std::string& text) {
        const TempFolder folder;
        write_bytes(folder.path() / name, text);
        Read got(s);
        got.lists({folder.path() / name});
        std::string out;
        for (std::size_t i = 0; i < got.read.source.size(); ++i) out += std::to_string(got.read.source.line(i)) + " ";
        return out;
    };
    const std::string many(200'000, '\n');
    CHECK(places("r.csv", "\n\r\nq,1\r\n\r\n7,2\n" + many + "\r\r\n8,3") == "5 200007 ");
    CHECK(places("r.tsv", "\nq\t1\n\n7\t2\n8\t3\n\n") == "4 5 ");
    CHECK(places("r.jsonl", "\n \t\r\n {\"q\": 7}\n" + many + "  {\"q\": 8}\n \n\t") == "3 200004 ");
    s.id = "qid";
    CHECK(places("r.letor", "\n \t\r\n 1 qid:7 1:1\n# nothing\n\n1 qid:8 1:1\n \n\t") == "3 6 ");
    s.id = "q";
    CHECK(fault("r.csv", "q,1\n7,2\n\t\n", s) == "r.csv, line 3: found 1 cell, wanted 2, as in the header");
    CHECK(fault("r.csv", "q,1\n7,2\n\"\"\n", s) == "r.csv, line 3: found 1 cell, wanted 2, as in the header");
    CHECK(fault("r.csv", "\n\n", s) == "r.csv: found an empty file, wanted a header with the names of the columns");
    CHECK(fault("r.csv", "q\n7\n\"\"\n", s) ==
          "r.csv, line 3, column q: found nothing, wanted the name of the row's request");
}

TEST_CASE("request files: objects of a list that need not be there nest as deep as others") {
    DataSchema s;
    s.id = "q", s.candidates = "", s.of_candidate = {{{"price"}}, {}};
    const auto of_depth = [&](const std::string& list, int deep) {
        std::string x = "1";
        for (int i = 0; i < deep; ++i) x = R"({"z":)" + x + "}";
        return fault("r.jsonl", R"({"q": 1, ")" + list + R"(": [{"price": 1, "x": )" + x + "}]}", s);
    };
    CHECK(of_depth("candidates", 15) == "");
    CHECK(of_depth("candidates", 16) ==
          "r.jsonl, line 1, candidates[0]: found objects nested more than 16 deep, wanted fewer");
    // What is not read may hold anything, in the first row as in others.
    for (const char* any : {R"([{"a":1},2])", R"([{"a":1},null])", R"([{"a":1,"a":2}])", R"([[{"a":1}],2])"})
        CHECK(fault("r.jsonl", R"({"q": 1, "price": 1, "x": )" + std::string(any) + "}", s) == "");
}
