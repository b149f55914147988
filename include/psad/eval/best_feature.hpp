/// \file best_feature.hpp
/// Sorting by one dense feature: the baseline that a model must beat before anything else is said of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psad/eval/dense_column.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/eval/orders.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI::eval {

/// The feature to sort by: the largest first (direction 1) or the smallest (-1).
struct FeatureOrder {
    std::string name;
    double direction = 1;
    double ndcg10 = 0;  ///< mean over the lists that chose it
};

/// Candidates by one feature. Those without a value come last; ties keep the initial order.
inline Order by_feature(const DenseColumn& column, double direction, const Catalog& catalog, const Request& r) {
    std::vector<double> keys(r.size());
    for (std::size_t i = 0; i < r.size(); ++i) {
        const double x = direction * column(catalog, r, i);
        keys[i] = std::isnan(x) ? -std::numeric_limits<double>::infinity() : x;
    }
    Order order = initial_order(r);
    std::ranges::stable_sort(order, std::ranges::greater(), [&](int i) { return keys[static_cast<std::size_t>(i)]; });
    return order;
}

/// The feature of candidates or items, and its direction, with the highest NDCG@10 on labelled lists. None where there
/// is no feature, or no list with a positive.
inline std::optional<FeatureOrder> best_feature(const Schema& schema, const Catalog& catalog,
                                                std::span<const Request> labelled) {
    std::optional<FeatureOrder> best;
    if (std::ranges::none_of(labelled, &Request::has_positive)) return best;
    std::vector<Order> orders(labelled.size());
    for (const auto* features : {&schema.candidate_dense, &schema.item_dense}) {
        for (const DenseFeature& f : *features) {
            const std::string name =
                features == &schema.item_dense ? DenseColumn::name_of_item_feature(schema, f.name) : f.name;
            const DenseColumn column(schema, name);
            for (const double direction : {1.0, -1.0}) {
                for (std::size_t l = 0; l < labelled.size(); ++l)
                    orders[l] = by_feature(column, direction, catalog, labelled[l]);
                const double ndcg10 = mean(ranking_quality(labelled, orders).ndcg10);
                if (!best || ndcg10 > best->ndcg10) best = {name, direction, ndcg10};
            }
        }
    }
    return best;
}

}  // namespace psad::eval
