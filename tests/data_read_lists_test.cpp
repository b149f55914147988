/// Reading psad-lists-1: a valid folder gives its columns, a folder broken anywhere one clear DataError.
#include "psad/data/read_lists.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psad/eval/metrics.hpp"
#include "support/lists_folder.hpp"

namespace {

using psad::test::ListsFolder;

template <class T>
std::vector<T> all(std::span<const T> values) {
    return {values.begin(), values.end()};
}

using Ids = std::vector<std::int32_t>;

/// Reads the folder and compares the one DataError it must give: file and place exactly, the rest by a part.
void check_error(const ListsFolder& folder, const std::string& file, const std::string& place, const std::string& found,
                 const std::string& wanted) {
    CAPTURE(file);
    CAPTURE(place);
    CAPTURE(found);
    try {
        psad::data::read_lists(folder.path());
        FAIL_CHECK("read without complaint");
    } catch (const psad::DataError& error) {
        CHECK(error.source() == folder.file(file).string());
        CHECK(error.place() == place);
        CHECK_MESSAGE(error.found().find(found) != std::string::npos, error.found());
        CHECK_MESSAGE(error.wanted().find(wanted) != std::string::npos, error.wanted());
        const std::string what = error.what();
        CHECK(what.find(error.source()) == 0);
        CHECK(what.find(place) != std::string::npos);
        CHECK(what.size() < error.source().size() + 300);
    }
}

/// One text of one file replaced, and what must come of it.
struct Break {
    const char *file, *from, *to, *place, *found, *wanted;
};

void check_breaks(const std::vector<Break>& breaks) {
    for (const Break& b : breaks) {
        CAPTURE(b.from);
        CAPTURE(b.to);
        ListsFolder folder;
        folder.replace(b.file, b.from, b.to);
        check_error(folder, b.file, b.place, b.found, b.wanted);
    }
}

Ids all(const psad::FieldRows& row) {
    Ids out;
    for (std::size_t f = 0; f < row.fields(); ++f) out.insert(out.end(), row(0, f).begin(), row(0, f).end());
    return out;
}
std::vector<double> all(const psad::FeatureColumn& column) {
    std::vector<double> out;
    for (const double x : column) out.push_back(x);
    return out;
}

/// Reads the folder after one text of one file was replaced; nothing may be wrong with it.
psad::data::Dataset read_with(const char* file, const std::string& from, const std::string& to) {
    ListsFolder folder;
    folder.replace(file, from, to);
    return psad::data::read_lists(folder.path());
}

}  // namespace

TEST_CASE("a valid folder is read in full") {
    const ListsFolder folder;
    const psad::data::Dataset set = psad::data::read_lists(folder.path());

    CHECK(set.meta.name == "tiny");
    CHECK(set.meta.users == 3);
    CHECK(set.meta.items == 5);
    CHECK(set.meta.user_fields == std::vector<std::string>{"device", "country"});
    CHECK(set.meta.item_fields == std::vector<std::string>{"genres", "year"});
    CHECK(set.meta.context_fields == std::vector<std::string>{"weekday"});
    CHECK(set.meta.user_vocab == Ids{3, 4});
    CHECK(set.meta.item_vocab == Ids{6, 3});
    CHECK(set.meta.context_vocab == Ids{8});
    CHECK(set.meta.valid_from == 1000);
    CHECK(set.meta.test_from == 2000);
    CHECK(set.meta.notes == std::map<std::string, std::string>{{"aux", "the price"}});

    CHECK(set.user_fields == xt::xtensor<std::int32_t, 2>{{1, 3}, {0, 0}, {2, 1}});
    REQUIRE(set.item_fields.size() == 2);
    const psad::data::JaggedColumn& genres = set.item_fields[0];
    REQUIRE(genres.size() == 5);
    CHECK(all(genres[0]) == Ids{1, 5});
    CHECK(genres[1].empty());
    CHECK(all(genres[2]) == Ids{3});
    CHECK(all(genres[3]) == Ids{2, 1, 4});
    CHECK(all(genres[4]) == Ids{0});
    CHECK(set.item_fields[1].values == xt::xtensor<std::int32_t, 1>{2, 0, 1, 2, 1});

    // In the file user 2 stands before user 0.
    CHECK(set.events.offsets == xt::xtensor<std::int64_t, 1>{0, 2, 2, 5});
    CHECK(set.events.time == xt::xtensor<std::int64_t, 1>{50, 1500, 100, 100, 300});
    CHECK(set.events.item == xt::xtensor<std::int32_t, 1>{1, 2, 4, 3, 4});
    CHECK(set.events.feedback == xt::xtensor<std::int32_t, 1>{2, 1, 1, 0, 7});

    CHECK(set.train.size() == 2);
    CHECK(set.train.offsets == xt::xtensor<std::int64_t, 1>{0, 3, 5});
    CHECK(set.train.scores == xt::xtensor<double, 1>{0.5, 0.25, -0.001, 2.0, 1.0});
    CHECK(set.train.aux == xt::xtensor<double, 1>{10.0, 20.0, 30.0, 5.0, 5.5});
    CHECK(set.valid.size() == 0);
    CHECK(set.valid.offsets == xt::xtensor<std::int64_t, 1>{0});
    CHECK(set.test.size() == 1);
    CHECK(set.test.scores.size() == 0);
    CHECK(set.test.aux.size() == 0);
    CHECK(set.titles == std::vector<std::string>{"One", "Two, or more", "Three", "Four", "Five"});
}

