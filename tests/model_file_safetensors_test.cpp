/// \file model_file_safetensors_test.cpp
/// Model files: exact round trips, no damage unnoticed, no hostile header obeyed, no old file lost.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "psad/model_file/write_safetensors.hpp"
#include "support/files.hpp"

namespace {

namespace fs = std::filesystem;
using psad::FileError;
using psad::ModelFileError;
using psad::model_file::read_safetensors;
using psad::model_file::tensor;
using psad::model_file::TensorFile;
using psad::model_file::write_safetensors;
using psad::test::read_bytes;
using psad::test::TempFolder;
using psad::test::write_bytes;

std::ptrdiff_t entries(const TempFolder& folder) {
    return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

/// A file as another tool writes it: this header, no padding, then the data.
std::string raw_file(const std::string& header, const std::string& data = "") {
    std::uint64_t size = header.size();
    std::string bytes(sizeof size, '\0');
    std::memcpy(bytes.data(), &size, sizeof size);
    return bytes + header + data;
}

bool same(const TensorFile& a, const TensorFile& b) {
    return a.metadata == b.metadata && std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
               return x.name == y.name && x.dtype == y.dtype && x.shape == y.shape && x.bytes == y.bytes;
           });
}

/// The error that reading gives, or "" when the file is read.
std::string refusal(const fs::path& path) {
    try {
        read_safetensors(path);
        return "";
    } catch (const ModelFileError& error) {
        CHECK(error.source() == path.string());
        return error.what();
    }
}

TensorFile small_file() {
    return {.metadata = {{"format", "psad-1"}, {"width", "4"}},
            .tensors = {tensor("a.weight", {2, 3}, std::vector<float>{1.5F, -2.0F, 0.0F, 3e-40F, 1e30F, -0.0F}),
                        tensor("b.count", {2}, std::vector<std::int32_t>{7, -7}),
                        tensor("c.sign", {3}, std::vector<std::int8_t>{1, 0, -1})}};
}

}  // namespace

TEST_CASE("safetensors: every dtype and shape comes back bit for bit") {
    const TempFolder folder;
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr double tiny = std::numeric_limits<double>::denorm_min();
    constexpr std::int64_t least = (std::numeric_limits<std::int64_t>::min)();
    const std::array<double, 2> doubles{tiny, -0.0};
    const TensorFile written{
        .metadata = {{"", "empty key"}, {"name", "\u00e4\u4e2d \"quoted\"\n\t\\"}, {"zero", std::string(1, '\0')}},
        .tensors = {tensor("\u00fcber", {3}, std::vector<std::int8_t>{-128, 0, 127}),
                    tensor("doubles", {1, 2}, std::span(doubles)),
                    tensor("floats", {2, 1, 2}, std::vector<float>{nan, -nan, 1e-45F, 1.0F}),
                    tensor("ids", {2}, std::vector<std::int32_t>{-1, 1}), tensor("none", {4, 0}, std::vector<float>{}),
                    tensor("scalar", {}, std::vector<float>{42.0F}),
                    tensor("times", {1}, std::vector<std::int64_t>{least})}};
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, written);

    const TensorFile read = read_safetensors(path);
    CHECK(read.source == path.string());
    CHECK(read.metadata == written.metadata);
    REQUIRE(read.tensors.size() == written.tensors.size());
    CHECK(std::ranges::is_sorted(read.tensors, {}, &psad::model_file::Tensor::name));
    for (const psad::model_file::Tensor& wanted : written.tensors) {
        const psad::model_file::Tensor& found = read.at(wanted.name);
        CHECK(found.dtype == wanted.dtype);
        CHECK(found.shape == wanted.shape);
        CHECK(found.bytes == wanted.bytes);
    }
    CHECK(read.values<double>("doubles", {1, 2})[0] == tiny);
    CHECK(read.values<std::int64_t>("times")[0] == least);
    CHECK(read.values<float>("none", {4, 0}).empty());
    CHECK(read.values<float>("scalar", {})[0] == 42.0F);

    // GeneratedLists again, from the sorted tensors, the file is the same to the bit.
    const std::string first = read_bytes(path);
    write_safetensors(path, read);
    CHECK(read_bytes(path) == first);
    CHECK(entries(folder) == 1);
}

