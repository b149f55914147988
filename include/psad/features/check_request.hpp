/// \file check_request.hpp
/// Whether a request can be encoded: asked once of everything that comes from outside.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

inline constexpr int max_candidates = 4096;
/// The largest magnitude of a score or of `aux`: its square, summed over a list, stays a float.
inline constexpr double max_magnitude = 1e15;
/// Times lie within this many seconds of 1970, so that no difference of two can overflow.
inline constexpr std::int64_t max_time = 1'000'000'000'000'000;

namespace check_detail {

inline std::string place(const char* what, std::size_t i) {
    return std::string(what) + "[" + std::to_string(i) + "]";
}

inline void fields(std::span<const std::int32_t> ids, const std::vector<FieldSchema>& schema, const char* what) {
    if (ids.size() != schema.size()) {
        throw RequestError("request", what, std::to_string(ids.size()) + " ids", std::to_string(schema.size()));
    }
    for (std::size_t f = 0; f < ids.size(); ++f) {
        if (ids[f] < 0 || ids[f] >= schema[f].vocabulary) {
            throw RequestError("request", std::string(what) + " field " + schema[f].name, std::to_string(ids[f]),
                               "0.." + std::to_string(schema[f].vocabulary - 1));
        }
    }
}
inline void length(std::size_t found, std::size_t wanted, const char* what) {
    if (found != 0 && found != wanted) {
        throw RequestError("request", what, std::to_string(found) + " numbers", std::to_string(wanted) + " or none");
    }
}
inline void item_id(std::int32_t id, const char* what, std::size_t i) {
    if (id < 0) throw RequestError("request", place(what, i), std::to_string(id), "an item id of 0 or more");
}
inline void number(std::span<const float> column, const char* what, std::size_t i, const char* name) {
    if (!column.empty() && !(std::abs(static_cast<double>(column[i])) <= max_magnitude)) {
        throw RequestError("request", place(what, i) + "." + name, std::to_string(column[i]),
                           "a number from -1e15 to 1e15");
    }
}

inline void time(std::int64_t t, const std::string& where) {
    if (t < -max_time || t > max_time) {
        throw RequestError("request", where, std::to_string(t),
                           "unix seconds from -" + std::to_string(max_time) + " to " + std::to_string(max_time));
    }
}
inline void no_duplicates(std::span<const std::int32_t> items) {
    const auto fail = [](std::int32_t id) {
        throw RequestError("request", "candidates", "item " + std::to_string(id) + " twice", "each item once");
    };
    if (items.size() <= 128) {  // faster than sorting, and allocates nothing
        for (std::size_t i = 1; i < items.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (items[j] == items[i]) fail(items[i]);
            }
        }
        return;
    }
    std::vector<std::int32_t> sorted(items.begin(), items.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) fail(*twice);
}

}  // namespace check_detail

/// Throws RequestError unless the spans agree in length, ids fit the schema, numbers are finite and within
/// `max_magnitude`, there are 1 to `max_candidates` candidates, each once, and times are within `max_time` and in
/// order, all before the request.
inline void check_request(const Schema& schema, const Request& r) {
    namespace detail = check_detail;
    detail::fields(r.user_fields, schema.user_fields, "user");
    detail::fields(r.context, schema.context_fields, "context");
    if (r.items.empty()) throw RequestError("request", "candidates", "none", "at least one");
    if (r.items.size() > static_cast<std::size_t>(max_candidates)) {
        throw RequestError("request", "candidates", std::to_string(r.items.size()),
                           "at most " + std::to_string(max_candidates));
    }
    detail::length(r.scores.size(), r.items.size(), "scores");
    detail::length(r.aux.size(), r.items.size(), "aux");
    for (std::size_t i = 0; i < r.items.size(); ++i) {
        detail::item_id(r.items[i], "candidates", i);
        detail::number(r.scores, "candidates", i, "score");
        detail::number(r.aux, "candidates", i, "aux");
    }
    detail::no_duplicates(r.items);
    if (r.history_times.size() != r.history_items.size()) {
        throw RequestError("request", "history", std::to_string(r.history_times.size()) + " times",
                           std::to_string(r.history_items.size()) + ", one per event");
    }
    detail::length(r.history_feedback.size(), r.history_items.size(), "history feedback");
    for (std::size_t h = 0; h < r.history_items.size(); ++h) {
        detail::item_id(r.history_items[h], "history", h);
        if (h > 0 && r.history_times[h] < r.history_times[h - 1]) {
            throw RequestError("request", detail::place("history", h), "a time before the event above", "oldest first");
        }
    }
    detail::time(r.time, "ts");
    if (!r.history_times.empty()) detail::time(r.history_times.front(), detail::place("history", 0));
    if (!r.history_times.empty() && r.history_times.back() >= r.time) {
        throw RequestError("request", detail::place("history", r.history_times.size() - 1),
                           "a time not before the request", "only earlier events");
    }
}

}  // namespace psad
