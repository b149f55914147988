// What a request may not do once it is checked: take memory, take a lock, throw. GNU's C library is asked, so nothing
// that a header of another library does escapes.
#include <cxxabi.h>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "psad/serve/live_model.hpp"
#include "support/small_model.hpp"

namespace {

struct Calls {
    std::int64_t memory = 0, locks = 0, throws = 0;
    bool operator==(const Calls&) const = default;
};
thread_local Calls calls;

template <class F>
Calls calls_of(F f) {
    const Calls before = calls;
    f();
    return {calls.memory - before.memory, calls.locks - before.locks, calls.throws - before.throws};
}
template <class F>
F next(F, const char* name) {
    return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
    return ++calls.memory, __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
    return ++calls.memory, __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
    return ++calls.memory, __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    return ++calls.memory, __libc_memalign(alignment, n);
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
    static const auto lock = next(&pthread_mutex_lock, "pthread_mutex_lock");
    return ++calls.locks, lock(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
    static const auto lock = next(&pthread_mutex_trylock, "pthread_mutex_trylock");
    return ++calls.locks, lock(mutex);
}
}
namespace __cxxabiv1 {
extern "C" void __cxa_throw(void* thrown, std::type_info* type, void (*destroy)(void*)) {
    static const auto raise =
        reinterpret_cast<void (*)(void*, std::type_info*, void (*)(void*))>(::dlsym(RTLD_NEXT, "__cxa_throw"));
    ++calls.throws;
    raise(thrown, type, destroy);
    std::abort();
}
}  // namespace __cxxabiv1

using namespace psad;
using namespace psad::test;

TEST_CASE("counting calls counts") {
    CHECK(calls_of([] { std::free(std::malloc(1)); }).memory == 1);
    CHECK(calls_of([] { ::operator delete (::operator new (1, std::align_val_t{64}), std::align_val_t{64}); }).memory ==
          1);
    std::mutex mutex;
    CHECK(calls_of([&] { const std::lock_guard guard(mutex); }).locks == 1);
    CHECK(calls_of([] {
              try {
                  throw std::runtime_error("");
              } catch (const std::runtime_error&) {
              }
          }).throws == 1);
}

TEST_CASE("a request takes no memory and no lock and throws nothing, once such were answered") {
    using Network = StudentOf<Psad<small>>;
    std::vector<OwnedRequest> owned;
    for (const int n : {toy_items, 1, 7, 13, toy_items}) owned.push_back(toy_request(owned.size(), n, 5));
    serve::LiveModel<Network> live(shaken<Network>(7));
    auto reader = live.reader();
    serve::UserCache<backend::Cpu<float>, Network> cache;
    std::vector<Request> requests;
    for (const auto& r : owned) requests.push_back(r.view());
    for (const Request& r : requests) reader(r), reader(r, cache);
    for (const Request& r : requests) {
        CHECK(calls_of([&] { reader(r); }) == Calls{});
        CHECK(calls_of([&] { reader(r, cache); }) == Calls{});
    }
    // A reader takes a lock when the model was replaced, and no other.
    live.replace(shaken<Network>(8));
    CHECK(calls_of([&] { reader(requests[1]); }).locks == 1);
    CHECK(calls_of([&] { reader(requests[2]); }) == Calls{});
}
