/// \file dense_features.hpp
/// The dense numbers that the encoder derives, by name. A struct is one row of a dense column of the batch: its
/// numbers stand in the order of for_each_number, which is their only declaration of order.
#pragma once

#include <array>
#include <cstddef>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Kinds of feedback with a row of their own; kind 0 and kinds beyond count as unknown.
inline constexpr int feedback_kinds = 16;

/// Of a request: its history as a whole.
struct ProfileFeatures {
    float log_events = 0;      ///< log(1 + events of the history) / 4
    float log_age = 0;         ///< log(1 + age of the latest event / tau0) / 10
    float has_interacted = 0;  ///< 1 if the history holds a candidate of the list
    float has_history = 0;     ///< 1 if there is an event

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("log_events", self.log_events...);
        visit("log_age", self.log_age...);
        visit("has_interacted", self.has_interacted...);
        visit("has_history", self.has_history...);
    }
};

/// Of a candidate: its score and `aux`, as they are and against the list, above all against candidates further up;
/// its position in the initial order. Numbers of a column that the request lacks are 0.
struct CandidateFeatures {
    float score = 0;               ///< standardised over the training lists
    float score_in_list = 0;       ///< standardised within the list
    float aux = 0;                 ///< log(1 + aux), standardised over the training lists
    float aux_in_list = 0;         ///< the same, standardised within the list
    float aux_below = 0;           ///< fraction of the list with a smaller aux
    float aux_smaller_above = 0;   ///< fraction of the candidates further up with a smaller aux
    float aux_minus_smallest = 0;  ///< difference to the smallest aux further up
    float aux_minus_mean = 0;      ///< difference to the mean of the list
    float aux_minus_previous = 0;  ///< difference to the candidate before
    float aux_is_smallest = 0;     ///< 1 if smaller than all further up
    float position = 0;            ///< position / candidates
    float inverse_position = 0;    ///< 1 / (1 + position)
    float log_position = 0;        ///< log(1 + position) / 3
    float log_candidates = 0;      ///< log(1 + candidates) / 4
    float aux_minus_next = 0;      ///< difference to the candidate after
    float score_minus_next = 0;    ///< difference to the candidate after, in deviations of the list

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("score", self.score...);
        visit("score_in_list", self.score_in_list...);
        visit("aux", self.aux...);
        visit("aux_in_list", self.aux_in_list...);
        visit("aux_below", self.aux_below...);
        visit("aux_smaller_above", self.aux_smaller_above...);
        visit("aux_minus_smallest", self.aux_minus_smallest...);
        visit("aux_minus_mean", self.aux_minus_mean...);
        visit("aux_minus_previous", self.aux_minus_previous...);
        visit("aux_is_smallest", self.aux_is_smallest...);
        visit("position", self.position...);
        visit("inverse_position", self.inverse_position...);
        visit("log_position", self.log_position...);
        visit("log_candidates", self.log_candidates...);
        visit("aux_minus_next", self.aux_minus_next...);
        visit("score_minus_next", self.score_minus_next...);
    }
};

/// Of a candidate: what the history says of this very item, and where it stands to the list's candidate of the
/// latest event. All 0 where the history holds none of the list's candidates.
struct MatchFeatures {
    float has_match = 0;                              ///< 1 if an event is on this item
    float log_matches = 0;                            ///< log(1 + events on it)
    float log_age = 0;                                ///< log(1 + age of the last of them / tau0) / 10
    float recency = 0;                                ///< 1 / (1 + events after the last of them)
    float is_latest_event = 0;                        ///< 1 if the latest event of all is on it
    float is_last_matched = 0;                        ///< 1 if no other candidate has a later event
    float inverse_below = 0;                          ///< 1 / distance where it stands below the last matched candidate
    float inverse_above = 0;                          ///< 1 / distance where it stands above
    float aux_minus_matched = 0;                      ///< difference of log(1 + aux) to that candidate
    float distance = 0;                               ///< distance to it / candidates, negative above
    std::array<float, feedback_kinds> log_kind = {};  ///< log(1 + events on it), by kind of feedback

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("has_match", self.has_match...);
        visit("log_matches", self.log_matches...);
        visit("log_age", self.log_age...);
        visit("recency", self.recency...);
        visit("is_latest_event", self.is_latest_event...);
        visit("is_last_matched", self.is_last_matched...);
        visit("inverse_below", self.inverse_below...);
        visit("inverse_above", self.inverse_above...);
        visit("aux_minus_matched", self.aux_minus_matched...);
        visit("distance", self.distance...);
        for (std::size_t k = 0; k < feedback_kinds; ++k) visit("log_kind", self.log_kind[k]...);
    }
};

/// Numbers of a row.
template <class Row>
constexpr int row_width() {
    int width = 0;
    Row row;
    Row::for_each_number([&](const char*, float&) { ++width; }, row);
    return width;
}
inline constexpr int profile_width = row_width<ProfileFeatures>();
inline constexpr int dense_width = row_width<CandidateFeatures>();
inline constexpr int match_width = row_width<MatchFeatures>();

}  // namespace psad
