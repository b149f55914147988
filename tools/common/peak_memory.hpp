// How much memory a program took.
#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace psad::cli {

/// The most memory that this process has held so far, in bytes. Of mapped files only what was read counts.
inline std::int64_t peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
    return usage.ru_maxrss;
#else
    return std::int64_t{1024} * usage.ru_maxrss;
#endif
}

}  // namespace psad::cli
