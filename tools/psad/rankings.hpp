// Orders of lists, and tables of how good they are.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "output.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/latency.hpp"
#include "psad/eval/ranking_quality.hpp"

namespace psad::cli {

/// One way to order lists, and how good it is.
struct Ranking {
    std::string key, name;
    std::vector<eval::Order> orders;
    eval::Latency latency;  ///< one list at a time
    eval::RankingQuality quality;
};

struct Metric {
    const char* name;
    std::vector<double> eval::RankingQuality::*values;
};
inline constexpr std::array<Metric, 7> metrics{{{"map@5", &eval::RankingQuality::map5},
                                                {"map@10", &eval::RankingQuality::map10},
                                                {"ndcg@5", &eval::RankingQuality::ndcg5},
                                                {"ndcg@10", &eval::RankingQuality::ndcg10},
                                                {"ndcg@1", &eval::RankingQuality::ndcg1},
                                                {"map", &eval::RankingQuality::map},
                                                {"mrr", &eval::RankingQuality::mrr}}};
/// The first so many are printed; --json has all.
inline constexpr std::size_t printed_metrics = 4;

/// Orders every request on its own and takes the time of each.
inline Ranking rank(std::string key, std::string name, std::span<const Request> requests,
                    const std::function<eval::Order(const Request&)>& order) {
    Ranking out{std::move(key), std::move(name), {}, {}, {}};
    out.latency =
        eval::measure_latency(requests.size(), [&](std::size_t l) { out.orders.push_back(order(requests[l])); });
    out.quality = eval::ranking_quality(requests, out.orders);
    return out;
}

/// Orders that were made elsewhere, in a time that nobody knows.
inline Ranking ranking_of(std::string key, std::string name, std::span<const Request> requests,
                          std::vector<eval::Order> orders) {
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    Ranking out{std::move(key), std::move(name), std::move(orders), {unknown, unknown}, {}};
    out.quality = eval::ranking_quality(requests, out.orders);
    return out;
}

/// "0.6871 [0.667, 0.706]"
inline std::string interval_text(const eval::Interval& x) {
    return fmt::format("{:.4f} [{:.3f}, {:.3f}]", x.value, x.low, x.high);
}

inline bool is_printed(const Metric& m) {
    return &m < metrics.data() + printed_metrics;
}

/// NDCG@10 where lists without a positive are left out, count as 0 (LETOR's tool) or as 1 (XGBoost, LightGBM).
inline model_file::JsonValue empty_lists_json(const eval::RankingQuality& quality) {
    const double left_out = eval::mean(quality.ndcg10), counted = static_cast<double>(quality.ndcg10.size()),
                 empty = static_cast<double>(quality.left_out);
    return model_file::JsonValue::object("left_out", left_out, "as_0", left_out * counted / (counted + empty), "as_1",
                                         (left_out * counted + empty) / (counted + empty));
}

/// Prints the table of all rankings and returns its figures.
inline model_file::JsonValue print_rankings(const std::vector<Ranking>& rankings) {
    auto out = model_file::JsonValue::object();
    print("{:<15}", "order");
    for (const Metric& m : std::span(metrics).first(printed_metrics)) print(" {:>22}", m.name);
    print(" {:>7} {:>9} {:>9}\n", "lists", "p50 us", "p99 us");
    for (const Ranking& r : rankings) {
        print("{:<15}", r.name);
        for (const Metric& m : metrics) {
            const auto interval = eval::bootstrap_mean(r.quality.*m.values);
            out.object_at(r.key).set(m.name, interval_json(interval));
            if (is_printed(m)) print(" {:>22}", interval_text(interval));
        }
        out.object_at(r.key).set("empty_lists", empty_lists_json(r.quality));
        const auto text = [](double us) { return std::isnan(us) ? std::string("-") : fmt::format("{:.1f}", us); };
        print(" {:>7} {:>9} {:>9}\n", r.quality.ndcg10.size(), text(r.latency.p50), text(r.latency.p99));
        if (!std::isnan(r.latency.p50))
            out.object_at(r.key).set("latency_us",
                                     model_file::JsonValue::object("p50", r.latency.p50, "p99", r.latency.p99));
    }
    return out;
}

/// The same for parts of the lists: `part` of each list that counts, and what the parts are called.
inline model_file::JsonValue print_parts(const std::vector<Ranking>& rankings, const std::vector<std::size_t>& part,
                                         const std::vector<std::string>& labels) {
    auto out = model_file::JsonValue::object();
    for (const Ranking& r : rankings) print(" {:>22}", r.name);
    print(" {:>7}\n", "lists");
    for (std::size_t b = 0; b < labels.size(); ++b) {
        const auto count = std::ranges::count(part, b);
        print("{:<15}", printable(labels[b], 14));
        model_file::JsonValue& row = out.object_at(labels[b]);
        row.set("lists", count);
        for (const Ranking& r : rankings) {
            if (count == 0) {
                print(" {:>22}", "-");
                continue;
            }
            for (const Metric& m : metrics)
                row.object_at(r.key).set(
                    m.name, interval_json(eval::bootstrap_mean(eval::values_in(b, part, r.quality.*m.values))));
            print(" {:>22}", interval_text(eval::bootstrap_mean(eval::values_in(b, part, r.quality.ndcg10))));
        }
        print(" {:>7}\n", count);
    }
    return out;
}
inline model_file::JsonValue print_history_lengths(const std::vector<Ranking>& rankings,
                                                   std::span<const Request> requests) {
    print("\nndcg@10 by history length\n{:<15}", "events");
    std::vector<std::size_t> bucket;
    for (const Request& r : requests) {
        if (r.has_positive()) bucket.push_back(eval::history_bucket(r.history_items.size()));
    }
    std::vector<std::string> labels;
    for (std::size_t b = 0; b < eval::history_buckets; ++b) labels.emplace_back(eval::history_bucket_label(b));
    return print_parts(rankings, bucket, labels);
}

/// Each model beside each heuristic but the initial order, then student beside teacher.
inline model_file::JsonValue print_pairs(const std::vector<Ranking>& rankings, std::size_t heuristics) {
    auto out = model_file::JsonValue::array();
    print("\npaired differences, 95 % intervals\n");
    const auto pair = [&](const Ranking& a, const Ranking& b) {
        print("{:<31}", a.name + " - " + b.name);
        for (const Metric& m : metrics) {
            const auto d = eval::paired_difference(a.quality.*m.values, b.quality.*m.values);
            out.push_back(model_file::JsonValue::object("a", a.key, "b", b.key, "metric", m.name, "difference",
                                                        interval_json(d)));
            if (is_printed(m)) print("  {} {:+.4f} [{:+.4f}, {:+.4f}]", m.name, d.value, d.low, d.high);
        }
        print("\n");
    };
    for (std::size_t i = heuristics; i < rankings.size(); ++i) {
        for (std::size_t h = 1; h < heuristics; ++h) pair(rankings[i], rankings[h]);
    }
    if (rankings.size() == heuristics + 2) pair(rankings[heuristics], rankings[heuristics + 1]);
    return out;
}

}  // namespace psad::cli