TEST_CASE("safetensors: the layout is what other tools expect") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(
        path, {.tensors = {tensor("a", {1}, std::vector<std::int8_t>{5}), tensor("b", {1}, std::vector<float>{1.0F}),
                           tensor("c", {1}, std::vector<double>{1.0})}});
    const std::string bytes = read_bytes(path);
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, bytes.data(), sizeof header_size);
    CHECK(header_size % 8 == 0);
    CHECK(bytes.size() == 8 + header_size + 13);
    const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, header_size));
    CHECK(header["a"] == nlohmann::json{{"dtype", "I8"}, {"shape", {1}}, {"data_offsets", {12, 13}}});
    CHECK(header["b"] == nlohmann::json{{"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {8, 12}}});
    CHECK(header["c"] == nlohmann::json{{"dtype", "F64"}, {"shape", {1}}, {"data_offsets", {0, 8}}});
    CHECK(header["__metadata__"]["psad.checksum"].get<std::string>().starts_with("psad-crc32:"));
    float one = 0;
    std::memcpy(&one, bytes.data() + 8 + header_size + 8, sizeof one);
    CHECK(one == 1.0F);
}

TEST_CASE("safetensors: a file without tensors") {
    const TempFolder folder;
    write_safetensors(folder / "empty", {});
    const TensorFile read = read_safetensors(folder / "empty");
    CHECK(read.tensors.empty());
    CHECK(read.metadata.empty());
}

TEST_CASE("safetensors: files of other tools are read") {
    const TempFolder folder;
    const fs::path path = folder / "other.safetensors";
    // No checksum, no padding, data in another order than the names, a dtype that psad does not compute with.
    write_bytes(path, raw_file(R"({"z":{"data_offsets":[0,4],"shape":[2],"dtype":"BF16"},)"
                               R"( "a":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]},)"
                               "\n\"__metadata__\":{\"format\":\"pt\"}}   ",
                               std::string("\x01\x02\x03\x04\x00\x00\x80\x3f", 8)));
    const TensorFile read = read_safetensors(path);
    CHECK(read.metadata == std::map<std::string, std::string>{{"format", "pt"}});
    CHECK(read.values<float>("a", {1, 1})[0] == 1.0F);
    CHECK(read.at("z").bytes == std::vector<std::byte>{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}});

    // Such a tensor survives being written by psad.
    write_safetensors(path, read);
    CHECK(same(read_safetensors(path), read));

    write_bytes(path, raw_file("{}"));
    CHECK(read_safetensors(path).tensors.empty());
}

TEST_CASE("safetensors: access by name, type and shape says what is wrong") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, small_file());
    const TensorFile file = read_safetensors(path);
    const std::string place = path.string() + ", tensor ";
    CHECK_THROWS_WITH_AS(file.at("d"),
                         (place + "d: found no such tensor, wanted it among the 3 tensors of the file").c_str(),
                         ModelFileError);
    CHECK_THROWS_WITH_AS(file.values<double>("a.weight"),
                         (place + "a.weight: found dtype F32, wanted dtype F64").c_str(), ModelFileError);
    CHECK_THROWS_WITH_AS(file.values<float>("a.weight", {3, 2}),
                         (place + "a.weight: found shape [2,3], wanted shape [3,2]").c_str(), ModelFileError);
    CHECK_THROWS_AS(tensor("x", {2}, std::vector<float>{1.0F}), ModelFileError);
    CHECK_THROWS_AS(tensor("x", {-1}, std::vector<float>{1.0F}), ModelFileError);
}

TEST_CASE("safetensors: a file cut short or grown is refused") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, small_file());
    const std::string whole = read_bytes(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_bytes(path, whole.substr(0, size));
        CHECK_MESSAGE(refusal(path) != "", size);
    }
    write_bytes(path, whole + '\0');
    CHECK(refusal(path) != "");
    write_bytes(path, raw_file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
    CHECK(refusal(path) == "");
    write_bytes(path, raw_file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "123"));
    CHECK(refusal(path) != "");
}

TEST_CASE("safetensors: every flipped bit is noticed") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, small_file());
    const TensorFile wanted = read_safetensors(path);
    std::string bytes = read_bytes(path);
    std::size_t unnoticed = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        write_bytes(path, bytes);
        unnoticed += refusal(path).empty() ? 1 : 0;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    CHECK(unnoticed == 0);
    write_bytes(path, bytes);
    CHECK(same(read_safetensors(path), wanted));
}

