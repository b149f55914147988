// How often operator new was called; tests/allocations_test.cpp holds the operators.
#pragma once

#include <cstddef>
#include <new>

namespace psad::test {

inline thread_local std::size_t allocations = 0;
// The call that finds no memory, counted from the start of the thread; 0: none does.
inline thread_local std::size_t failing_allocation = 0;

// Calls of operator new by this thread while f runs.
template <class F>
std::size_t allocations_of(F f) {
    const std::size_t before = allocations;
    f();
    return allocations - before;
}

// Runs f while its k-th call of operator new, from 1, finds no memory. Returns whether f ended by that.
template <class F>
bool lacks_memory(std::size_t k, F f) {
    failing_allocation = allocations + k;
    try {
        f();
    } catch (const std::bad_alloc&) {
        failing_allocation = 0;
        return true;
    }
    failing_allocation = 0;
    return false;
}

}  // namespace psad::test
