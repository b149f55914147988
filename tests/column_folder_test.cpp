// Requests as a folder of columns that is mapped.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "psad/data/request_files.hpp"
#include "support/files.hpp"
#include "support/same_request.hpp"

using namespace psad;
using psad::test::TempFolder;
using psad::test::write_bytes;

namespace {

DataSchema schema() {
    DataSchema s;
    s.id = "rid", s.user = "who", s.time = "ts", s.weight = "w", s.item = "sku", s.position = "pos", s.propensity = "p";
    s.event_item = "sku", s.event_time = "ts", s.event_kind = "type";
    s.of_user = {{{"age"}}, {{"region"}}};
    s.of_context = {{}, {{"device"}, {"tags"}}};
    s.of_candidate = {{{"price"}, {"ctr"}}, {{"shop"}, {"hashed", 50}}};
    s.of_item = {{{"size"}}, {{"brand"}, {"tags"}}};
    s.of_event = {{{"seconds"}}, {{"page"}}};
    s.gain.grade = "label";
    return s;
}

const char* const lists =
    R"({"rid": "a", "who": "u1", "ts": 1000, "w": 2, "age": 31.5, "region": "R1", "device": "app", "tags": ["x", "y"],)"
    R"( "candidates": [{"sku": "x", "pos": 2, "p": 1, "price": 9.5, "shop": 7, "hashed": "h", "label": 0, "size": 3, "brand": "b"},)"
    R"( {"sku": "y", "pos": 1, "p": 0.5, "ctr": 1e-3, "label": 3}],)"
    R"( "history": [{"sku": "y", "ts": 900, "type": "buy", "seconds": 2, "page": "p2"}, {"ts": 800, "page": "p1"}]})"
    "\n"
    R"({"rid": "b", "ts": 1200, "tags": [], "candidates": [{"sku": "z", "shop": 8}]})"
    "\n"
    R"({"rid": "c", "ts": 1300, "candidates": [{"label": 1}, {"sku": "q", "label": 2}]})"
    "\n";

struct Read {
    explicit Read(NamedData given, data::Learn learn = data::Learn::all) : data(std::move(given)), names(data, learn) {}
    void lists(const data::Paths& paths, const data::InputFiles& tables = {}) {
        side = data::read_side_tables(tables, names);
        read = data::read_requests(paths, {}, names, side);
    }
    NamedData data;
    data::Names names;
    std::shared_ptr<const data::SideTables> side;
    data::ReadLists read;
};
NamedData fresh(const DataSchema& s) {
    return {s, NamedIds(s)};
}

void check_same_lists(const data::Source& a, const data::Source& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        CAPTURE(i);
        CHECK(a.id(i) == b.id(i));
        check_same(a[i], b[i]);
    }
}

}  // namespace