TEST_CASE("safetensors: hostile headers are refused, with the place") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    const auto refused = [&](const std::string& bytes, const std::string& place) {
        write_bytes(path, bytes);
        const std::string error = refusal(path);
        INFO(error);
        CHECK(error.find(place) != std::string::npos);
    };
    const auto entry = [](const std::string& fields, const std::string& data = "") {
        return raw_file("{\"t\":{" + fields + "}}", data);
    };
    const std::string dtype = R"("dtype":"F32",)";

    SUBCASE("lengths") {
        refused(std::string(8, '\xff') + "{}", "header: found a length of 18446744073709551615");
        refused(std::string("\x00\x00\x00\x00\x00\x00\x00\x80{}", 10), "header: found a length of");
        refused(std::string("\x03\x00\x00\x00\x00\x00\x00\x00{}", 10), "header: found a length of 3");
        refused(std::string(8, '\0'), "header");
        refused("", "header: found 0 bytes");
    }
    SUBCASE("JSON") {
        for (const char* text : {"", " ", "[]", "null", "1", "{", "}", "{}}", "{]", " {}", "{} x}", R"({"a"})",
                                 R"({"a":})", "{\"\xff\":1}", "{\"\xed\xa0\x80\":1}", R"({"\ud800":1})"}) {
            refused(raw_file(text), "header");
        }
        refused(raw_file(std::string("{}\0}", 4)), "header");
        refused(raw_file(R"({"a":1e999})"), "header");
        refused(raw_file("{\"a\":" + std::string(100'000, '[') + "}"), "header: found JSON nested more than 3 deep");
        std::string objects;
        for (int level = 0; level < 100'000; ++level) objects += R"({"a":)";
        refused(raw_file(objects + "}"), "header: found JSON nested more than 3 deep");
        refused(raw_file(R"({"t":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})"),
                "header: found the key \"dtype\" twice");
        const std::string empty = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
        refused(raw_file("{\"t\":" + empty + ",\"t\":" + empty + "}"), "header: found the key \"t\" twice");
        refused(raw_file("{\"t\":" + empty + ",\"\\u0074\":" + empty + "}"), "header: found the key \"t\" twice");
    }
    SUBCASE("metadata") {
        for (const char* value : {"null", "1", "[]", "\"\"", R"({"a":1})", R"({"a":{}})", R"({"a":null})"}) {
            refused(raw_file(std::string("{\"__metadata__\":") + value + "}"), "__metadata__");
        }
        refused(raw_file(R"({"__metadata__":{"psad.checksum":"00000000"}})"), "checksum");
        refused(raw_file(R"({"__metadata__":{"other":"psad-crc32:00000000"}})"), "__metadata__");
    }
    SUBCASE("entries of another form") {
        for (const char* value : {"null", "1", "[]", "\"\"", "{}"}) {
            refused(raw_file(std::string("{\"t\":") + value + "}"), "tensor t");
        }
        refused(entry(R"("dtype":1,"shape":[0],"data_offsets":[0,0])"), "tensor t");
        refused(entry(R"("dtype":"F99","shape":[0],"data_offsets":[0,0])"), "tensor t: found dtype F99");
        refused(entry(dtype + R"("shape":0,"data_offsets":[0,0])"), "tensor t");
        refused(entry(dtype + R"("shape":[[0]],"data_offsets":[0,0])"), "header: found JSON nested more than 3 deep");
        refused(entry(dtype + R"("shape":[0.0],"data_offsets":[0,0])"), "tensor t");
        refused(entry(dtype + R"("shape":["0"],"data_offsets":[0,0])"), "tensor t");
        refused(entry(dtype + R"("shape":[0],"data_offsets":[0])"), "tensor t");
        refused(entry(dtype + R"("shape":[0],"data_offsets":[0,0,0])"), "tensor t");
        refused(entry(dtype + R"("shape":[0],"data_offsets":{"a":0})"), "tensor t");
        refused(entry(dtype + R"("shape":[0],"data_offsets":[0,0],"more":1)"), "tensor t");
        refused(entry(dtype + R"("shape":[0],"offsets":[0,0])"), "tensor t");
    }
    SUBCASE("shapes") {
        refused(entry(dtype + R"("shape":[-1],"data_offsets":[0,4])", "1234"), "tensor t: found shape [-1]");
        refused(entry(dtype + R"("shape":[-1,-1],"data_offsets":[0,4])", "1234"), "tensor t: found shape");
        for (const char* shape :
             {"[4611686018427387904,4]", "[4294967296,4294967296]", "[9223372036854775808]", "[18446744073709551615]",
              "[0,9223372036854775807]", "[9223372036854775807,9223372036854775807,0]"}) {
            refused(entry(dtype + "\"shape\":" + shape + R"(,"data_offsets":[0,0])"), "tensor t: found shape");
        }
        refused(entry(dtype + R"("shape":[18446744073709551616],"data_offsets":[0,0])"), "tensor t");
    }
    SUBCASE("offsets") {
        for (const char* offsets : {"[0,3]", "[0,5]", "[4,0]", "[-4,0]", "[0,-4]", "[4,8]", "[1,5]",
                                    "[18446744073709551612,0]", "[9223372036854775804,9223372036854775808]"}) {
            refused(entry(dtype + R"("shape":[1],"data_offsets":)" + offsets, "1234"), "tensor t: found data_offsets");
        }
        const std::string a = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"t":)";
        refused(raw_file(a + R"({"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "123"),
                "tensor t: found data from");
        refused(raw_file(a + R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "12"), "tensor t: found data from");
        refused(raw_file(a + R"({"dtype":"U8","shape":[1],"data_offsets":[3,4]}})", "1234"),
                "tensor t: found data from");
        refused(raw_file(a + R"({"dtype":"U8","shape":[1],"data_offsets":[2,3]}})", "1234"), "data: found 4 bytes");
    }
}

TEST_CASE("safetensors: an error shows hostile text short and without control characters") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_bytes(path, raw_file("{\"\\u001b[2J" + std::string(5000, 'x') + "\":1}"));
    const std::string error = refusal(path);
    CHECK(error.size() < 1000);
    CHECK(error.find('\x1b') == std::string::npos);
}

TEST_CASE("safetensors: what cannot be a file is not read") {
    const TempFolder folder;
    CHECK(refusal(folder / "missing").find("No such file") != std::string::npos);
    CHECK(refusal(folder / "") != "");
    CHECK(refusal("/dev/null") != "");
}

TEST_CASE("safetensors: a failed write leaves the old file and nothing else") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, small_file());
    const std::string old = read_bytes(path);

    SUBCASE("tensors that make no file") {
        TensorFile file = small_file();
        SUBCASE("bytes that don't fit the shape") {
            file.tensors[0].bytes.pop_back();
        }
        SUBCASE("negative extent") {
            file.tensors[0].shape[0] = -2;
        }
        SUBCASE("unknown dtype") {
            file.tensors[0].dtype = "F33";
        }
        SUBCASE("one name twice") {
            file.tensors[0].name = file.tensors[1].name;
        }
        SUBCASE("the metadata's name") {
            file.tensors[0].name = "__metadata__";
        }
        SUBCASE("a name that is not UTF-8") {
            file.tensors[0].name = "\xff";
        }
        SUBCASE("metadata that is not UTF-8") {
            file.metadata["key"] = "\xff";
        }
        SUBCASE("a foreign checksum") {
            file.metadata["psad.checksum"] = "1";
        }
        SUBCASE("a foreign checksum elsewhere") {
            file.metadata["key"] = "psad-crc32:00000000";
        }
        CHECK_THROWS_AS(write_safetensors(path, file), ModelFileError);
    }
    SUBCASE("the disk takes only a part") {
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
        const rlimit small{100, before.rlim_max};
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
        std::string error;
        try {
            write_safetensors(path, {.tensors = {tensor("a", {1000}, std::vector<float>(1000))}});
        } catch (const FileError& failure) {
            error = failure.what();
        }
        setrlimit(RLIMIT_FSIZE, &before);
        std::signal(SIGXFSZ, handler);
        CHECK(error == path.string() + ": found File too large when writing, wanted a place that can be written");
    }
    SUBCASE("a missing folder") {
        CHECK_THROWS_WITH_AS(write_safetensors(folder / "none/model", small_file()),
                             ((folder / "none/model").string() +
                              ": found No such file or directory when creating a file in its folder, wanted a place "
                              "that can be written")
                                 .c_str(),
                             FileError);
    }
    SUBCASE("a file in the folder's place") {
        CHECK_THROWS_AS(write_safetensors(folder / "model.safetensors/model", small_file()), FileError);
    }
    SUBCASE("a folder that may not be written") {
        if (geteuid() != 0) {  // the superuser may write everywhere
            fs::permissions(path.parent_path(), fs::perms::owner_read | fs::perms::owner_exec);
            CHECK_THROWS_AS(write_safetensors(path, small_file()), FileError);
            fs::permissions(path.parent_path(), fs::perms::owner_all);
        }
    }
    SUBCASE("a folder in the file's place") {
        CHECK_THROWS_AS(write_safetensors(path.parent_path(), small_file()), FileError);
    }
    CHECK(read_bytes(path) == old);
    CHECK(entries(folder) == 1);
}

TEST_CASE("safetensors: a reader keeps the old file while it is replaced") {
    const TempFolder folder;
    const fs::path path = folder / "model.safetensors";
    write_safetensors(path, small_file());
    const std::string old = read_bytes(path);
    std::ifstream reader(path, std::ios::binary);
    write_safetensors(path, {});
    const std::string seen{std::istreambuf_iterator<char>(reader), std::istreambuf_iterator<char>()};
    CHECK(seen == old);
    CHECK(read_safetensors(path).tensors.empty());
    CHECK(entries(folder) == 1);
}
