/// \file ranking_quality.hpp
/// MAP and NDCG of given orders, one number per list that has a positive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/eval/metrics.hpp"
#include "psad/eval/orders.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Per list with at least one positive, in the order of the requests.
struct RankingQuality {
    std::vector<double> map5, map10, ndcg5, ndcg10;
    std::size_t left_out = 0;  ///< lists without a positive
};

inline double mean(std::span<const double> x) {
    return x.empty() ? 0.0 : std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// The labels of a request in the given order.
inline std::vector<std::int8_t> labels_in(const Request& r, const Order& order) {
    std::vector<std::int8_t> out;
    out.reserve(order.size());
    for (const int i : order) out.push_back(r.labels[static_cast<std::size_t>(i)]);
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
        if (requests[l].labels.size() != requests[l].size()) {
            throw RequestError("request " + std::to_string(l), "labels", std::to_string(requests[l].labels.size()),
                               std::to_string(requests[l].size()));
        }
        const std::vector<std::int8_t> labels = labels_in(requests[l], orders[l]);
        std::size_t positives = 0;
        for (const std::int8_t y : labels) positives += y > 0 ? 1 : 0;
        if (positives == 0) {
            ++q.left_out;
            continue;
        }
        q.map5.push_back(average_precision(labels, 5, positives));
        q.map10.push_back(average_precision(labels, 10, positives));
        q.ndcg5.push_back(ndcg(labels, 5, positives));
        q.ndcg10.push_back(ndcg(labels, 10, positives));
    }
    return q;
}

}  // namespace psad::eval
