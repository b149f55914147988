/// \file workers.hpp
/// The threads of a backend.
#pragma once

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Runs a task by one and the same machine code, with threads and without: inlined in two places, sums of products
/// would be fused differently, and the number of threads would change bits.
template <class Task, class... Index>
[[gnu::noinline]] void run_task(const Task& task, Index... i) {
    task(i...);
}

/// Throws DeviceError unless so many threads can run beside this one: where oneTBB cannot start a thread, it ends the
/// program.
inline void must_be_able_to_start(int threads) {
    std::mutex hold;
    std::unique_lock guard(hold);
    std::vector<std::thread> started;
    bool failed = false;
    try {
        while (static_cast<int>(started.size()) < threads)
            started.emplace_back([&hold] { const std::lock_guard wait(hold); });
    } catch (const std::exception&) {  // no thread, or no memory for one
        failed = true;
    }
    guard.unlock();
    for (std::thread& t : started) t.join();
    if (failed)
        throw DeviceError("threads", "", std::to_string(started.size() + 1) + " that can be started",
                          std::to_string(threads + 1));
}

/// An arena of `threads` threads, 0 = all of the machine. By default oneTBB starts no more threads than the
/// machine has: a global control raises the limit.
struct Workers {
    std::unique_ptr<tbb::global_control> allowed;
    tbb::task_arena arena;

    explicit Workers(int threads) : arena(threads > 0 ? threads : tbb::info::default_concurrency()) {
        must_be_able_to_start(arena.max_concurrency() - 1);
        if (threads > tbb::info::default_concurrency()) {
            allowed = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                            static_cast<std::size_t>(threads));
        }
    }
};

}  // namespace psad::backend
