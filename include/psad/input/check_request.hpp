/// \file check_request.hpp
/// Whether a request can be encoded: asked once of everything that comes from outside.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/input/request.hpp"
#include "psad/input/schema.hpp"

namespace psad {

inline constexpr int most_candidates = 4096;
/// The largest magnitude of a score or of `aux`: its square, summed over a list, stays a float.
inline constexpr double largest_number = 1e15;

namespace check_detail {

inline std::string place(const char* what, std::size_t i) {
    return std::string(what) + "[" + std::to_string(i) + "]";
}

inline void fields(std::span<const std::int32_t> ids, const std::vector<FieldSchema>& schema,
                   const char* what) {
    if (ids.size() != schema.size()) {
        throw RequestError("request", what, std::to_string(ids.size()) + " ids",
                           std::to_string(schema.size()));
    }
    for (std::size_t f = 0; f < ids.size(); ++f) {
        if (ids[f] < 0 || ids[f] >= schema[f].vocabulary) {
            throw RequestError("request", std::string(what) + " field " + schema[f].name,
                               std::to_string(ids[f]), "0.." + std::to_string(schema[f].vocabulary - 1));
        }
    }
}
inline void length(std::size_t found, std::size_t wanted, const char* what) {
    if (found != 0 && found != wanted) {
        throw RequestError("request", what, std::to_string(found) + " numbers",
                           std::to_string(wanted) + " or none");
    }
}
inline void item_id(std::int32_t id, const char* what, std::size_t i) {
    if (id < 0) throw RequestError("request", place(what, i), std::to_string(id), "an item id of 0 or more");
}
inline void number(std::span<const float> column, const char* what, std::size_t i, const char* name) {
    if (!column.empty() && !(std::abs(static_cast<double>(column[i])) <= largest_number)) {
        throw RequestError("request", place(what, i) + "." + name, std::to_string(column[i]),
                           "a number from -1e15 to 1e15");
    }
}

}  // namespace check_detail

/// Throws RequestError unless the spans agree in length, ids fit the schema, numbers are finite and within
/// `largest_number`, there are 1 to `most_candidates` candidates, and times are in order.
inline void check_request(const Schema& schema, const Request& r) {
    namespace detail = check_detail;
    detail::fields(r.user_fields, schema.user_fields, "user");
    detail::fields(r.context, schema.context_fields, "context");
    if (r.items.empty()) throw RequestError("request", "candidates", "none", "at least one");
    if (r.items.size() > static_cast<std::size_t>(most_candidates)) {
        throw RequestError("request", "candidates", std::to_string(r.items.size()),
                           "at most " + std::to_string(most_candidates));
    }
    detail::length(r.scores.size(), r.items.size(), "scores");
    detail::length(r.aux.size(), r.items.size(), "aux");
    for (std::size_t i = 0; i < r.items.size(); ++i) {
        detail::item_id(r.items[i], "candidates", i);
        detail::number(r.scores, "candidates", i, "score");
        detail::number(r.aux, "candidates", i, "aux");
    }
    if (r.history_times.size() != r.history_items.size()) {
        throw RequestError("request", "history", std::to_string(r.history_times.size()) + " times",
                           std::to_string(r.history_items.size()) + ", one per event");
    }
    detail::length(r.history_feedback.size(), r.history_items.size(), "history feedback");
    for (std::size_t h = 0; h < r.history_items.size(); ++h) {
        detail::item_id(r.history_items[h], "history", h);
        if (h > 0 && r.history_times[h] < r.history_times[h - 1]) {
            throw RequestError("request", detail::place("history", h), "a time before the event above",
                               "oldest first");
        }
    }
    if (!r.history_times.empty() && r.history_times.back() >= r.time) {
        throw RequestError("request", detail::place("history", r.history_times.size() - 1),
                           "a time not before the request", "only earlier events");
    }
}

}  // namespace psad
