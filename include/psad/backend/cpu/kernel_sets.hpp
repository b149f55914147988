/// \file kernel_sets.hpp
/// The kernels, compiled for what the compiler's flags promise and, where those promise less than AVX-512, again
/// for AVX2 and AVX-512: a binary built for any x86-64 runs the best of them on the machine it meets.
///
/// | kernel_set | namespace of its kernels | vectors | compiled for |
/// |---|---|---|---|
/// | BuiltFor | built_for_64, _32 or _16 | 64, 32 or 16 bytes | the compiler's flags |
/// | Avx2 | avx2 | 32 bytes | PSAD_TARGET "avx2,fma", in a region of target_begin.inl |
/// | Avx512 | avx512 | 64 bytes | PSAD_TARGET "avx512f,...", in another |
/// | Best | | | asks the processor once and calls one of the above |
///
/// kernels/all.inl is included once for each namespace and has no include guard: PSAD_KERNEL_SET names the
/// namespace, PSAD_VECTOR_BYTES the width. A namespace for each width lets files of one program be compiled with
/// other flags.
///
/// PSAD_PORTABLE_KERNELS, for compilers without GNU's vectors, leaves all that out: portable_kernels.hpp then has
/// the only set, on Eigen.
#pragma once

#if defined(PSAD_PORTABLE_KERNELS)
#include "psad/backend/cpu/portable_kernels.hpp"

#define PSAD_CHOOSES_KERNELS 0
namespace psad::inline PSAD_ABI::backend::kernel_set {
using BuiltFor = Portable;
using Best = Portable;
}  // namespace psad::backend::kernel_set
#else

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

/// Before a loop whose rounds do not depend on each other.
#if defined(__clang__)  // its pragma warns in user code wherever a loop is not worth a vector
#define PSAD_INDEPENDENT
#else
#define PSAD_INDEPENDENT _Pragma("GCC ivdep")
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define PSAD_VECTOR_BYTES 64
#define PSAD_KERNEL_SET built_for_64
#elif defined(__AVX2__) && defined(__FMA__)
#define PSAD_VECTOR_BYTES 32
#define PSAD_KERNEL_SET built_for_32
#else
#define PSAD_VECTOR_BYTES 16
#define PSAD_KERNEL_SET built_for_16
#endif
#include "psad/backend/cpu/kernels/all.inl"
namespace psad::inline PSAD_ABI::backend {
namespace built_for = PSAD_KERNEL_SET;
namespace kernel_set {

/// What the compiler's flags promise: vectors of so many bytes.
template <int Bytes>
struct CompiledFor {
    static constexpr int bytes() { return Bytes; }
    static bool runs_here() { return true; }
    template <class T, class F>
    static void with(F f) {
        f(PSAD_KERNEL_SET::Kernels<T>{});
    }
};
using BuiltFor = CompiledFor<PSAD_VECTOR_BYTES>;

}  // namespace kernel_set
}  // namespace psad::backend
#undef PSAD_KERNEL_SET

#if defined(__x86_64__) && PSAD_VECTOR_BYTES < 64
#define PSAD_CHOOSES_KERNELS 1
#undef PSAD_VECTOR_BYTES

#define PSAD_VECTOR_BYTES 32
#define PSAD_KERNEL_SET avx2
#define PSAD_TARGET "avx2,fma"
#include "psad/backend/cpu/kernels/target_begin.inl"
//
#include "psad/backend/cpu/kernels/all.inl"
//
#include "psad/backend/cpu/kernels/target_end.inl"
#undef PSAD_KERNEL_SET
#undef PSAD_VECTOR_BYTES

#define PSAD_VECTOR_BYTES 64
#define PSAD_KERNEL_SET avx512
#define PSAD_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
#include "psad/backend/cpu/kernels/target_begin.inl"
//
#include "psad/backend/cpu/kernels/all.inl"
//
#include "psad/backend/cpu/kernels/target_end.inl"
#undef PSAD_KERNEL_SET
#else
#define PSAD_CHOOSES_KERNELS 0
#endif
#undef PSAD_VECTOR_BYTES

namespace psad::inline PSAD_ABI::backend {

/// Which kernels a Cpu runs. `with<T>(f)` calls f(kernels); `runs_here()` says whether the processor can,
/// `bytes()` how wide their vectors are.
namespace kernel_set {

#if PSAD_CHOOSES_KERNELS
struct Avx2 {
    static constexpr int bytes() { return 32; }
    static bool runs_here() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
    template <class T, class F>
    static void with(F f) {
        f(avx2::Kernels<T>{});
    }
};

struct Avx512 {
    static constexpr int bytes() { return 64; }
    static bool runs_here() {
        return Avx2::runs_here() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    }
    template <class T, class F>
    static void with(F f) {
        f(avx512::Kernels<T>{});
    }
};

/// The best that the processor can run, asked once at the start of the program (before that: BuiltFor).
class Best {
  public:
    static int bytes() { return bytes_; }
    static bool runs_here() { return true; }
    template <class T, class F>
    static void with(F f) {
        if (bytes_ == 64)
            Avx512::with<T>(f);
        else if (bytes_ == 32)
            Avx2::with<T>(f);
        else
            BuiltFor::with<T>(f);
    }

  private:
    static int widest() {
        __builtin_cpu_init();
        return Avx512::runs_here() ? 64 : (Avx2::runs_here() ? 32 : 16);
    }
    static inline const int bytes_ = widest();
};
#else
using Best = BuiltFor;
#endif

}  // namespace kernel_set
}  // namespace psad::backend

#endif  // PSAD_PORTABLE_KERNELS
