// Limits on what files and requests may ask for, and memory that goes by what is there.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "psad/core/limits.hpp"
#include "psad/core/rng.hpp"
#include "psad/data/group_rows.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/json_reader.hpp"
#include "psad/features/check_catalog.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/schema.hpp"
#include "psad/model_file/strict_json.hpp"
#include "support/lists_folder.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// Other limits while it lives.
class OtherLimits {
  public:
    explicit OtherLimits(const Limits& other) { limits() = other; }
    ~OtherLimits() { limits() = before_; }

  private:
    Limits before_ = limits();
};

std::size_t lines_of(const std::filesystem::path& file) {
    data::GzipLines lines(file);
    std::size_t count = 0;
    for (std::string_view line; lines.next(line);) ++count;
    return count;
}
std::string refusal(const std::filesystem::path& file) {
    try {
        lines_of(file);
        return "";
    } catch (const DataError& e) {
        return e.place() + ": " + e.found() + ", " + e.wanted();
    }
}

}  // namespace

TEST_CASE("a line is no longer than its limit") {
    const TempFolder folder;
    const auto file = folder / "lines";
    const OtherLimits one({.line = 1});
    write_bytes(file, "a\n" + std::string((1 << 20) - 2, 'x') + "\nb\n");
    CHECK(lines_of(file) == 3);
    write_bytes(file, "a\n" + std::string(3 << 20, 'x') + "\nb\n");
    CHECK(refusal(file).starts_with("line 2: more than 1 MiB"));
    CHECK(refusal(file).find("--max-line") != std::string::npos);
}