TEST_CASE("a request looks into the columns and sees no later event") {
    const ListsFolder folder;
    const psad::data::Dataset set = psad::data::read_lists(folder.path());

    const psad::Request first = set.request(set.train, 0);
    CHECK(all(first.user_fields) == Ids{2, 1});
    CHECK(all(first.context) == Ids{3});
    CHECK(first.time == 200);
    CHECK(all(first.history_items) == Ids{4, 3});  // the event at 300 is the user's, but later
    CHECK(all(first.history_times) == std::vector<std::int64_t>{100, 100});
    CHECK(all(first.history_feedback) == Ids{1, 0});
    CHECK(all(first.items) == Ids{4, 0, 2});
    CHECK(all(first.labels) == std::vector<std::int8_t>{0, 1, 0});
    CHECK(all(first.aux) == std::vector<double>{10, 20, 30});

    const psad::Request second = set.request(set.train, 1);
    CHECK(second.history_items.empty());
    CHECK(all(second.items) == Ids{1, 3});
    CHECK(second.items.data() == set.train.items.data() + 3);
    CHECK(all(second.scores) == std::vector<double>{2, 1});

    const psad::Request test = set.request(set.test, 0);
    CHECK(all(test.history_items) == Ids{1, 2});
    CHECK(test.scores.empty());
    CHECK(test.aux.empty());
}

TEST_CASE("splits go by name") {
    const ListsFolder folder;
    const psad::data::Dataset set = psad::data::read_lists(folder.path());
    CHECK(&set.split("train") == &set.train);
    CHECK(&set.split("valid") == &set.valid);
    CHECK(&set.split("test") == &set.test);
    try {
        set.split("Test");
        FAIL_CHECK("found a split by that name");
    } catch (const psad::SettingError& error) {
        CHECK(error.found() == "'Test'");
    }
}

