/// \file config.hpp
/// Version and the one macro that stays defined.
#pragma once

/// Marks a function that also runs on a CUDA device when the header is compiled by nvcc.
#if defined(__CUDACC__)
#define PSAD_HOST_DEVICE __host__ __device__
#else
#define PSAD_HOST_DEVICE
#endif

namespace psad {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace psad
