// How often operator new was called; tests/allocations_test.cpp holds the operators.
#pragma once

#include <cstddef>

namespace psad::test {

inline thread_local std::size_t allocations = 0;

// Calls of operator new by this thread while f runs.
template <class F>
std::size_t allocations_of(F f) {
    const std::size_t before = allocations;
    f();
    return allocations - before;
}

}  // namespace psad::test
