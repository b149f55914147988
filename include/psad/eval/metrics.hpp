/// \file metrics.hpp
/// Metrics of one list. Means over lists, and their intervals, are the caller's (see bootstrap.hpp).
///
/// Conventions: gains are 0 or more and stand in ranked order, best first, perhaps only the first few of the list; a
/// candidate with a gain is a positive, and `positives` counts those of the whole list, also the ones not ranked. Ranks
/// count from 1 and `k` past the end means all. A metric without a value for a list gives NaN: leave such lists out and
/// report how many.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Stands for "this list has no such value".
inline constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

/// Positions from the highest score to the lowest; ties keep the initial order, a NaN goes last.
inline std::vector<int> stable_order(std::span<const float> scores) {
    std::vector<int> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        const float left = scores[static_cast<std::size_t>(a)];
        const float right = scores[static_cast<std::size_t>(b)];
        return std::isnan(right) ? !std::isnan(left) : left > right;
    });
    return order;
}

/// AP@k: the sum of precision(rank) over the positives among the first k, by min(positives, k).
/// NaN without a positive or with k = 0.
inline double average_precision(std::span<const float> gains, std::size_t k, std::size_t positives) {
    const std::size_t best = (std::min)(positives, k);
    if (best == 0) return no_value;
    double sum = 0;
    std::size_t hits = 0;
    for (std::size_t i = 0; i < (std::min)(k, gains.size()); ++i) {
        if (gains[i] == 0) continue;
        ++hits;
        sum += static_cast<double>(hits) / static_cast<double>(i + 1);
    }
    assert(hits <= positives);
    return sum / static_cast<double>(best);
}

/// DCG@k: gains by log2(rank + 1), summed.
inline double dcg(std::span<const float> gains, std::size_t k) {
    double sum = 0;
    for (std::size_t i = 0; i < (std::min)(k, gains.size()); ++i) {
        if (gains[i] > 0) sum += static_cast<double>(gains[i]) / std::log2(static_cast<double>(i + 2));
    }
    return sum;
}

/// NDCG@k: DCG@k by that of the best order of `all`, the gains of the whole list in any order. NaN without a positive
/// or with k = 0.
inline double ndcg(std::span<const float> gains, std::size_t k, std::span<const float> all) {
    std::vector<float> best((std::min)(k, all.size()));
    std::ranges::partial_sort_copy(all, best, std::ranges::greater());
    const double ideal = dcg(best, k);
    return ideal > 0 ? dcg(gains, k) / ideal : no_value;
}

/// 1 / rank of the first positive; NaN where there is none.
inline double reciprocal_rank(std::span<const float> gains) {
    const auto first = std::ranges::find_if(gains, [](float g) { return g > 0; });
    return first == gains.end() ? no_value : 1.0 / static_cast<double>(first - gains.begin() + 1);
}

/// ERR@k (Chapelle et al., CIKM 2009): the expected 1 / rank at which a reader who stops with probability
/// gain / (largest + 1) stops; `largest` is the largest gain that there is.
inline double expected_reciprocal_rank(std::span<const float> gains, std::size_t k, double largest) {
    double sum = 0, still_reading = 1;
    for (std::size_t i = 0; i < (std::min)(k, gains.size()); ++i) {
        const double stops = static_cast<double>(gains[i]) / (largest + 1);
        sum += still_reading * stops / static_cast<double>(i + 1);
        still_reading *= 1 - stops;
    }
    return sum;
}

/// The share of the first k that is positive; NaN with k = 0.
inline double precision(std::span<const float> gains, std::size_t k) {
    const auto first = gains.first((std::min)(k, gains.size()));
    const auto hits = std::ranges::count_if(first, [](float g) { return g > 0; });
    return k == 0 ? no_value : static_cast<double>(hits) / static_cast<double>(k);
}

/// The share of all positives that is among the first k; NaN without a positive.
inline double recall(std::span<const float> gains, std::size_t k, std::size_t positives) {
    const auto first = gains.first((std::min)(k, gains.size()));
    const auto hits = std::ranges::count_if(first, [](float g) { return g > 0; });
    return positives == 0 ? no_value : static_cast<double>(hits) / static_cast<double>(positives);
}

/// Clicks@k: how many of the first k are positive.
inline double clicks(std::span<const float> gains, std::size_t k) {
    const auto first = gains.first((std::min)(k, gains.size()));
    return static_cast<double>(first.size()) - static_cast<double>(std::count(first.begin(), first.end(), 0.0f));
}

/// Revenue@k: the prices of the positives among the first k, summed. `prices` stand in the order of `gains`.
inline double revenue(std::span<const float> gains, std::span<const double> prices, std::size_t k) {
    assert(gains.size() == prices.size());
    std::vector<double> earned;
    for (std::size_t i = 0; i < (std::min)(k, gains.size()); ++i) {
        if (gains[i] != 0) earned.push_back(prices[i]);
    }
    std::ranges::sort(earned);  // the same ones in another order are worth the same, to the last bit
    return std::accumulate(earned.begin(), earned.end(), 0.0);
}

/// AUC within the list: the share of (positive, negative) pairs with the positive scored higher, ties counted
/// half. `scores` (finite) and `gains` [n] stand in any one order. NaN unless both classes are there.
inline double auc(std::span<const float> scores, std::span<const float> gains) {
    assert(scores.size() == gains.size());
    const std::vector<int> order = stable_order(scores);
    double won = 0, positives_above = 0, negatives = 0;
    for (std::size_t begin = 0; begin < order.size();) {
        const float score = scores[static_cast<std::size_t>(order[begin])];
        double tied_positives = 0, tied_negatives = 0;
        std::size_t end = begin;
        do {
            (gains[static_cast<std::size_t>(order[end])] != 0 ? tied_positives : tied_negatives) += 1;
            ++end;
        } while (end < order.size() && scores[static_cast<std::size_t>(order[end])] == score);
        won += tied_negatives * (positives_above + 0.5 * tied_positives);
        positives_above += tied_positives;
        negatives += tied_negatives;
        begin = end;
    }
    const double pairs = positives_above * negatives;
    return pairs > 0 ? won / pairs : no_value;
}

/// ILD: the mean of 1 - cosine over all pairs of the items given, e.g. the first k of a list. `vectors` [n x
/// width], a row per item; a row of zeros has cosine 0 with every other. NaN for fewer than two items.
inline double ild(std::span<const float> vectors, std::size_t width) {
    assert(width > 0 && vectors.size() % width == 0);
    const std::size_t n = vectors.size() / width;
    if (n < 2) return no_value;
    // The cosines of all ordered pairs and of each row with itself sum to |sum of unit rows|^2.
    std::vector<double> total(width, 0.0);
    double own = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const auto row = vectors.subspan(i * width, width);
        double square = 0;
        for (const float x : row) square += static_cast<double>(x) * static_cast<double>(x);
        if (square == 0) continue;
        own += 1;
        const double scale = 1.0 / std::sqrt(square);
        for (std::size_t d = 0; d < width; ++d) total[d] += scale * static_cast<double>(row[d]);
    }
    const double all = std::inner_product(total.begin(), total.end(), total.begin(), 0.0);
    const auto count = static_cast<double>(n);
    return 1.0 - (all - own) / (count * (count - 1.0));
}

}  // namespace psad::eval
