// What only the CPU backend has: its choice of kernels, its threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"

using namespace psad;

TEST_CASE("the best kernels that the processor has") {
    int most = backend::Cpu<float, backend::kernel_set::BuiltFor>::vector_bytes();
#if PSAD_CHOOSES_KERNELS
    if (backend::kernel_set::Avx2::runs_here()) most = 32;
    if (backend::kernel_set::Avx512::runs_here()) most = 64;
#endif
    CHECK(backend::Cpu<float>::vector_bytes() == most);
}

TEST_CASE("parallel: tasks run on several threads and each once") {
    const backend::Cpu<float> cpu(4);
    std::vector<int> runs(5000, 0);
    cpu.parallel(5000, [&](int i) { ++runs[static_cast<std::size_t>(i)]; });
    CHECK(std::all_of(runs.begin(), runs.end(), [](int n) { return n == 1; }));
}
