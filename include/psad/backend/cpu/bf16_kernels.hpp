/// \file bf16_kernels.hpp
/// The kernels that multiply in bf16, for x86-64 processors with AVX-512 BF16; compiled whatever the flags.
#pragma once

#include "psad/backend/cpu/kernel_sets.hpp"

#if defined(__x86_64__)
#define PSAD_VECTOR_BYTES 64
#define PSAD_KERNEL_SET avx512_bf16
#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")
#endif
// clang-format off
#include "psad/backend/cpu/kernels/simd.inl"
#include "psad/backend/cpu/kernels/gemm.inl"
#include "psad/backend/cpu/kernels/bf16.inl"
// clang-format on
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef PSAD_KERNEL_SET
#undef PSAD_VECTOR_BYTES
#endif

namespace psad::backend {

/// Whether this processor can run them.
inline bool runs_bf16() {
#if defined(__x86_64__)
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
#if defined(__x86_64__)
    return runs_bf16() && __builtin_cpu_is("amd");
#else
    return false;
#endif
}

}  // namespace psad::backend
