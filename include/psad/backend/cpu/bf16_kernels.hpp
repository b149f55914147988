/// \file bf16_kernels.hpp
/// The kernels that multiply in bf16, for x86-64 processors with AVX-512 BF16; compiled whatever the flags.
/// PSAD_BF16_KERNELS says whether this build has them.
#pragma once

#include "psad/backend/cpu/kernel_sets.hpp"

#if defined(__x86_64__) && !defined(PSAD_PORTABLE_KERNELS)
#define PSAD_BF16_KERNELS 1
#define PSAD_VECTOR_BYTES 64
#define PSAD_KERNEL_SET avx512_bf16
#define PSAD_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"
// clang-format off
#include "psad/backend/cpu/kernels/target_begin.inl"
#include "psad/backend/cpu/kernels/simd.inl"
#include "psad/backend/cpu/kernels/gemm.inl"
#include "psad/backend/cpu/kernels/bf16.inl"
#include "psad/backend/cpu/kernels/target_end.inl"
// clang-format on
#undef PSAD_KERNEL_SET
#undef PSAD_VECTOR_BYTES
#else
#define PSAD_BF16_KERNELS 0
#endif

namespace psad::inline PSAD_ABI::backend {

/// Whether this processor can run them.
inline bool runs_bf16() {
#if PSAD_BF16_KERNELS
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

/// Whether they beat those of fp32 here. Intel's dot product of pairs starts every second cycle, fp32's
/// multiply-add twice a cycle.
inline bool gains_by_bf16() {
#if PSAD_BF16_KERNELS
    return runs_bf16() && __builtin_cpu_is("amd");
#else
    return false;
#endif
}

}  // namespace psad::backend
