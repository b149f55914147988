/// \file heuristics.hpp
/// Heuristic baselines: orders that need no training, which a model must beat.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "psad/eval/orders.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::eval {

inline Order initial_order(const Request& r) {
    Order order(r.size());
    std::iota(order.begin(), order.end(), 0);
    return order;
}

/// Candidates that the user has interacted with come first, the latest first; the rest keeps its initial order. Of the
/// history the latest 10,000 events are looked at.
inline Order history_first(const Request& r) {
    Order order = initial_order(r), by_item = order;
    const auto item = [&](int i) { return r.items[static_cast<std::size_t>(i)]; };
    std::ranges::sort(by_item, {}, item);
    std::vector<std::size_t> latest(r.size(), 0);  // 1 + index of the last event on it, 0 = no event
    const std::size_t past = r.past_events();
    for (std::size_t h = past; h > past - (std::min)(past, std::size_t{10'000}); --h) {
        const std::int32_t of_event = r.history_items[h - 1];
        if (of_event < 0) continue;  // neither it nor a candidate without an item is known to be the other
        const auto found = std::ranges::lower_bound(by_item, of_event, {}, item);
        if (found == by_item.end() || item(*found) != of_event) continue;
        std::size_t& of_candidate = latest[static_cast<std::size_t>(*found)];
        of_candidate = (std::max)(of_candidate, h);
    }
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return latest[static_cast<std::size_t>(a)] > latest[static_cast<std::size_t>(b)];
    });
    return order;
}

/// By the candidates' `aux`: the largest first (direction 1) or the smallest (-1). Ties,
/// and a request without aux, keep the initial order.
inline Order by_aux(const Request& r, double direction) {
    Order order = initial_order(r);
    if (!r.aux.empty()) {
        std::ranges::stable_sort(order, std::ranges::greater(),
                                 [&](int i) { return direction * r.aux[static_cast<std::size_t>(i)]; });
    }
    return order;
}

/// Whether any of the requests has aux.
inline bool has_aux(std::span<const Request> requests) {
    return std::ranges::any_of(requests, [](const Request& r) { return !r.aux.empty(); });
}

/// The direction of by_aux that has the higher NDCG@10 on labelled lists: a trend is best high, a price low.
/// None where no list with a positive has aux.
inline std::optional<double> aux_direction(std::span<const Request> labelled) {
    const auto has_positive_and_aux = [](const Request& r) { return !r.aux.empty() && r.has_positive(); };
    if (std::ranges::none_of(labelled, has_positive_and_aux)) return std::nullopt;
    const auto ndcg = [&](double direction) {
        std::vector<Order> orders;
        for (const Request& r : labelled) orders.push_back(by_aux(r, direction));
        return mean(ranking_quality(labelled, orders).ndcg10);
    };
    return ndcg(1) >= ndcg(-1) ? 1.0 : -1.0;
}

}  // namespace psad::eval