TEST_CASE("a folder of columns holds what the files held, whatever ids its reader gives") {
    const TempFolder folder;
    write_bytes(folder / "r.jsonl", lists);
    Read files(fresh(schema()));
    files.lists({folder / "r.jsonl"});
    const Catalog catalog = files.names.catalog();
    data::write_column_folder(folder / "columns", files.data, catalog, 0, files.read.source, nullptr);
    const data::ColumnFolder written(folder / "columns");
    CHECK(written.data().schema == files.data.schema);
    CHECK(written.catalog().items == 4);
    CHECK(written.catalog().fields[0].ids == catalog.fields[0].ids);
    check_same_lists(written.source(), files.read.source);
    // Read like files, by somebody who learns the names.
    Read again(fresh(written.data().schema));
    again.lists({folder / "columns"});
    check_same_lists(again.read.source, files.read.source);
    CHECK(again.names.catalog().fields[0].ids == catalog.fields[0].ids);
    // By somebody who knows some of them: as the file itself is read.
    write_bytes(
        folder / "first.jsonl",
        R"({"rid": 1, "ts": 1, "device": "tv", "candidates": [{"sku": "other", "shop": 8, "brand": "b"}, {"sku": "y", "shop": 9}]})");
    Read known(fresh(schema()));
    known.lists({folder / "first.jsonl"});
    Read of_file(known.data, data::Learn::nothing), of_folder(known.data, data::Learn::nothing);
    of_file.lists({folder / "r.jsonl"});
    of_folder.lists({folder / "columns"});
    REQUIRE(of_file.read.source.size() == of_folder.read.source.size());
    for (std::size_t i = 0; i < of_file.read.source.size(); ++i) {
        const Request &x = of_file.read.source[i], &y = of_folder.read.source[i];
        CHECK(x.candidate_fields == y.candidate_fields);
        CHECK(x.context == y.context);
        CHECK(x.history_fields == y.history_fields);
        const auto name = [](const Read& r, std::int32_t id) {
            return id < 0 ? "" : std::string(r.names.item_name(id));
        };
        for (std::size_t c = 0; c < x.size(); ++c) {
            CHECK(name(of_file, x.items[c]) == name(of_folder, y.items[c]));
            const Catalog before = known.names.catalog();
            const auto brand = [&](const Request& r) {  // a row of the unknown is no more than no row
                const CatalogRow row = find_item(before, r, r.items[c]);
                return row ? row.field(0)[0] : 0;
            };
            CHECK(brand(x) == brand(y));
        }
    }
    // Other columns are refused.
    DataSchema other = schema();
    other.of_candidate.dense.pop_back();
    Read fewer(fresh(other));
    CHECK_THROWS_WITH_AS(
        fewer.lists({folder / "columns"}),
        ((folder / "columns" / "columns.safetensors").string() +
         ", schema: found other columns, or in another order, wanted those of the training lists: convert "
         "both by one --schema")
            .c_str(),
        ModelFileError);
    CHECK_THROWS_AS(data::write_column_folder(folder / "columns", files.data, catalog, 0, files.read.source, nullptr),
                    FileError);
}

TEST_CASE("a folder of columns holds a table of events once") {
    const TempFolder folder;
    std::string events = "who,ts,type,sku,seconds,page\n", requests;
    for (int i = 0; i < 200; ++i)
        events += "u" + std::to_string(i % 3) + "," + std::to_string(i) + ",v,s" + std::to_string(i % 7) + ",1,p\n";
    for (int i = 0; i < 50; ++i)
        requests += R"({"rid": )" + std::to_string(i) + R"(, "who": "u)" + std::to_string(i % 4) + R"(", "ts": )" +
                    std::to_string(5 * i) + R"(, "candidates": [{"sku": "s1"}]})" + "\n";
    write_bytes(folder / "e.csv", events);
    write_bytes(folder / "r.jsonl", requests);
    Read files(fresh(schema()));
    files.lists({folder / "r.jsonl"}, {{}, {}, {}, {folder / "e.csv"}, {}});
    data::write_column_folder(folder / "columns", files.data, files.names.catalog(), 0, files.read.source,
                              &*files.side->events);
    check_same_lists(data::ColumnFolder(folder / "columns").source(), files.read.source);
    CHECK(model_file::MappedTensors(folder / "columns" / "columns.safetensors")
              .values<std::int64_t>("event.time")
              .size() == 200);
}

TEST_CASE("a folder of columns with more kinds of events than a model tells apart") {
    const TempFolder folder;
    std::string events = "who,ts,type,sku,seconds,page\n";
    for (int i = 0; i < max_feedback_kinds + 5; ++i) events += "u,1,kind " + std::to_string(i) + ",s,1,p\n";
    write_bytes(folder / "e.csv", events);
    write_bytes(folder / "r.jsonl", R"({"rid": 1, "who": "u", "ts": 5, "candidates": [{"sku": "s"}]})");
    Read files(fresh(schema()));
    files.lists({folder / "r.jsonl"}, {{}, {}, {}, {folder / "e.csv"}, {}});
    data::write_column_folder(folder / "columns", files.data, files.names.catalog(), 0, files.read.source,
                              &*files.side->events);
    const data::ColumnFolder columns(folder / "columns");
    check_same_lists(columns.source(), files.read.source);
    data::Names again(files.data, data::Learn::nothing);
    check_same_lists(columns.source(&again), files.read.source);
}