TEST_CASE("what a valid folder may also be") {
    SUBCASE("without titles") {
        ListsFolder folder;
        std::filesystem::remove(folder.file("titles.tsv.gz"));
        CHECK(psad::data::read_lists(folder.path()).titles.empty());
    }
    SUBCASE("not compressed, although the name says so") {
        ListsFolder folder;
        psad::test::write_bytes(folder.file("users.tsv.gz"), "#user\tdevice\tcountry\n0\t1\t3\n1\t0\t0\n2\t2\t2");
        CHECK(psad::data::read_lists(folder.path()).user_fields(2, 1) == 2);
    }
    SUBCASE("without fields of a kind") {
        ListsFolder folder;
        folder.replace("meta.tsv", "user_fields\tdevice,country\nuser_vocab\t3,4", "user_fields\t\nuser_vocab\t");
        folder.replace("meta.tsv", "ctx_fields\tweekday\nctx_vocab\t8", "ctx_fields\t-\nctx_vocab\t-");
        folder.write("users.tsv.gz", "#user\n0\n1\n2\n");
        folder.write("lists_train.tsv.gz", ListsFolder::header + "0\t2\t200\t2\t-\t4,0\t-\t0,1\t-\n");
        folder.write("lists_test.tsv.gz", ListsFolder::header);
        const psad::data::Dataset set = psad::data::read_lists(folder.path());
        const psad::Request request = set.request(set.train, 0);
        CHECK(request.user_fields.empty());
        CHECK(request.context.empty());
        CHECK(all(request.items) == Ids{4, 0});
    }
    SUBCASE("with scores too small for a float") {
        CHECK(read_with("lists_train.tsv.gz", "-1e-3", "1e-60").train.scores(2) == 1e-60);
    }
    SUBCASE("with a very long cell, whole") {
        ListsFolder folder;
        std::string genres = "1";
        for (int i = 0; i < 1'000'000; ++i) genres += "|2";
        folder.replace("items.tsv.gz", "2|1|4", genres);
        const psad::data::Dataset set = psad::data::read_lists(folder.path());
        CHECK(set.item_fields[0][3].size() == 1'000'001);
        CHECK(set.item_fields[0][4].size() == 1);
    }
}

TEST_CASE("a missing folder or file") {
    const psad::test::TempFolder empty;
    try {
        psad::data::read_lists(empty.path() / "none");
        FAIL_CHECK("read a folder that is not there");
    } catch (const psad::DataError& error) {
        CHECK(error.source() == (empty.path() / "none").string());
        CHECK(error.found() == "no such folder");
    }
    for (const char* name : {"meta.tsv", "users.tsv.gz", "items.tsv.gz", "events.tsv.gz", "lists_train.tsv.gz",
                             "lists_valid.tsv.gz", "lists_test.tsv.gz"}) {
        ListsFolder folder;
        std::filesystem::remove(folder.file(name));
        check_error(folder, name, "", "no such file", "readable file");
        std::filesystem::create_directory(folder.file(name));
        check_error(folder, name, "after line 0", "read error", "readable file");
    }
    ListsFolder folder;
    CHECK_THROWS_AS(psad::data::read_lists(folder.file("meta.tsv")), psad::DataError);
}

