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

    /// One list more: the gains of its candidates, and an order of them.
    void add(std::span<const float> all, const Order& order) {
        const auto positives = static_cast<std::size_t>(std::ranges::count_if(all, [](float g) { return g > 0; }));
        if (positives == 0) {
            ++left_out;
            return;
        }
        std::vector<float> gains;
        gains.reserve(order.size());
        for (const int i : order) gains.push_back(all[static_cast<std::size_t>(i)]);
        map5.push_back(average_precision(gains, 5, positives));
        map10.push_back(average_precision(gains, 10, positives));
        map.push_back(average_precision(gains, all.size(), positives));
        ndcg1.push_back(ndcg(gains, 1, all));
        ndcg5.push_back(ndcg(gains, 5, all));
        ndcg10.push_back(ndcg(gains, 10, all));
        const double reciprocal = reciprocal_rank(gains);
        mrr.push_back(std::isnan(reciprocal) ? 0 : reciprocal);
    }
};

inline double mean(std::span<const double> x) {
    return x.empty() ? 0.0 : std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
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
        q.add(all, orders[l]);
    }
    return q;
}

}  // namespace psad::eval
