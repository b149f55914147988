// All of operator new, counted per thread.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "psad/core/arena.hpp"
#include "support/allocations.hpp"

// Memory comes from malloc throughout, so that every form of delete
// may give it back, also under a sanitizer that checks the pairing.
namespace {

void* take(std::size_t size, std::size_t alignment) noexcept {
    if (++psad::test::allocations == psad::test::failing_allocation) return nullptr;
    if (size > SIZE_MAX - alignment) return nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
    return std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
}
void* take_or_throw(std::size_t size, std::size_t alignment) {
    if (void* p = take(size, alignment)) return p;
    throw std::bad_alloc();
}

constexpr std::size_t plain = alignof(std::max_align_t);

}  // namespace

// Not inlined, or g++ takes the malloc and free inside for a wrong pair of new and delete.
#define PSAD_TEST_COUNTED [[gnu::noinline]]
using std::align_val_t, std::nothrow_t, std::size_t;
PSAD_TEST_COUNTED void* operator new(size_t n) {
    return take_or_throw(n, plain);
}
PSAD_TEST_COUNTED void* operator new[](size_t n) {
    return take_or_throw(n, plain);
}
PSAD_TEST_COUNTED void* operator new(size_t n, align_val_t a) {
    return take_or_throw(n, size_t(a));
}
PSAD_TEST_COUNTED void* operator new[](size_t n, align_val_t a) {
    return take_or_throw(n, size_t(a));
}
PSAD_TEST_COUNTED void* operator new(size_t n, const nothrow_t&) noexcept {
    return take(n, plain);
}
PSAD_TEST_COUNTED void* operator new[](size_t n, const nothrow_t&) noexcept {
    return take(n, plain);
}
PSAD_TEST_COUNTED void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept {
    return take(n, size_t(a));
}
PSAD_TEST_COUNTED void* operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept {
    return take(n, size_t(a));
}
PSAD_TEST_COUNTED void operator delete(void* p) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete(void* p, size_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p, size_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete(void* p, align_val_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p, align_val_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete(void* p, size_t, align_val_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p, size_t, align_val_t) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete(void* p, const nothrow_t&) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p, const nothrow_t&) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete(void* p, align_val_t, const nothrow_t&) noexcept {
    std::free(p);
}
PSAD_TEST_COUNTED void operator delete[](void* p, align_val_t, const nothrow_t&) noexcept {
    std::free(p);
}

using namespace psad;
using psad::test::allocations_of;

TEST_CASE("counting operator new counts") {
    CHECK(allocations_of([] { ::operator delete(::operator new(1)); }) == 1);
    CHECK(allocations_of([] { ::operator delete[](::operator new[](1)); }) == 1);
    CHECK(allocations_of([] { ::operator delete (::operator new (1, std::align_val_t{64}), std::align_val_t{64}); }) ==
          1);
    CHECK(allocations_of([] {
              Arena<> arena;
              arena.make<float>(1);
          }) >= 1);
    void* p = ::operator new (100, std::align_val_t{256});
    CHECK(reinterpret_cast<std::uintptr_t>(p) % 256 == 0);
    ::operator delete (p, std::align_val_t{256});
}
