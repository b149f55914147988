/// \file counterfactual.hpp
/// What an order would earn, estimated from clicks on another order and from the probability that each candidate was
/// examined there: position bias, as click = examined and relevant (Joachims et al., WSDM 2017).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/orders.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Estimates of DCG@k of relevance, over the lists that bring propensities, those without a click too. A gain stands
/// for the click. With p its propensity, w = 1 / max(p, min_propensity), and d(rank) = 1 / log2(rank + 1) up to rank k
/// and 0 beyond:
struct Counterfactual {
    Interval ips;    ///< mean over lists of the sum of d w gain; too small where propensities are below min_propensity
    Interval snips;  ///< sum of d w gain by the sum of w gain: the share of all relevance that the order reaches
    /// ips and the mean over lists of the sum of d r (1 - w p), where r, the gains by the propensities at that rank of
    /// all lists, is what candidates there are worth: doubly robust, as r fills what min_propensity takes (Oosterhuis,
    /// TOIS 2023).
    Interval dr;
    std::size_t lists = 0;    ///< with propensities
    std::size_t clipped = 0;  ///< gains whose propensity is below min_propensity
};

/// Each order holds positions below its request's size; propensities and labels are those that train::check_feedback
/// asks for. Throws SettingError unless there is one order per request and min_propensity is in (0, 1].
inline Counterfactual counterfactual(std::span<const Request> requests, std::span<const Order> orders, std::size_t k,
                                     double min_propensity) {
    if (orders.size() != requests.size()) {
        throw SettingError("counterfactual", "orders", std::to_string(orders.size()),
                           std::to_string(requests.size()) + ", one per request");
    }
    if (!(min_propensity > 0 && min_propensity <= 1))
        throw SettingError("counterfactual", "min_propensity", std::to_string(min_propensity), "above 0, at most 1");
    // As propensities are stored: equal ones are not below it.
    const auto least = static_cast<double>(static_cast<float>(min_propensity));
    Counterfactual out;
    std::vector<double> ips, of_relevance, of_ranks;  // rows of two sums, and of 3 k + 2
    for (std::size_t l = 0; l < requests.size(); ++l) {
        const Request& r = requests[l];
        if (r.propensities.empty()) continue;
        ++out.lists;
        double earned = 0, relevance = 0;
        of_ranks.resize(of_ranks.size() + 3 * k + 2);
        const std::span<double> row = std::span(of_ranks).last(3 * k + 2);
        for (std::size_t t = 0; t < orders[l].size(); ++t) {
            const auto i = static_cast<std::size_t>(orders[l][t]);
            const double gain = static_cast<double>(r.gain(i)), p = static_cast<double>(r.propensities[i]);
            const double weight = 1 / (std::max)(least, p);
            out.clipped += gain > 0 && p < least ? 1 : 0;
            relevance += gain * weight;
            if (t >= k) continue;
            const double discount = 1 / std::log2(static_cast<double>(t + 2));
            earned += discount * gain * weight;
            row[3 * t] = gain, row[3 * t + 1] = p, row[3 * t + 2] = discount * (1 - weight * p);
        }
        row[3 * k] = earned, row[3 * k + 1] = 1;
        ips.push_back(earned);
        of_relevance.insert(of_relevance.end(), {earned, relevance});
    }
    out.ips = bootstrap_mean(ips);
    out.snips = bootstrap_of_sums(of_relevance, 2, [](std::span<const double> sum) { return sum[0] / sum[1]; });
    out.dr = bootstrap_of_sums(of_ranks, 3 * k + 2, [&](std::span<const double> sum) {
        double total = sum[3 * k];
        for (std::size_t t = 0; t < k; ++t) {
            if (sum[3 * t + 1] > 0) total += sum[3 * t] / sum[3 * t + 1] * sum[3 * t + 2];
        }
        return total / sum[3 * k + 1];
    });
    return out;
}

}  // namespace psad::eval