TEST_CASE("a folder of columns says of its items what differs from what is known of them") {
    const TempFolder folder;
    write_bytes(folder / "r.jsonl", lists);
    Read files(fresh(schema()));
    files.lists({folder / "r.jsonl"});
    Catalog catalog = files.names.catalog();
    data::write_column_folder(folder / "columns", files.data, catalog, 0, files.read.source, nullptr);
    data::Names same(files.data, catalog);
    data::ColumnFolder(folder / "columns").source(&same);
    CHECK(same.contradictions() == 0);
    for (double& x : catalog.dense) x += 1;
    data::Names others(files.data, catalog);
    data::ColumnFolder(folder / "columns").source(&others);
    CHECK(others.contradictions() > 0);
}

TEST_CASE("a damaged folder of columns is refused, whatever stands in it") {
    const TempFolder folder;
    write_bytes(folder / "r.jsonl", lists);
    Read files(fresh(schema()));
    files.lists({folder / "r.jsonl"});
    data::write_column_folder(folder / "columns", files.data, files.names.catalog(), 0, files.read.source, nullptr);
    const auto file = folder / "columns" / "columns.safetensors";
    const model_file::TensorFile whole = model_file::read_safetensors(file);
    const auto refused = [&](const model_file::TensorFile& changed) {
        model_file::write_safetensors(file, changed);
        try {
            data::ColumnFolder(folder / "columns").source();
            return std::string();
        } catch (const Error& e) {
            return std::string(e.what()).substr(file.string().size());
        }
    };
    CHECK(refused(whole).empty());
    // Each tensor gone, and one number short.
    for (std::size_t t = 0; t < whole.tensors.size(); ++t) {
        CAPTURE(whole.tensors[t].name);
        model_file::TensorFile less = whole;
        less.tensors.erase(less.tensors.begin() + static_cast<std::ptrdiff_t>(t));
        CHECK(refused(less).find(", tensor " + whole.tensors[t].name + ": found no such tensor") == 0);
        if (whole.tensors[t].bytes.empty()) continue;
        model_file::TensorFile shorter = whole;
        model_file::Tensor& cut = shorter.tensors[t];
        const std::size_t size = model_file::detail::dtype_size(cut.dtype);
        cut.bytes.resize(cut.bytes.size() - size);
        cut.shape = {static_cast<std::int64_t>(cut.bytes.size() / size)};
        CHECK(!refused(shorter).empty());
    }
    // Every number of ids and offsets changed.
    for (std::size_t t = 0; t < whole.tensors.size(); ++t) {
        const std::string& name = whole.tensors[t].name;
        if (whole.tensors[t].dtype != "I32" && whole.tensors[t].dtype != "I64") continue;
        for (const int byte : {0x7f, 0xff}) {
            for (std::size_t at = 0; at < whole.tensors[t].bytes.size(); at += 4) {
                model_file::TensorFile changed = whole;
                std::fill_n(changed.tensors[t].bytes.begin() + static_cast<std::ptrdiff_t>(at), 4,
                            static_cast<std::byte>(byte));
                const std::string fault = refused(changed);  // no crash, with the sanitizers on
                const bool any =
                    name == "list.time" || name == "event.time" || name == "candidate.shown" || byte == 0xff;
                CAPTURE(name);
                CHECK((any || !fault.empty()));
            }
        }
    }
    // Events of a list in another order, at no time, and with numbers that no file has.
    const auto changed = [&](const std::string& name, auto first) {
        model_file::TensorFile out = whole;
        const auto tensor = std::ranges::find(out.tensors, name, &model_file::Tensor::name);
        REQUIRE(tensor != out.tensors.end());
        std::memcpy(tensor->bytes.data(), &first, sizeof first);
        return refused(out);
    };
    CHECK(changed("event.time", std::int64_t{950}) ==
          ", tensor event.time[1]: found a time before the event above, wanted oldest first, in each list");
    CHECK(changed("event.time", std::int64_t{900}).empty());
    CHECK(changed("event.time", max_time + 1).find(", tensor event.time[0]: found 100000000000, wanted unix") == 0);
    CHECK(changed("event.dense", -std::numeric_limits<double>::infinity()) ==
          ", tensor event.dense: found -inf, wanted finite numbers, or NaN for missing ones");
    CHECK(refused({}).find("metadata psad.format") != std::string::npos);
    write_bytes(file, "");
    CHECK_THROWS_AS(data::ColumnFolder(folder / "columns"), ModelFileError);
    write_bytes(file, std::string(100, '\xff'));
    CHECK_THROWS_AS(data::ColumnFolder(folder / "columns"), ModelFileError);
}
