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

/// Candidates that the user has interacted with come first, the latest first; the rest keeps its initial order.
inline Order history_first(const Request& r) {
    std::vector<std::size_t> latest(r.size(), 0);  // 1 + index of the last event on it, 0 = no event
    for (std::size_t i = 0; i < r.size(); ++i) {
        if (r.items[i] < 0) continue;  // neither the candidate nor an event without an item is known to be the other
        for (std::size_t h = r.past_events(); h > 0 && latest[i] == 0; --h) {
            if (r.history_items[h - 1] == r.items[i]) latest[i] = h;
        }
    }
    Order order = initial_order(r);
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
