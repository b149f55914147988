/// \file metrics.hpp
/// Metrics of one list. Means over lists, and their intervals, are the caller's (see bootstrap.hpp).
///
/// Conventions: labels are 0 or 1 and stand in ranked order, best first, perhaps only the first few of the
/// list; `positives` counts the ones of the whole list, also those not ranked. Ranks count from 1 and `k`
/// past the end means all. A metric without a value for a list gives NaN: leave such lists out and report how
/// many.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
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
inline double average_precision(std::span<const std::int8_t> labels, std::size_t k, std::size_t positives) {
    const std::size_t best = (std::min)(positives, k);
    if (best == 0) return no_value;
    double sum = 0;
    std::size_t hits = 0;
    for (std::size_t i = 0; i < (std::min)(k, labels.size()); ++i) {
        if (labels[i] == 0) continue;
        ++hits;
        sum += static_cast<double>(hits) / static_cast<double>(i + 1);
    }
    assert(hits <= positives);
    return sum / static_cast<double>(best);
}

/// NDCG@k of binary labels: gain 1 for a positive, discount log2(rank + 1), by that of the list with all positives in
/// front. NaN without a positive or with k = 0.
inline double ndcg(std::span<const std::int8_t> labels, std::size_t k, std::size_t positives) {
    const std::size_t best = (std::min)(positives, k);
    if (best == 0) return no_value;
    const auto discounted = [](std::size_t i) { return 1.0 / std::log2(static_cast<double>(i + 2)); };
    double sum = 0, ideal = 0;
    for (std::size_t i = 0; i < (std::min)(k, labels.size()); ++i) {
        if (labels[i] != 0) sum += discounted(i);
    }
    for (std::size_t i = 0; i < best; ++i) ideal += discounted(i);
    return sum / ideal;
}

/// Clicks@k: how many of the first k are positive.
inline double clicks(std::span<const std::int8_t> labels, std::size_t k) {
    const auto first = labels.first((std::min)(k, labels.size()));
    return static_cast<double>(first.size()) - static_cast<double>(std::count(first.begin(), first.end(), 0));
}

/// Revenue@k: the prices of the positives among the first k, summed. `prices` stand in the order of `labels`.
inline double revenue(std::span<const std::int8_t> labels, std::span<const float> prices, std::size_t k) {
    assert(labels.size() == prices.size());
    double sum = 0;
    for (std::size_t i = 0; i < (std::min)(k, labels.size()); ++i) {
        if (labels[i] != 0) sum += static_cast<double>(prices[i]);
    }
    return sum;
}

/// AUC within the list: the share of (positive, negative) pairs with the positive scored higher, ties counted
/// half. `scores` (finite) and `labels` [n] stand in any one order. NaN unless both classes are there.
inline double auc(std::span<const float> scores, std::span<const std::int8_t> labels) {
    assert(scores.size() == labels.size());
    const std::vector<int> order = stable_order(scores);
    double won = 0, positives_above = 0, negatives = 0;
    for (std::size_t begin = 0; begin < order.size();) {
        const float score = scores[static_cast<std::size_t>(order[begin])];
        double tied_positives = 0, tied_negatives = 0;
        std::size_t end = begin;
        do {
            (labels[static_cast<std::size_t>(order[end])] != 0 ? tied_positives : tied_negatives) += 1;
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
