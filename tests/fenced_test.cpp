// The device that finds what would go wrong on a GPU finds it.
#include "support/fenced.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace psad::test;

TEST_CASE("a moved arena of a device takes along what the host keeps in it") {
    psad::Arena<FencedMemory> from;
    int* const number = from.host().make<int>(1);
    *number = 5;
    const psad::Arena<FencedMemory> to(std::move(from));
    CHECK(from.host().capacity() == 0);
    CHECK(*number == 5);
}

#if defined(__GNUC__) && !defined(__clang__)
TEST_CASE("the fence tells pointers to the host from others") {
    struct Given {
        int count;
        const int* numbers;
    };
    const int here[2] = {1, 2};
    const auto* there = static_cast<const int*>(FencedMemory::allocate(8));
    CHECK(FencedMemory::points_to_host(Given{2, here}));
    CHECK(FencedMemory::points_to_host(&here[1]));
    CHECK(!FencedMemory::points_to_host(Given{2, there}));
    CHECK(!FencedMemory::points_to_host(Given{2, nullptr}));
}
#endif
