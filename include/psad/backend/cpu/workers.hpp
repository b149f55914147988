/// \file workers.hpp
/// The threads of a backend.
#pragma once

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Runs a task by one and the same machine code, with threads and without: inlined in two places, sums of products
/// would be fused differently, and the number of threads would change bits.
template <class Task, class... Index>
[[gnu::noinline]] void run_task(const Task& task, Index... i) {
    task(i...);
}

/// Starts oneTBB's threads, one after the other and from this thread, unless there are as many already. Left alone,
/// oneTBB lets threads start threads, and where one of those cannot be started it ends the program. Throws DeviceError
/// where there is no thread, or no memory, to be had.
class StartedThreads {
  public:
    static void need(int threads) {
        static std::mutex one_at_a_time;
        static int started = 0;
        const std::lock_guard guard(one_at_a_time);
        if (started >= threads) return;
        catching(
            [&] {
                // Threads stay as long as there is an arena.
                static tbb::task_arena& last = *new tbb::task_arena(1, 0);
                last.initialize();
                const StartedThreads all(threads);
            },
            [&](const std::exception& e) {
                raise(DeviceError("threads", "", std::string("one that cannot be started (") + e.what() + ")",
                                  std::to_string(threads + 1) + " threads"));
            });
        started = threads;
    }

  private:
    /// Each thread gets an arena with one task, which holds it until all are there.
    explicit StartedThreads(int threads) : arenas_(static_cast<std::size_t>(threads)) {
        const Release release{hold_};
        for (auto& arena : arenas_) {
            arena = std::make_unique<tbb::task_arena>(1, 0);
            arena->enqueue([hold = hold_] {
                std::unique_lock guard(hold->mutex);
                ++hold->here;
                hold->changed.notify_all();
                hold->changed.wait(guard, [&] { return hold->released; });
            });
            // Where the machine lends oneTBB fewer threads, tasks wait for each other's.
            std::unique_lock guard(hold_->mutex);
            const int wanted = ++started_;
            hold_->changed.wait_for(guard, std::chrono::seconds(1), [&] { return hold_->here >= wanted; });
        }
    }
    struct Hold {
        std::mutex mutex;
        std::condition_variable changed;
        int here = 0;
        bool released = false;
    };
    struct Release {
        std::shared_ptr<Hold> hold;
        ~Release() {
            const std::lock_guard guard(hold->mutex);
            hold->released = true;
            hold->changed.notify_all();
        }
    };
    std::shared_ptr<Hold> hold_ = std::make_shared<Hold>();  ///< outlives tasks that begin late
    std::vector<std::unique_ptr<tbb::task_arena>> arenas_;
    int started_ = 0;
};

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
        const auto lent = static_cast<int>(  // the program may allow fewer
            tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
        StartedThreads::need((std::min)(arena.max_concurrency(), lent) - 1);
    }
};

}  // namespace psad::backend
