/// \file request.hpp
/// What a ranking service hands to psad: one user, one list of candidates, the user's past.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// One request, seen through spans: it owns nothing, so dataset columns are served without a copy.
/// Candidates stand in the order of the stage before, the initial order. `history` spans run from the oldest to the
/// latest event, all strictly before `time`. check_request says what else must hold.
struct Request {
    std::span<const std::int32_t> user_fields;       ///< one id per user field, 0 = unknown
    std::span<const std::int32_t> context;           ///< one id per context field, 0 = unknown
    std::int64_t time = 0;                           ///< unix seconds
    std::span<const std::int32_t> history_items;     ///< [H]
    std::span<const std::int64_t> history_times;     ///< [H] unix seconds
    std::span<const std::int32_t> history_feedback;  ///< [H] or empty: kind of event, 1 to 15; others = unknown
    std::span<const std::int32_t> items;             ///< [n] candidates
    std::span<const float> scores;                   ///< [n] or empty: score of the stage before
    std::span<const float> aux;                      ///< [n] or empty: e.g. a price; below 0 counts as 0
    std::span<const std::int8_t> labels;             ///< [n] or empty: 1 = positive, 0 = not (training only)
    /// Positions of candidates in the order in which they were shown (training only); those not named were
    /// not shown. Empty: all were, in initial order.
    std::span<const std::int32_t> shown = {};

    std::size_t size() const noexcept { return items.size(); }
    bool has_positive() const noexcept {
        return std::ranges::any_of(labels, [](std::int8_t y) { return y > 0; });
    }
};

}  // namespace psad
