/// \file latency.hpp
/// How long a call takes, one request at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Microseconds per call.
struct Latency {
    double p50 = 0, p99 = 0;
};

/// Median and 99th percentile of microseconds; 0 for none.
inline Latency latency_of(std::vector<double> microseconds) {
    if (microseconds.empty()) return {};
    std::sort(microseconds.begin(), microseconds.end());
    return {microseconds[microseconds.size() / 2], microseconds[microseconds.size() * 99 / 100]};
}

/// Calls f(0) ... f(count - 1) and takes the time of each.
template <class F>
Latency measure_latency(std::size_t count, F f) {
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) {
        const auto start = std::chrono::steady_clock::now();
        f(i);
        times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
    return latency_of(std::move(times));
}

}  // namespace psad::eval
