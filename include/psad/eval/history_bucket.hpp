/// \file history_bucket.hpp
/// Groups of requests by the length of the user's history, for reports.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Number of buckets: 0, 1-5, 6-20, 21-50 and 51+ events.
inline constexpr std::size_t history_buckets = 5;

/// The bucket of a history of `events` events, from 0 to history_buckets - 1.
constexpr std::size_t history_bucket(std::size_t events) noexcept {
    constexpr std::array<std::size_t, history_buckets - 1> last{0, 5, 20, 50};
    std::size_t bucket = 0;
    while (bucket < last.size() && events > last[bucket]) ++bucket;
    return bucket;
}

/// The values of the lists in one bucket, given the bucket of each list.
inline std::vector<double> values_in(std::size_t bucket, std::span<const std::size_t> bucket_of,
                                     std::span<const double> values) {
    assert(bucket_of.size() == values.size());
    std::vector<double> out;
    for (std::size_t l = 0; l < values.size(); ++l) {
        if (bucket_of[l] == bucket) out.push_back(values[l]);
    }
    return out;
}

/// What a report calls the bucket, e.g. "6-20". `bucket` must be below history_buckets.
constexpr std::string_view history_bucket_label(std::size_t bucket) {
    constexpr std::array<std::string_view, history_buckets> labels{"0", "1-5", "6-20", "21-50", "51+"};
    assert(bucket < history_buckets);
    return labels[bucket];
}

}  // namespace psad::eval