TEST_CASE("a malformed meta.tsv") {
    check_breaks({
        {"meta.tsv", "psad-lists-1", "psad-lists-2", "line 1, key format", "'psad-lists-2'", "'psad-lists-1'"},
        {"meta.tsv", "psad-lists-1", "psad-lists-1\r", "line 1", "psad-lists-1\\r'", "UTF-8 without control"},
        {"meta.tsv", "format\tpsad-lists-1\n", "", "key format", "no such key", "one line"},
        {"meta.tsv", "format", "Format", "key format", "no such key", "one line"},
        {"meta.tsv", "name\ttiny\n", "", "key name", "no such key", "one line"},
        {"meta.tsv", "users\t3\n", "", "key users", "no such key", "one line"},
        {"meta.tsv", "items\t5\n", "", "key items", "no such key", "one line"},
        {"meta.tsv", "user_fields\tdevice,country\n", "", "key user_fields", "no such key", "one line"},
        {"meta.tsv", "user_vocab\t3,4\n", "", "key user_vocab", "no such key", "one line"},
        {"meta.tsv", "item_fields\tgenres,year\n", "", "key item_fields", "no such key", "one line"},
        {"meta.tsv", "item_vocab\t6,3\n", "", "key item_vocab", "no such key", "one line"},
        {"meta.tsv", "ctx_fields\tweekday\n", "", "key ctx_fields", "no such key", "one line"},
        {"meta.tsv", "ctx_vocab\t8\n", "", "key ctx_vocab", "no such key", "one line"},
        {"meta.tsv", "valid_from\t1000\n", "", "key valid_from", "no such key", "one line"},
        {"meta.tsv", "test_from\t2000\n", "", "key test_from", "no such key", "one line"},
        {"meta.tsv", "users\t3", "users\tthree", "line 3, key users", "'three'", "an integer from 1"},
        {"meta.tsv", "users\t3", "users\t3.0", "line 3, key users", "'3.0'", "an integer"},
        {"meta.tsv", "users\t3", "users\t0", "line 3, key users", "'0'", "an integer from 1"},
        {"meta.tsv", "items\t5", "items\t99999999999999999999", "line 4, key items", "'99999999999999999999'",
         "100000000"},
        {"meta.tsv", "name\ttiny", "name\tt\x1b[31m", "line 2", "'name\\tt\\x1b[31m'", "UTF-8"},
        {"meta.tsv", "device,country", "device,\xff", "line 5", "\\xff'", "UTF-8"},
        {"meta.tsv", "valid_from\t1000", "valid_from\t", "line 11, key valid_from", "''", "an integer"},
        {"meta.tsv", "test_from\t2000", "test_from\t999", "line 12, key test_from", "'999'", "from 1000 to"},
        {"meta.tsv", "test_from\t2000", "test_from\t2e3", "line 12, key test_from", "'2e3'", "an integer"},
        {"meta.tsv", "user_vocab\t3,4", "user_vocab\t3", "line 6, key user_vocab", "1 sizes", "2, one per field"},
        {"meta.tsv", "item_vocab\t6,3", "item_vocab\t6,3,2", "line 8, key item_vocab", "3 sizes", "2"},
        {"meta.tsv", "ctx_vocab\t8", "ctx_vocab\t-", "line 10, key ctx_vocab", "0 sizes", "1"},
        {"meta.tsv", "item_vocab\t6,3", "item_vocab\t6,x", "line 8, key item_vocab", "'x'", "an integer from 1"},
        {"meta.tsv", "item_vocab\t6,3", "item_vocab\t6,0", "line 8, key item_vocab", "'0'", "an integer from 1"},
        {"meta.tsv", "device,country", "device,", "line 5, key user_fields", "an empty name", "names"},
        {"meta.tsv", "aux\tthe", "name\tthe", "line 13", "key 'name' again", "each key once"},
        {"meta.tsv", "name\ttiny", "name tiny", "line 2", "'name tiny'", "key TAB value"},
        {"meta.tsv", "name\ttiny", "\ttiny", "line 2", "'\\ttiny'", "key TAB value"},
    });
    ListsFolder folder;
    folder.write("meta.tsv", "");
    check_error(folder, "meta.tsv", "line 1", "empty file", "key TAB value");
}

TEST_CASE("a malformed header or row shape") {
    check_breaks({
        {"users.tsv.gz", "#user\tdevice\tcountry\n", "", "line 1", "'0\\t1\\t3'", "starts with #user"},
        {"users.tsv.gz", "country", "city", "line 1", "column 3 named 'city'", "'country'"},
        {"users.tsv.gz", "\tcountry", "", "line 1", "2 columns", "3"},
        {"users.tsv.gz", "country\n", "country\r\n", "line 1", "'country\\r'", "'country'"},
        {"items.tsv.gz", "#item", "#thing", "line 1", "column 1 named 'thing'", "'item'"},
        {"events.tsv.gz", "ts\titem", "item\tts", "line 1", "column 2 named 'item'", "'ts'"},
        {"titles.tsv.gz", "#item\ttitle\n", "", "line 1", "'0\\tOne'", "starts with #item"},
        {"lists_valid.tsv.gz", "labels", "label", "line 1", "column 8 named 'label'", "'labels'"},
        {"users.tsv.gz", "\t0\t0", "\t0", "line 3", "2 columns", "3"},
        {"users.tsv.gz", "\t0\t0", "\t0\t0\t0", "line 3", "4 columns", "3"},
        {"users.tsv.gz", "2\t2\t1\n", "2\t2\t1\n\n", "line 5", "1 column", "3"},
        {"items.tsv.gz", "3\t2|1|4\t2", "3", "line 5", "1 column", "3"},
        {"events.tsv.gz", "\t300\t", "\t300\t\t", "line 4", "5 columns", "4"},
        {"titles.tsv.gz", "Two, or", "Two,\tor", "line 3", "3 columns", "2"},
        {"lists_test.tsv.gz", "\t-\t1\t-\n", "\t-\t1\n", "line 2", "8 columns", "9"},
    });
    for (const char* name : {"users.tsv.gz", "items.tsv.gz", "events.tsv.gz", "titles.tsv.gz", "lists_train.tsv.gz",
                             "lists_valid.tsv.gz", "lists_test.tsv.gz"}) {
        ListsFolder folder;
        folder.write(name, "");  // a gzip stream of nothing
        check_error(folder, name, "line 1", "empty file", "header");
        psad::test::write_bytes(folder.file(name), "");
        check_error(folder, name, "line 1", "empty file", "header");
    }
}

