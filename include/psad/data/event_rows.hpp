/// \file event_rows.hpp
/// The history within a request: its events in any order, put oldest first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "psad/data/group_rows.hpp"
#include "psad/data/request_block.hpp"

namespace psad::inline PSAD_ABI::data {

struct EventRows {
    /// The one that is read.
    struct Event {
        std::int64_t time = 0;
        std::int32_t item = -1, kind = 0;
        bool has_time = false;
    };
    Event now;
    GroupRows cells;

    EventRows() = default;
    explicit EventRows(const ColumnGroup& columns) : cells(columns) {}

    void begin() {
        now = {};
        cells.begin_row(std::numeric_limits<double>::quiet_NaN());
    }
    void end() {
        cells.end_row();
        events_.push_back(now);
    }
    bool empty() const { return events_.empty(); }
    void clear() {
        events_.clear();
        cells.clear();
    }

    /// Appends all of them; those of one time stay as they stood.
    void add_to(RequestBlock& block, RequestSpan& request) const {
        std::vector<std::size_t> order(events_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t e) { return events_[e].time; });
        request.first_event = block.event_times.size();
        request.events = order.size();
        for (const std::size_t e : order) {
            block.event_times.push_back(events_[e].time);
            block.event_items.push_back(events_[e].item);
            block.event_kinds.push_back(events_[e].kind);
            block.events.begin_row(cells, e);
            block.events.end_row();
        }
    }

  private:
    std::vector<Event> events_;
};

}  // namespace psad::data
