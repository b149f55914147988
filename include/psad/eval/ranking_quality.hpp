/// \file ranking_quality.hpp
/// MAP, NDCG and MRR of given orders, one number per list that has a positive.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/eval/metrics.hpp"
#include "psad/eval/orders.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Per list with at least one positive, in the order of the requests. NDCG is of gains, the rest of positives.
struct RankingQuality {
    std::vector<double> map5, map10, map, ndcg1, ndcg5, ndcg10, mrr;
    std::size_t left_out = 0;  ///< lists without a positive
};

inline double mean(std::span<const double> x) {
    return x.empty() ? 0.0 : std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// The gains of a request in the given order.
inline std::vector<float> gains_in(const Request& r, const Order& order) {
    std::vector<float> out;
    out.reserve(order.size());
    for (const int i : order) out.push_back(r.gain(static_cast<std::size_t>(i)));
    return out;
}

/// Each order holds positions below its request's size. Throws SettingError unless there is one per request,
/// RequestError for a request without labels.
inline RankingQuality ranking_quality(std::span<const Request> requests, std::span<const Order> orders) {
    if (orders.size() != requests.size()) {
        throw SettingError("ranking quality", "orders", std::to_string(orders.size()),
                           std::to_string(requests.size()) + ", one per request");
    }
    RankingQuality q;
    for (std::size_t l = 0; l < requests.size(); ++l) {
        const Request& r = requests[l];
        if (!r.has_labels()) {
            throw RequestError("request " + std::to_string(l), "labels", std::to_string(r.labels.size()),
                               std::to_string(r.size()));
        }
        std::vector<float> all;
        for (std::size_t i = 0; i < r.size(); ++i) all.push_back(r.gain(i));
        const auto positives = static_cast<std::size_t>(std::ranges::count_if(all, [](float g) { return g > 0; }));
        if (positives == 0) {
            ++q.left_out;
            continue;
        }
        const std::vector<float> gains = gains_in(r, orders[l]);
        q.map5.push_back(average_precision(gains, 5, positives));
        q.map10.push_back(average_precision(gains, 10, positives));
        q.map.push_back(average_precision(gains, r.size(), positives));
        q.ndcg1.push_back(ndcg(gains, 1, all));
        q.ndcg5.push_back(ndcg(gains, 5, all));
        q.ndcg10.push_back(ndcg(gains, 10, all));
        const double reciprocal = reciprocal_rank(gains);
        q.mrr.push_back(std::isnan(reciprocal) ? 0 : reciprocal);
    }
    return q;
}

}  // namespace psad::eval
