// What the suite of all devices keeps in vectors lies where a card can read it too: all of the program's
// memory comes from one region of pinned memory.
#include <cuda_runtime_api.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

namespace {

constexpr std::size_t region_bytes = std::size_t{1} << 30, header = 64;

// Blocks of powers of two, given out again.
struct Region {
    std::byte* begin = nullptr;  // null where there is no card
    std::size_t used = 0;
    void* free[64] = {};
    std::mutex mutex;

    bool has(const void* p) const {
        const auto at = reinterpret_cast<std::uintptr_t>(p), first = reinterpret_cast<std::uintptr_t>(begin);
        return begin != nullptr && at >= first && at < first + region_bytes;
    }
};
Region region;

bool start() {
    setenv("CUDA_LAUNCH_BLOCKING", "1", 1);  // a kernel is done when the call returns
    void* p = nullptr;
    if (cudaHostAlloc(&p, region_bytes, cudaHostAllocDefault) == cudaSuccess) region.begin = static_cast<std::byte*>(p);
    return true;
}
[[maybe_unused]] const bool started = start();

}  // namespace

void* operator new(std::size_t bytes) {
    if (region.begin != nullptr) {
        const std::lock_guard lock(region.mutex);
        const auto order = static_cast<std::size_t>(std::bit_width(bytes + header - 1));
        std::byte* block = static_cast<std::byte*>(region.free[order]);
        if (block != nullptr) {
            region.free[order] = *reinterpret_cast<void**>(block + header);
        } else if (region.used + (std::size_t{1} << order) <= region_bytes) {
            block = region.begin + region.used;
            region.used += std::size_t{1} << order;
        } else {
            throw std::bad_alloc();
        }
        *reinterpret_cast<std::size_t*>(block) = order;
        return block + header;
    }
    if (void* const p = std::malloc(bytes > 0 ? bytes : 1)) return p;
    throw std::bad_alloc();
}

void operator delete(void* p) noexcept {
    if (!region.has(p)) {
        std::free(p);
        return;
    }
    const std::lock_guard lock(region.mutex);
    const std::size_t order = *reinterpret_cast<std::size_t*>(static_cast<std::byte*>(p) - header);
    *static_cast<void**>(p) = region.free[order];
    region.free[order] = static_cast<std::byte*>(p) - header;
}
void operator delete(void* p, std::size_t) noexcept {
    operator delete(p);
}
