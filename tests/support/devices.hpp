// The devices that a test of all devices runs on: those of this build. psad_thrust_tests compiles the same
// tests with PSAD_TEST_THRUST.
#pragma once

#include "psad/backend/reference.hpp"

#if defined(PSAD_TEST_THRUST)
#include "psad/backend/thrust/cpp.hpp"
#include "psad/backend/thrust/tbb.hpp"
#if defined(_OPENMP)
#include "psad/backend/thrust/omp.hpp"
#define PSAD_TEST_OMP(T) , psad::backend::ThrustOmp<T>
#else
#define PSAD_TEST_OMP(T)
#endif
#include "support/lockstep.hpp"
#define PSAD_TEST_DEVICES(T) psad::backend::ThrustCpp<T>, psad::backend::ThrustTbb<T> PSAD_TEST_OMP(T)
// Thrust's systems run the same functors: one of them shows that they make whole models.
#define PSAD_TEST_MODEL_DEVICES(T) psad::backend::ThrustTbb<T>
#define PSAD_TEST_MORE , psad::test::Lockstep<float>, psad::test::Lockstep<double>
#elif defined(PSAD_TEST_CUDA)
#include "psad/backend/thrust/cuda.hpp"
#define PSAD_TEST_DEVICES(T) psad::backend::Cuda<T>
#elif defined(PSAD_TEST_MUTANTS)
#include "support/mutants.hpp"
#define PSAD_TEST_DEVICES(T) PSAD_TEST_DEVICES_##T
#define PSAD_TEST_DEVICES_double psad::backend::Reference<double>
#define PSAD_TEST_DEVICES_float                                                                                       \
    psad::test::mutant::Upload, psad::test::mutant::Download, psad::test::mutant::ForEach,                            \
        psad::test::mutant::Parallel, psad::test::mutant::Gemm, psad::test::mutant::GemmTn,                           \
        psad::test::mutant::Affine, psad::test::mutant::Map, psad::test::mutant::ColumnSums,                          \
        psad::test::mutant::RowSums, psad::test::mutant::SumSquares, psad::test::mutant::SegmentSums,                 \
        psad::test::mutant::SegmentMax, psad::test::mutant::Gather, psad::test::mutant::Embed,                        \
        psad::test::mutant::ScatterAdd, psad::test::mutant::Transpose, psad::test::mutant::Fill,                      \
        psad::test::mutant::PairDot, psad::test::mutant::PairApply, psad::test::mutant::PairApplyTransposed,          \
        psad::test::mutant::PairSoftmax, psad::test::mutant::PairSoftmaxBackward, psad::test::mutant::LayerNorm,      \
        psad::test::mutant::LayerNormBackward, psad::test::mutant::AttentionForward,                                  \
        psad::test::mutant::AttentionForwardTrain, psad::test::mutant::AttentionBackward, psad::test::mutant::GemmNt, \
        psad::test::mutant::ForEachRow
#else
#include "psad/backend/cpu/cpu.hpp"
#include "support/fenced.hpp"
#define PSAD_TEST_DEVICES(T) psad::backend::Reference<T>, psad::backend::Cpu<T>
#define PSAD_TEST_OFF_HOST(T) , psad::test::Fenced<T>
#if PSAD_CHOOSES_KERNELS
#define PSAD_TEST_MORE                                                   \
    , psad::backend::Cpu<float, psad::backend::kernel_set::BuiltFor>,    \
        psad::backend::Cpu<double, psad::backend::kernel_set::BuiltFor>, \
        psad::backend::Cpu<float, psad::backend::kernel_set::Avx2>,      \
        psad::backend::Cpu<double, psad::backend::kernel_set::Avx2>,     \
        psad::backend::Cpu<float, psad::backend::kernel_set::Avx512>,    \
        psad::backend::Cpu<double, psad::backend::kernel_set::Avx512>
#endif
#endif

// The devices for tests of whole models.
#if !defined(PSAD_TEST_MODEL_DEVICES)
#define PSAD_TEST_MODEL_DEVICES PSAD_TEST_DEVICES
#endif

// One whose memory the host can't touch, for tests that know of that, after a comma.
#if !defined(PSAD_TEST_OFF_HOST)
#define PSAD_TEST_OFF_HOST(T)
#endif

// For the suite of primitives alone, after a comma: each set of kernels that a binary for any x86-64 chooses
// among; a warp.
#if !defined(PSAD_TEST_MORE)
#define PSAD_TEST_MORE
#endif