TEST_CASE("a gzip file unpacks to no more than its limit") {
    const TempFolder folder;
    const auto file = folder / "lines.gz";
    write_gzip(file, std::string(40'000'000, '\n'));
    CHECK(refusal(file).find("--max-unpacked") != std::string::npos);
    write_gzip(file, std::string(28'000'000, '\n'));
    CHECK(lines_of(file) == 28'000'000);
    // Its size counts, not what was read of it so far: all that swells comes first, then what does not.
    std::string uneven(40'000'000, '\n');
    for (std::uint64_t i = 0; i < 1'600'000; ++i) uneven += static_cast<char>(33 + rng::below(1, i, 64));
    write_gzip(file, uneven);
    CHECK(std::filesystem::file_size(file) > 1'200'000);
    CHECK(lines_of(file) == 40'000'001);
    write_gzip(file, "a\nb\n");  // and that of files before
    const auto packed = static_cast<long long>(std::filesystem::file_size(file));
    for (const long long before : {27'999'996, 27'999'997}) {
        data::GzipLines lines(file, {.packed = 1'000, .unpacked = before});
        std::string_view line;
        if (before + 4 > 28'000'000) {
            CHECK_THROWS_AS(lines.next(line), DataError);
            continue;
        }
        while (lines.next(line)) {
        }
        CHECK(lines.size().packed == 1'000 + packed);
        CHECK(lines.size().unpacked == 28'000'000);
    }
    CHECK(Limits().gzip(886'000) > 20'000'000);  // a log of users that repeats itself
    CHECK(Limits().gzip(100'000'000) > 9'000'000'000);
    CHECK(Limits().of({.packed = 1'000'000}).lists == 140'000);
    CHECK(Limits().of({.plain = 1'000'000}).lists == 102'500);
    CHECK(Limits().of({.packed = 7'000'000}).lists > 3'000'000);  // pairs of clicks
    CHECK(Limits().of({.plain = 1'000'000}).cells == 16'000'000);
    CHECK(Limits().of({.plain = 500'000, .packed = 500'000}).cells == 16'000'000);
    CHECK(Limits().of({.packed = 100'000'000}).cells > 4'000'000'000);
    // As many lists as there may be leave cells to each, and a list counts little where files are large.
    for (const InputSize size : {InputSize{.packed = 20'000}, {.packed = 1'000'000}, {.plain = 1'000'000}}) {
        const InputLimits most = Limits().of(size);
        CHECK(most.lists * most.cells_of_list() <= most.cells * 7 / 10);
        CHECK(most.lists * (most.cells_of_list() + 1) >= most.cells * 69 / 100);
    }
    CHECK(Limits().of({.plain = 100'000'000}).cells_of_list() < 7);
    CHECK(Limits().of_request(1'000'000).cells_of_list() == 0);
    const Limits largest{
        .line = 1 << 20, .unpacked = 4400, .cells = 10'000, .columns = 10'000'000, .values = 100'000'000};
    CHECK(largest.gzip(1LL << 62) == 4400 * (280'000 + 1'000'000'000'000));
    const InputSize all = InputSize{.plain = 1LL << 62, .packed = 1LL << 62} + InputSize{1LL << 62, 1LL << 62, 0};
    CHECK(largest.of(all).cells > 1'000'000'000'000'000'000);
    CHECK(largest.of(all).lists > 1'000'000'000'000);
}

TEST_CASE("every cell of a row counts, an empty one too") {
    data::GroupRows rows(
        ColumnGroup{.dense = {{.name = "x"}}, .fields = {{.name = "none"}, {.name = "one"}, {.name = "three"}}});
    rows.begin_row(0);
    rows.ids(0).clear();
    rows.ids(2) = {4, 5, 6};
    CHECK(rows.cells_of_row() == 1 + 2 + 2 + 2 + 2 * 4);
    CHECK(rows.values_of_row() == 4);
    CHECK(rows.bytes_of_row() == 8 + 4 * 4 + 3 * 8);  // of a copy: numbers, ids and where cells end
}

TEST_CASE("a gzip file through a pipe that gives a byte at first is one all the same") {
    const TempFolder folder;
    write_gzip(folder / "lines.gz", "a\nb\n");
    const std::string bytes = read_bytes(folder / "lines.gz");
    for (const std::size_t first : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        std::thread writer([&] {
            bool good = write(ends[1], bytes.data(), first) == static_cast<ssize_t>(first);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            good = good && write(ends[1], bytes.data() + first, bytes.size() - first) > 0;
            close(ends[1]);
            CHECK(good);
        });
        CHECK(lines_of("/proc/self/fd/" + std::to_string(ends[0])) == 2);
        writer.join();
        close(ends[0]);
    }
}

TEST_CASE("an item has no more values than its limit") {
    const OtherLimits few({.values = 3});
    Schema schema{.item_fields = {{"tag", 10}, {"brand", 10}}};
    Catalog catalog;
    catalog.items = 2;
    catalog.fields = {{{0, 1, 3}, {1, 2, 3}}, {{0, 1, 2}, {1, 2}}};
    check_catalog(catalog, schema);
    catalog.fields[0] = {{0, 1, 4}, {1, 2, 3, 4}};
    CHECK_THROWS_WITH_AS(check_catalog(catalog, schema),
                         "catalog, item 1: found 4 values, wanted at most 3, or a larger limit: --max-values",
                         SettingError);
    // What a request says of its own items is bounded, too.
    const std::vector<std::int32_t> items{0};
    const Catalog none{.fields = {{}, {}}};
    const Request r{.items = items, .new_items = &catalog};
    CHECK_THROWS_AS(check_request(schema, none, r), RequestError);
}

TEST_CASE("a vocabulary takes memory by its values, and gives them back") {
    for (const std::vector<std::int32_t>& values :
         {std::vector<std::int32_t>{}, {3}, {99'999'999, 1, 5}, {7, 6, 5, 99'000'000, 98'000'000, 0}}) {
        const Vocabulary v(values);
        CHECK(v.values() == values);
        CHECK(v.rows() == static_cast<int>(values.size()) + 1);
        for (std::size_t i = 0; i < values.size(); ++i) CHECK(v[values[i]] == static_cast<int>(i) + 1);
        for (const std::int32_t other : {2, 4, 1000, 50'000'000, 100'000'000}) CHECK(v[other] == 0);
    }
    std::vector<std::int32_t> many;
    for (std::int32_t i = 0; i < 20'000; ++i) many.push_back(i % 2 == 0 ? i : 90'000'000 + i);
    const Vocabulary v(many);
    CHECK(v.values() == many);
    for (std::size_t i = 0; i < many.size(); ++i) CHECK(v[many[i]] == static_cast<int>(i) + 1);
}

TEST_CASE("more values than an int counts are an error, not a wrap") {
    CHECK(BagStorage::end_of_row(2'147'483'647) == 2'147'483'647);
    CHECK_THROWS_AS(BagStorage::end_of_row(2'147'483'648), SettingError);
}

TEST_CASE("JSON is read in time linear in it: a megabyte of empty objects, of keys, of brackets") {
    const auto many = [](const std::string& begin, const std::string& piece, const std::string& end) {
        std::string out = begin;
        while (out.size() < 1'000'000) out += piece + ",";
        out.back() = end[0];
        return out + end.substr(1);
    };
    CHECK(model_file::parse_strictly(many("[", "{}", "]"), 16)->size() > 300'000);
    CHECK((*model_file::parse_strictly(many("{\"a\":[", "[]", "]}"), 16))["a"].size() > 300'000);
    std::string keys = "{";
    for (int i = 0; i < 80'000; ++i) keys += "\"" + std::to_string(i) + "\":{},";
    keys.back() = '}';
    const model_file::JsonValue parsed = model_file::parse_strictly(keys, 16).value();
    CHECK(parsed.size() == 80'000);
    CHECK(parsed.dump() == keys);
    CHECK(!model_file::parse_strictly(keys.substr(0, keys.size() - 1) + ",\"7\":1}", 16));
}

TEST_CASE("a JSON value is its own: copies that change leave each other alone") {
    using model_file::JsonValue;
    JsonValue a = JsonValue::object("x", 1, "list", std::vector<int>{1, 2});
    const JsonValue b = a;
    a.set("x", "text");
    a.object_at("more").set("y", true);
    CHECK(b.dump() == R"({"x":1,"list":[1,2]})");
    CHECK(a.dump() == R"({"x":"text","list":[1,2],"more":{"y":true}})");
    CHECK(*model_file::parse_strictly(a.dump(2), 4) == a);
    CHECK(JsonValue(nullptr).dump() == "null");
    CHECK(JsonValue(0.1).dump() == "0.1");
}
