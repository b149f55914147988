/// Whether two requests say the same.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>

#include "psad/features/request.hpp"

inline void check_same(const psad::Request& a, const psad::Request& b) {
    CHECK(a.time == b.time);
    CHECK(a.weight == b.weight);
    CHECK(a.user_dense == b.user_dense);
    CHECK(a.user_fields == b.user_fields);
    CHECK(a.context_dense == b.context_dense);
    CHECK(a.context == b.context);
    CHECK(a.candidate_dense == b.candidate_dense);
    CHECK(a.candidate_fields == b.candidate_fields);
    CHECK(a.history_dense == b.history_dense);
    CHECK(a.history_fields == b.history_fields);
    CHECK(std::ranges::equal(a.items, b.items));
    CHECK(std::ranges::equal(a.labels, b.labels));
    CHECK(std::ranges::equal(a.gains, b.gains));
    CHECK(std::ranges::equal(a.propensities, b.propensities));
    CHECK(std::ranges::equal(a.shown, b.shown));
    CHECK(std::ranges::equal(a.history_items, b.history_items));
    CHECK(std::ranges::equal(a.history_times, b.history_times));
    CHECK(std::ranges::equal(a.history_feedback, b.history_feedback));
}
