/// \file match_bags.hpp
/// Which events of the history are on which candidate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "psad/core/version.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI {

/// The listed candidate that the user interacted with last.
struct LastMatched {
    std::size_t candidate, event;  ///< the event counted from the latest
};

/// Appends for each candidate the rows of the events on it, latest first. Returns the last matched candidate;
/// (n, events) where there is none.
template <class T>
LastMatched add_match_bags(const Request& r, std::size_t past, std::size_t events, int first_event, Batch<T>& b) {
    LastMatched last{r.items.size(), events};
    const std::int32_t* recent = r.history_items.data() + (past - events);
    for (std::size_t i = 0; i < r.items.size(); ++i) {
        int left = 0;
        if (r.items[i] >= 0) {
            for (std::size_t h = 0; h < events; ++h) left += recent[h] == r.items[i] ? 1 : 0;
        }
        for (std::size_t h = 0; h < events && left > 0; ++h) {
            if (recent[events - 1 - h] != r.items[i]) continue;
            --left;
            b.match.ids.push_back(first_event + static_cast<int>(h));
            if (h < last.event) last = {i, h};
        }
        b.match.end_row();
    }
    return last;
}

}  // namespace psad
