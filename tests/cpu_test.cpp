// What only the CPU backend has: its choice of kernels, its threads.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"

// The address sanitizer takes terabytes of addresses: g++ and clang++ say differently that it is there.
#if defined(__SANITIZE_ADDRESS__)
#define PSAD_TEST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PSAD_TEST_ADDRESS_SANITIZER 1
#endif
#endif

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

TEST_CASE("threads that cannot be started are an error, not the end of the program") {
    CHECK_NOTHROW(backend::must_be_able_to_start(3));
#if !defined(PSAD_TEST_ADDRESS_SANITIZER)
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    rlimit little = before;
    little.rlim_cur = std::size_t{1} << 33;  // 8 GiB: a thousand stacks
    if (before.rlim_cur != RLIM_INFINITY && before.rlim_cur < little.rlim_cur) return;
    REQUIRE(setrlimit(RLIMIT_AS, &little) == 0);
    CHECK_THROWS_AS(backend::must_be_able_to_start(100'000), DeviceError);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
#endif
}
