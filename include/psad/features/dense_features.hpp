/// \file dense_features.hpp
/// The numbers that the encoder derives, by name. A struct is a part of one row of a column of the batch: its numbers
/// stand in the order of for_each_number, which is their only declaration of order.
#pragma once

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

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

/// Of a candidate: its position in the initial order.
struct PositionFeatures {
    float position = 0;          ///< position / candidates
    float inverse_position = 0;  ///< 1 / (1 + position)
    float log_position = 0;      ///< log(1 + position) / 3
    float log_candidates = 0;    ///< log(1 + candidates) / 4

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("position", self.position...);
        visit("inverse_position", self.inverse_position...);
        visit("log_position", self.log_position...);
        visit("log_candidates", self.log_candidates...);
    }
};

/// Of a candidate and one dense feature: how its transformed value stands to those of other candidates of the list.
struct AlongList {
    float smaller_above = 0;   ///< fraction of the candidates further up with a smaller value
    float minus_smallest = 0;  ///< difference to the smallest value further up
    float is_smallest = 0;     ///< 1 if smaller than all further up
    float minus_previous = 0;  ///< difference to the candidate before
    float minus_next = 0;      ///< difference to the candidate after
    float minus_matched = 0;   ///< difference to the candidate that the user interacted with last, if the list holds it

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("smaller_above", self.smaller_above...);
        visit("minus_smallest", self.minus_smallest...);
        visit("is_smallest", self.is_smallest...);
        visit("minus_previous", self.minus_previous...);
        visit("minus_next", self.minus_next...);
        visit("minus_matched", self.minus_matched...);
    }
};

/// Of a candidate: what the history says of this very item, and where it stands to the list's candidate of the
/// latest event. All 0 where the history holds none of the list's candidates. For each kind of feedback a column more
/// follows, log(1 + events of that kind on the item).
struct MatchFeatures {
    float has_match = 0;        ///< 1 if an event is on this item
    float log_matches = 0;      ///< log(1 + events on it)
    float log_age = 0;          ///< log(1 + age of the last of them / tau0) / 10
    float recency = 0;          ///< 1 / (1 + events after the last of them)
    float is_latest_event = 0;  ///< 1 if the latest event of all is on it
    float is_last_matched = 0;  ///< 1 if no other candidate has a later event
    float inverse_below = 0;    ///< 1 / distance where it stands below the last matched candidate
    float inverse_above = 0;    ///< 1 / distance where it stands above
    float distance = 0;         ///< distance to it / candidates, negative above

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
        visit("distance", self.distance...);
    }
};

/// Of a candidate and one item field: events on items with the same value, where an item has several the mean over
/// them. In a batch they are less their means over the list.
struct FieldMatch {
    float share = 0;       ///< such events / all that are read
    float log_events = 0;  ///< log(1 + such events)
    float recency = 0;     ///< 1 / (1 + events after the last of them)

    template <class Visit, class... Self>
    static constexpr void for_each_number(Visit&& visit, Self&... self) {
        visit("share", self.share...);
        visit("log_events", self.log_events...);
        visit("recency", self.recency...);
    }
};

/// Numbers of a row.
template <class Row>
inline constexpr int row_width = [] {
    int width = 0;
    Row row;
    Row::for_each_number([&](const char*, float&) { ++width; }, row);
    return width;
}();

}  // namespace psad
