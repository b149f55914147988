/// \file request.hpp
/// What a ranking service hands to psad: one user, one list of candidates, the user's past.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "psad/core/version.hpp"
#include "psad/features/feature_rows.hpp"

namespace psad::inline PSAD_ABI {

struct Catalog;

/// The largest grade: its gain, 2^30 - 1, is the largest gain.
inline constexpr int max_grade = 30;

/// One request, seen through spans: it owns nothing, so the columns of a data set are served without a copy.
/// Candidates stand in the order of the stage before, the initial order. `history` columns run from the oldest to the
/// latest event; events at or after `time` are not read. Columns have the features and fields of the Schema, in its
/// order. check_request says what must hold.
struct Request {
    FieldRows user_fields = {};                           ///< one row; 0 = unknown
    FieldRows context = {};                               ///< one row: categorical fields of the request
    std::int64_t time = 0;                                ///< unix seconds
    std::span<const std::int32_t> history_items = {};     ///< [H]; -1 = an event on no item
    std::span<const std::int64_t> history_times = {};     ///< [H] unix seconds
    std::span<const std::int32_t> history_feedback = {};  ///< [H] or empty: kind of event, 0 = unknown
    std::span<const std::int32_t> items = {};             ///< [n] candidates; -1 = a candidate without an id
    FeatureColumn scores = {};                            ///< [n] or empty: the dense feature `score`
    FeatureColumn aux = {};                               ///< [n] or empty: the dense feature `aux`
    /// [n] or empty: grade, from 0; 2^grade - 1 is the gain (training and evaluation only).
    std::span<const std::int8_t> labels = {};
    /// Positions of candidates in the order in which they were shown (training only); those not named were
    /// not shown. Empty: all were, in initial order.
    std::span<const std::int32_t> shown = {};

    FeatureRows user_dense = {};       ///< one row
    FeatureRows context_dense = {};    ///< one row
    FieldRows candidate_fields = {};   ///< [n]
    FeatureRows candidate_dense = {};  ///< [n] all dense features of candidates, or all but `score` and `aux`
    FieldRows history_fields = {};     ///< [H]
    FeatureRows history_dense = {};    ///< [H]
    /// Items that the model's catalog lacks: its item i has the id catalog.items + i. Null: none.
    const Catalog* new_items = nullptr;
    /// [n] or empty: the row of `new_items` that speaks of each candidate, -1 for none, whatever its id beyond the
    /// catalog. Then of other items there nothing is known.
    std::span<const std::int32_t> new_item_rows = {};

    std::span<const float> gains = {};         ///< [n] or empty: they take the place of those of `labels`
    float weight = 1;                          ///< of the list, in training
    std::span<const float> propensities = {};  ///< [n] or empty: probability that the candidate was examined
    /// [n] or empty: what another ranker gives the candidates, one more teacher (training only).
    std::span<const float> teacher_scores = {};

    std::size_t size() const noexcept { return items.size(); }
    /// Events before the request: those that are read.
    std::size_t past_events() const noexcept {
        return static_cast<std::size_t>(std::ranges::lower_bound(history_times, time) - history_times.begin());
    }
    bool has_labels() const noexcept { return !items.empty() && (labels.size() == size() || gains.size() == size()); }
    /// What candidate i is worth: its gain, or 2^grade - 1.
    float gain(std::size_t i) const noexcept {
        return gains.empty() ? static_cast<float>(std::ldexp(1.0, labels[i]) - 1) : gains[i];
    }
    bool has_positive() const noexcept {
        return gains.empty() ? std::ranges::any_of(labels, [](std::int8_t y) { return y > 0; })
                             : std::ranges::any_of(gains, [](float g) { return g > 0; });
    }
};

}  // namespace psad