TEST_CASE("malformed users, items and titles") {
    check_breaks({
        {"users.tsv.gz", "1\t0\t0", "3\t0\t0", "line 3, column user", "'3'", "1 (ids are dense"},
        {"users.tsv.gz", "1\t0\t0", "x\t0\t0", "line 3, column user", "'x'", "1 (ids are dense"},
        {"users.tsv.gz", "2\t2\t1\n", "", "after line 3", "2 rows", "3, as key users"},
        {"users.tsv.gz", "2\t2\t1\n", "2\t2\t1\n3\t0\t0\n", "after line 5", "4 rows", "3, as key users"},
        {"users.tsv.gz", "1\t3\n", "3\t3\n", "line 2, column device", "'3'", "from 0 to 2"},
        {"users.tsv.gz", "1\t3\n", "-1\t3\n", "line 2, column device", "'-1'", "from 0 to 2"},
        {"users.tsv.gz", "1\t3\n", "1\t4\n", "line 2, column country", "'4'", "from 0 to 3"},
        {"users.tsv.gz", "1\t3\n", "1\t3x\n", "line 2, column country", "'3x'", "an integer"},
        {"users.tsv.gz", "1\t3\n", "1\t-\n", "line 2, column country", "'-'", "an integer"},
        {"users.tsv.gz", "1\t3\n", "1\t\n", "line 2, column country", "''", "an integer"},
        {"items.tsv.gz", "4\t0\t1\n", "", "after line 5", "4 rows", "5, as key items"},
        {"items.tsv.gz", "4\t0\t1", "5\t0\t1", "line 6, column item", "'5'", "4 (ids are dense"},
        {"items.tsv.gz", "2|1|4", "2|6|4", "line 5, column genres", "'6'", "from 0 to 5"},
        {"items.tsv.gz", "2|1|4", "2||4", "line 5, column genres", "''", "an integer"},
        {"items.tsv.gz", "2|1|4", "2|1|", "line 5, column genres", "''", "an integer"},
        {"items.tsv.gz", "2|1|4", "2,1,4", "line 5, column genres", "'2,1,4'", "an integer"},
        {"items.tsv.gz", "4\t0\t1", "4\t0\t3", "line 6, column year", "'3'", "from 0 to 2"},
        {"titles.tsv.gz", "4\tFive\n", "", "after line 5", "4 rows", "5, as key items"},
        {"titles.tsv.gz", "Five", "F\xfcnf", "line 6, column title", "'F\\xfcnf'", "UTF-8 without"},
        {"titles.tsv.gz", "4\tFive", "3\tFive", "line 6, column item", "'3'", "4 (ids are dense"},
    });
}

TEST_CASE("malformed events") {
    check_breaks({
        {"events.tsv.gz", "0\t50\t1\t2", "3\t50\t1\t2", "line 5, column user", "'3'", "from 0 to 2"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t50\t5\t2", "line 5, column item", "'5'", "from 0 to 4"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t50\t1\t-2", "line 5, column feedback", "'-2'", "from 0"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t50\t1\t3000000000", "line 5, column feedback", "'3000000000'",
         "2147483647"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t50.5\t1\t2", "line 5, column ts", "'50.5'", "an integer"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t9223372036854775808\t1\t2", "line 5, column ts", "'9223372036854775808'",
         "an integer"},
        {"events.tsv.gz", "0\t50\t1\t2", "0\t 50\t1\t2", "line 5, column ts", "' 50'", "an integer"},
        {"events.tsv.gz", "0\t1500\t2", "0\t49\t2", "line 6, column ts", "49 after 50", "oldest first"},
        {"events.tsv.gz", "0\t1500\t2", "2\t1500\t2", "line 6, column user", "user 2 again after user 0", "grouped"},
    });
}

