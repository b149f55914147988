/// \file version.hpp
/// The version, what a compiler must offer, and the inline namespace that holds all of psad.
#pragma once

#if (defined(_MSVC_LANG) && _MSVC_LANG < 202002L) || (!defined(_MSVC_LANG) && __cplusplus < 202002L)
#error "psad: found an older C++ standard, wanted C++20: compile with -std=c++20 (MSVC: /std:c++20)"
#endif
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(_M_FP_FAST) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error \
    "psad: found -ffast-math, -Ofast or one of their parts, wanted IEEE arithmetic: they change exp by 41 % and let NaN pass every check; -O3 is as fast"
#endif

// The one place of the version: CMake and the program read it from here.
#define PSAD_VERSION_MAJOR 0
#define PSAD_VERSION_MINOR 1
#define PSAD_VERSION_PATCH 0

// The newest of the processor's extensions that the compiler may use by itself. Two object files with different ones
// must not share an inline function: the linker would keep one of them, perhaps with instructions that the other's
// machine lacks.
#if defined(__AVX512FP16__)
#define PSAD_ISA avx512fp16
#elif defined(__AVX512BF16__)
#define PSAD_ISA avx512bf16
#elif defined(__AVX512VBMI2__)
#define PSAD_ISA avx512vbmi2
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define PSAD_ISA avx512
#elif defined(__AVX512F__)
#define PSAD_ISA avx512f
#elif defined(__AVXVNNI__)
#define PSAD_ISA avxvnni
#elif defined(__AVX2__) && defined(__FMA__) && defined(__BMI2__)
#define PSAD_ISA avx2
#elif defined(__AVX2__) && defined(__FMA__)
#define PSAD_ISA avx2fma
#elif defined(__AVX2__)
#define PSAD_ISA avx2only
#elif defined(__FMA__)
#define PSAD_ISA fma
#elif defined(__AVX__)
#define PSAD_ISA avx
#elif defined(__SSE4_2__)
#define PSAD_ISA sse4
#elif defined(__SSSE3__)
#define PSAD_ISA ssse3
#elif defined(__ARM_FEATURE_SVE2)
#define PSAD_ISA sve2
#elif defined(__ARM_FEATURE_SVE)
#define PSAD_ISA sve
#else
#define PSAD_ISA base
#endif
// PSAD_PORTABLE_KERNELS chooses the kernels of backend/cpu/portable_kernels.hpp: a program may say so in all files or
// in none.
#if defined(PSAD_PORTABLE_KERNELS)
#define PSAD_KERNELS portable
#else
#define PSAD_KERNELS native
#endif

// Where an error is thrown in one object and ends the program in another, they must not share what says it.
#if defined(__cpp_exceptions)
#define PSAD_ERRORS throws
#else
#define PSAD_ERRORS aborts
#endif

#define PSAD_ABI_OF(major, minor, patch, isa, kernels, errors) \
    v##major##_##minor##_##patch##_##isa##_##kernels##_##errors
#define PSAD_ABI_FROM(...) PSAD_ABI_OF(__VA_ARGS__)
/// The inline namespace of this version, instruction set, kernels and errors, such as v0_1_0_avx512_native_throws:
/// objects compiled with others do not mix with these; what they hand each other fails to link.
#define PSAD_ABI \
    PSAD_ABI_FROM(PSAD_VERSION_MAJOR, PSAD_VERSION_MINOR, PSAD_VERSION_PATCH, PSAD_ISA, PSAD_KERNELS, PSAD_ERRORS)

/// Marks a function that also runs on a CUDA device when the header is compiled by nvcc.
#if defined(__CUDACC__)
#define PSAD_HOST_DEVICE __host__ __device__
#else
#define PSAD_HOST_DEVICE
#endif
