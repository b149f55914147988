// Small batches with every jagged edge: one candidate, empty history, fewer positions than a block.
#pragma once

#include "psad/core/layout.hpp"

namespace psad::test {

inline LayoutStorage jagged_layout() {
    LayoutStorage s;
    s.clear();
    s.add(5, 3, 4);
    s.add(1, 0, 1);
    s.add(7, 1, 7);
    s.add(3, 6, 2);
    return s;
}
inline constexpr int total_lists = 4, total_items = 16, total_events = 10, total_positions = 14;

}  // namespace psad::test