TEST_CASE("malformed lists") {
    const char* train = "lists_train.tsv.gz";
    check_breaks({
        {train, "0\t2\t200", "x\t2\t200", "line 2, column list", "'x'", "an integer"},
        {train, "0\t2\t200", "0\t3\t200", "line 2, column user", "'3'", "from 0 to 2"},
        {train, "0\t2\t200", "0\t-1\t200", "line 2, column user", "'-1'", "from 0 to 2"},
        {train, "0\t2\t200", "0\t2\tnow", "line 2, column ts", "'now'", "an integer"},
        {train, "400\t0\t0", "1000\t0\t0", "line 3, column ts", "1000", "before 1000: the splits"},
        {"lists_test.tsv.gz", "0\t2000\t2", "0\t1999\t2", "line 2, column ts", "1999", "2000 or later: the splits"},
        {train, "200\t2\t3", "200\ttwo\t3", "line 2, column hist_len", "'two'", "an integer"},
        {train, "200\t2\t3", "200\t-1\t3", "line 2, column hist_len", "'-1'", "from 0"},
        {train, "200\t2\t3", "200\t4\t3", "line 2, column hist_len", "4", "at most 3, the events of user 2"},
        {train, "400\t0\t0", "400\t1\t0", "line 3, column hist_len", "1", "at most 0, the events of user 1"},
        {train, "200\t2\t3", "200\t3\t3", "line 2, column hist_len", "event at 300", "before the request at 200"},
        {train, "200\t2\t3", "100\t1\t3", "line 2, column hist_len", "event at 100", "before the request at 100"},
        {train, "200\t2\t3", "200\t2\t8", "line 2, column ctx", "'8'", "from 0 to 7"},
        {train, "200\t2\t3", "200\t2\t3,1", "line 2, column ctx", "2 values", "1, one per context field"},
        {train, "200\t2\t3", "200\t2\t-", "line 2, column ctx", "0 values", "1, one per context field"},
        {train, "4,0,2", "4,5,2", "line 2, column items", "'5'", "from 0 to 4"},
        {train, "4,0,2", "4,-1,2", "line 2, column items", "'-1'", "from 0 to 4"},
        {train, "4,0,2", "4,2x,2", "line 2, column items", "'2x'", "an integer"},
        {train, "4,0,2", "4,,2", "line 2, column items", "''", "an integer"},
        {train, "4,0,2", "4,0,2,", "line 2, column items", "''", "an integer"},
        {train, "4,0,2", "4,0,4", "line 2, column items", "item 4 twice", "each candidate once"},
        {train, "4,0,2", "-", "line 2, column items", "an empty list", "one candidate or more"},
        {train, "4,0,2", "", "line 2, column items", "an empty list", "one candidate or more"},
        {train, "4,0,2", "4,0", "line 2, column scores", "3 values", "2, one per candidate"},
        {train, "\t0.5,.25,-1e-3", "\t0.5,.25", "line 2, column scores", "2 values", "3, one per candidate"},
        {train, ".25", "-inf", "line 2, column scores", "'-inf'", "a finite number, or nan for a missing one"},
        {train, ".25", "1e999", "line 2, column scores", "'1e999'", "a finite number, or nan for a missing one"},
        {train, ".25", "0.25f", "line 2, column scores", "'0.25f'", "a finite number, or nan for a missing one"},
        {train, ".25", "", "line 2, column scores", "''", "a finite number, or nan for a missing one"},
        {train, ".25", "-", "line 2, column scores", "'-'", "a finite number, or nan for a missing one"},
        {train, "\t2,1\t", "\t-\t", "line 3, column scores", "'-'", "numbers, as in the lists before"},
        {train, "\t0.5,.25,-1e-3\t", "\t-\t", "line 3, column scores", "'2,1'", "'-', as in the lists before"},
        {train, "\t0,1,0\t", "\t0,31,0\t", "line 2, column labels", "'31'", "an integer from 0 to 30"},
        {train, "\t0,1,0\t", "\t0,1.0,0\t", "line 2, column labels", "'1.0'", "an integer from 0 to 30"},
        {train, "\t0,1,0\t", "\t-\t", "line 2, column labels", "'-'", "an integer from 0 to 30"},
        {train, "\t0,1,0\t", "\t0,1\t", "line 2, column labels", "2 values", "3, one per candidate"},
        {train, "\t0,1,0\t", "\t0,1,0,0\t", "line 2, column labels", "4 values", "3, one per candidate"},
        {train, "10,20,30", "10,20", "line 2, column aux", "2 values", "3, one per candidate"},
        {train, "10,20,30", "10,20,x", "line 2, column aux", "'x'", "a finite number, or nan for a missing one"},
        {train, "10,20,30", "10,20,infinity", "line 2, column aux", "'infinity'",
         "a finite number, or nan for a missing one"},
        {train, "5,5.5", "-", "line 3, column aux", "'-'", "numbers, as in the lists before"},
        {train, "10,20,30", "-", "line 3, column aux", "'5,5.5'", "'-', as in the lists before"},
    });
}

