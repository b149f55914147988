// All kernels, in namespace psad::backend::PSAD_KERNEL_SET and for vectors of PSAD_VECTOR_BYTES. No include
// guard: see kernel_sets.hpp.
// clang-format off
#include "psad/backend/cpu/kernels/simd.inl"
#include "psad/backend/cpu/kernels/gemm.inl"
#include "psad/backend/cpu/kernels/rows.inl"
#include "psad/backend/cpu/kernels/pairs.inl"
#include "psad/backend/cpu/kernels/attention.inl"
#include "psad/backend/cpu/kernels/elementwise.inl"
