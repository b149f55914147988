// A device whose memory the host can't touch, made of the reference: what would go wrong on a GPU goes wrong
// here. Between its own calls its memory is closed, and what it is given to run must not point to the host's.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "psad/backend/concept.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/backend/reference.hpp"

namespace psad::test {

// One region, handed out from its start to its end; nothing is given back.
class FencedMemory {
  public:
    static constexpr bool on_host = false;

    static void* allocate(std::size_t bytes) {
        Region& r = region();
        const std::size_t rounded = (bytes + page - 1) / page * page;
        if (r.used + rounded > size) std::abort();
        void* const p = r.begin + r.used;
        r.used += rounded;
        const Open open;
        std::memset(p, 0xff, rounded);  // NaNs: what is read before it was written shows
        return p;
    }
    static void* try_allocate(std::size_t bytes) noexcept { return allocate(bytes); }
    static void release(void*) noexcept {}

    // Opens the memory while it lives.
    class Open {
      public:
        Open() {
            if (region().opened++ == 0) protect(PROT_READ | PROT_WRITE);
        }
        ~Open() {
            if (--region().opened == 0) protect(PROT_NONE);
        }
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;
    };

    // Whether an object holds a pointer into memory of the host; no, where the compiler can't tell its
    // numbers from what lies between them.
    template <class Object>
    static bool points_to_host([[maybe_unused]] Object object) {
#if defined(__GNUC__) && !defined(__clang__)
        if constexpr (sizeof object >= sizeof(std::uintptr_t)) {
            __builtin_clear_padding(&object);
            for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= sizeof object; at += sizeof(std::uintptr_t)) {
                std::uintptr_t word = 0;
                std::memcpy(&word, reinterpret_cast<const std::byte*>(&object) + at, sizeof word);
                const auto first = reinterpret_cast<std::uintptr_t>(region().begin);
                // Neither ours nor where heaps, stacks and libraries lie: two small integers side by side, say.
                if (word - first < size || word >> 45 == 0 || word >> 47 != 0) continue;
                void* const its_page = reinterpret_cast<void*>(word / page * page);
                if (msync(its_page, 1, MS_ASYNC) == 0) return true;  // an address, and mapped
            }
        }
#endif
        return false;
    }

    // Ends the program for an object that does.
    template <class Object>
    static void check(const Object& object) {
        if (!points_to_host(object)) return;
        std::fprintf(stderr, "a device was given a pointer to the host's memory: %s\n", __PRETTY_FUNCTION__);
        std::abort();
    }

  private:
    static constexpr std::size_t page = 4096, size = std::size_t{1} << 30;

    struct Region {
        std::byte* begin;
        std::size_t used = 0;
        int opened = 0;
    };
    static Region& region() {
        static Region r{static_cast<std::byte*>(
            mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))};
        return r;
    }
    static void protect(int how) {
        if (mprotect(region().begin, size, how) != 0) std::abort();
    }
};

// The primitives and nothing else: all compound operations are inherited.
template <class T>
class Fenced : public BackendDefaults<Fenced<T>, T> {
  public:
    using Scalar = T;
    using Memory = FencedMemory;

    void upload(const void* from, std::size_t bytes, void* to) const {
        const FencedMemory::Open open;
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    void download(const void* from, std::size_t bytes, void* to) const { upload(from, bytes, to); }

    template <class F>
    void for_each(int count, F f) const {
        run([&] { reference_.for_each(count, f); }, f);
    }
    template <class F>
    void parallel(int count, F f) const {  // tasks of the host
        for (int i = 0; i < count; ++i) f(i);
    }
    void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        run([&] { reference_.gemm(a, b, c, accumulate); }, a, b, c);
    }
    void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        run([&] { reference_.gemm_tn(a, b, c, accumulate); }, a, b, c);
    }
    template <bool Accumulate, class F, class... In>
    void map(F f, Matrix<T> out, In... in) const {
        run([&] { reference_.template map<Accumulate>(f, out, in...); }, f, out, in...);
    }
    void column_sums(Matrix<const T> x, T* out) const {
        run([&] { reference_.column_sums(x, out); }, x, out);
    }
    void row_sums(Matrix<const T> x, T* out) const {
        run([&] { reference_.row_sums(x, out); }, x, out);
    }
    double sum_squares(const T* x, std::size_t count) const {
        const FencedMemory::Open open;
        return reference_.sum_squares(x, count);
    }
    void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) const {
        run([&] { reference_.segment_sums(x, rows, out); }, x, rows, out);
    }
    void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) const {
        run([&] { reference_.segment_max(x, rows, out, from); }, x, rows, out, from);
    }
    template <int Sources>
    void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) const {
        for (const RowSource<T>& s : sources) FencedMemory::check(s);
        run([&] { reference_.gather(sources, out); }, out);
    }
    void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) const {
        run([&] { reference_.scatter_add(x, index, out); }, x, index, out);
    }
    void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) const {
        run([&] { reference_.pair_dot(query, key, pairs, scale, p, accumulate); }, query, key, pairs, p);
    }
    void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        run([&] { reference_.pair_apply(p, value, pairs, out); }, p, value, pairs, out);
    }
    void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        run([&] { reference_.pair_apply_transposed(p, value, pairs, out); }, p, value, pairs, out);
    }
    void pair_softmax(T* p, PairLayout pairs, const int* key_length) const {
        run([&] { reference_.pair_softmax(p, pairs, key_length); }, p, pairs, key_length);
    }
    void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) const {
        run([&] { reference_.pair_softmax_backward(p, dp, pairs, scale); }, p, dp, pairs);
    }

  private:
    template <class Task, class... Given>
    static void run(Task task, const Given&... given) {
        (FencedMemory::check(given), ...);
        const FencedMemory::Open open;
        task();
    }

    backend::Reference<T> reference_;
};

static_assert(Backend<Fenced<float>> && Backend<Fenced<double>>);

}  // namespace psad::test