TEST_CASE("what was found is shown short and printable") {
    ListsFolder folder;
    folder.replace("lists_train.tsv.gz", "4,0,2", std::string("4,\x01\xc3\xa9\x7f ") + std::string(100'000, 'y'));
    check_error(folder, "lists_train.tsv.gz", "line 2, column items",
                "'\\x01\\xc3\\xa9\\x7f " + std::string(35, 'y') + "...'", "an integer");
    ListsFolder nul;
    nul.replace("users.tsv.gz", "1\t3\n", std::string("1\0", 2) + "\t3\n");
    check_error(nul, "users.tsv.gz", "line 2, column device", "'1\\x00'", "an integer");
}

TEST_CASE("a gzip file cut short at any byte or corrupt is never read as a whole one") {
    std::string text = "#user\tdevice\tcountry\n";
    for (int u = 0; u < 3; ++u) text += std::to_string(u) + "\t1\t1\n";
    ListsFolder folder;
    folder.write("users.tsv.gz", text);
    const std::string bytes = psad::test::read_bytes(folder.file("users.tsv.gz"));
    REQUIRE(bytes.size() > 18);
    for (std::size_t keep = 2; keep < bytes.size(); ++keep) {
        CAPTURE(keep);
        psad::test::write_bytes(folder.file("users.tsv.gz"), bytes.substr(0, keep));
        try {
            psad::data::read_lists(folder.path());
            FAIL_CHECK("read without complaint");
        } catch (const psad::DataError& error) {
            CHECK(error.source() == folder.file("users.tsv.gz").string());
            CHECK(error.found() == "a gzip stream cut short");
        }
    }
    std::string wrong_sum = bytes;
    wrong_sum[bytes.size() - 8] = static_cast<char>(wrong_sum[bytes.size() - 8] ^ 1);
    psad::test::write_bytes(folder.file("users.tsv.gz"), wrong_sum);
    check_error(folder, "users.tsv.gz", "after line 4", "corrupt gzip stream (incorrect data check)", "whole gzip");
    psad::test::write_bytes(folder.file("users.tsv.gz"), bytes);
    CHECK_NOTHROW(psad::data::read_lists(folder.path()));
    // Streams may follow each other; anything else behind one is damage, not an end.
    folder.write("rest", "");
    psad::test::write_gzip(folder.file("rest"), "3\t1\t1\n");
    const std::string rest = psad::test::read_bytes(folder.file("rest"));
    psad::test::write_bytes(folder.file("users.tsv.gz"), bytes + rest);
    check_error(folder, "users.tsv.gz", "after line 5", "4 rows", "3, as key users");
    for (std::string tail : {rest, std::string("more"), std::string(1, '\0'), rest.substr(0, 9)}) {
        tail[0] = static_cast<char>(tail.size() == 9 ? tail[0] : tail[0] ^ 1);
        psad::test::write_bytes(folder.file("users.tsv.gz"), bytes + tail);
        check_error(folder, "users.tsv.gz", "after line 4",
                    tail.size() == 9 || tail.size() == 1 ? "cut short" : "corrupt gzip stream", "whole gzip");
    }
}

TEST_CASE("a large gzip file cut short says after which line") {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919 % 1'000'003) + "\n";
    const psad::test::TempFolder folder;
    const auto file = folder.path() / "numbers.gz";
    psad::test::write_gzip(file, text);
    const std::string bytes = psad::test::read_bytes(file);
    psad::test::write_bytes(file, bytes.substr(0, bytes.size() / 2));

    psad::data::GzipLines lines(file);
    std::string_view line;
    std::size_t whole = 0;
    std::string place;
    try {
        while (lines.next(line)) {
            CHECK_MESSAGE(line == std::to_string(whole * 7919 % 1'000'003), line);
            ++whole;
        }
        FAIL_CHECK("read without complaint");
    } catch (const psad::DataError& error) {
        place = error.place();
    }
    CHECK(whole > 50'000);
    CHECK(place.starts_with("after line "));
    CHECK(std::stoul(place.substr(11)) >= whole);
}

TEST_CASE("lines longer than the buffer, empty lines and a last line without its end") {
    const psad::test::TempFolder folder;
    const std::string long_line(300'000, 'a');
    psad::test::write_bytes(folder.path() / "lines", long_line + "\n\nb\n" + long_line + "c");
    psad::data::GzipLines lines(folder.path() / "lines");
    std::string_view line;
    CHECK(lines.line_number() == 0);
    REQUIRE(lines.next(line));
    CHECK(line == long_line);
    REQUIRE(lines.next(line));
    CHECK(line.empty());
    REQUIRE(lines.next(line));
    CHECK(line == "b");
    REQUIRE(lines.next(line));
    CHECK(line == long_line + "c");
    CHECK(lines.line_number() == 4);
    CHECK_FALSE(lines.next(line));
    CHECK_FALSE(lines.next(line));
    CHECK(lines.line_number() == 4);
}

TEST_CASE("the set that ships with psad") {
    const psad::data::Dataset set = psad::data::read_lists(PSAD_TEST_DATA);
    CHECK(set.meta.name == "movietweetings-ci");
    CHECK(set.train.size() == 1298);
    CHECK(set.valid.size() == 248);
    CHECK(set.test.size() == 445);
    CHECK(set.titles.size() == 3979);
    CHECK(set.meta.notes.at("feedback") == "rating 0..10");

    std::size_t history_events = 0, late_events = 0;
    for (const char* name : {"train", "valid", "test"}) {
        const psad::data::ListColumns& lists = set.split(name);
        for (std::size_t l = 0; l < lists.size(); ++l) {
            const psad::Request request = set.request(lists, l);
            history_events += request.history_times.size();
            for (const std::int64_t time : request.history_times) late_events += time >= request.time ? 1 : 0;
        }
    }
    CHECK(history_events > 10'000);
    CHECK(late_events == 0);

    double average_precision = 0, ndcg = 0;
    std::size_t counted = 0;
    for (std::size_t l = 0; l < set.test.size(); ++l) {
        const psad::Request request = set.request(set.test, l);
        std::vector<float> gains;
        for (std::size_t i = 0; i < request.size(); ++i) gains.push_back(request.gain(i));
        const auto positives = static_cast<std::size_t>(psad::eval::clicks(gains, gains.size()));
        if (positives == 0) continue;
        average_precision += psad::eval::average_precision(gains, 10, positives);
        ndcg += psad::eval::ndcg(gains, 10, gains);
        ++counted;
    }
    CHECK(counted == 445);
    CHECK(std::lround(1000 * average_precision / static_cast<double>(counted)) == 234);
    CHECK(std::lround(1000 * ndcg / static_cast<double>(counted)) == 328);
}
