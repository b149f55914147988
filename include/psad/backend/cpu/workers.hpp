/// \file workers.hpp
/// The threads of a backend.
#pragma once

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

#include <cstddef>
#include <memory>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Runs a task by one and the same machine code, with threads and without: inlined in two places, sums of products
/// would be fused differently, and the number of threads would change bits.
template <class Task, class... Index>
[[gnu::noinline]] void run_task(const Task& task, Index... i) {
    task(i...);
}

/// An arena of `threads` threads, 0 = all of the machine. By default oneTBB starts no more threads than the
/// machine has: a global control raises the limit.
struct Workers {
    std::unique_ptr<tbb::global_control> allowed;
    tbb::task_arena arena;

    explicit Workers(int threads) : arena(threads > 0 ? threads : tbb::info::default_concurrency()) {
        if (threads > tbb::info::default_concurrency()) {
            allowed = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                            static_cast<std::size_t>(threads));
        }
    }
};

}  // namespace psad::backend
