// Memory that is kept for the moment when there is no other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace psad::cli {

/// Where memory ends, what was kept is given back and the program goes on: with the small things that it needs to say
/// so and to end in order. Libraries rely on such things: simdjson reads on without a buffer that it could not get.
class MemoryReserve {
  public:
    static void install() {
        refill();
        std::set_new_handler([] {
            void* const kept = block().exchange(nullptr);
            if (kept == nullptr) throw std::bad_alloc();
            std::free(kept);
        });
    }
    /// To be called once an error is behind: keeps memory again, if there is some.
    static void refill() {
        if (block() != nullptr) return;
        void* const kept = std::malloc(bytes);
        void* none = nullptr;
        if (!block().compare_exchange_strong(none, kept)) std::free(kept);
    }

  private:
    static constexpr std::size_t bytes = std::size_t{256} << 10;
    static std::atomic<void*>& block() {
        static std::atomic<void*> kept = nullptr;
        return kept;
    }
};

}  // namespace psad::cli
