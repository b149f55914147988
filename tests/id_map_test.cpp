// Names to numbers and back.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "psad/features/id_map.hpp"

using namespace psad;

TEST_CASE("id map: numbers in the order of addition, each name once") {
    IdMap map;
    CHECK(map.find("") == -1);
    CHECK(map.add("b") == 0);
    CHECK(map.add("") == 1);  // an empty name is a name
    CHECK(map.add("a name longer than a word") == 2);
    CHECK(map.add("b") == 0);
    CHECK(map.size() == 3);
    CHECK(map.find("") == 1);
    CHECK(map.find("a name longer than a wore") == -1);
    CHECK(map.name(2) == "a name longer than a word");
}

TEST_CASE("id map: many names, and the same map from what was saved") {
    IdMap map;
    for (int i = 0; i < 50'000; ++i) REQUIRE(map.add("SKU-" + std::to_string(i * 7919)) == i);
    const IdMap read(map.bytes(), map.ends());
    CHECK(read.size() == 50'000);
    for (int i = 0; i < 50'000; i += 7) {
        const std::string name = "SKU-" + std::to_string(i * 7919);
        REQUIRE(map.find(name) == i);
        REQUIRE(read.find(name) == i);
        REQUIRE(read.name(i) == name);
    }
    CHECK(read.find("SKU-1") == -1);
}

TEST_CASE("id map: what contradicts itself is refused") {
    const auto refused = [](const std::string& bytes, std::vector<std::int64_t> ends) {
        CHECK_THROWS_AS(IdMap(bytes, std::move(ends)), SettingError);
    };
    CHECK(IdMap("ab", {1, 2}).find("b") == 1);
    refused("ab", {2, 1});
    refused("ab", {1, 3});
    refused("ab", {1});
    refused("ab", {-1, 2});
    refused("aa", {1, 2});
    refused("a", {});
}
