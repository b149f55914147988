// What a comparison says: the cells of one row over the seeds, and two rows list by list.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "protocol.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"

namespace psad::cli {

using nlohmann::json;

/// The cells of one row over the seeds, put together.
struct Summary {
    std::string name;
    Judged judged{};                                       ///< per list the mean over the seeds
    std::map<std::string, std::vector<double>> of_seed{};  ///< per metric the mean of each seed
    std::vector<double> p50{}, p99{}, train_seconds{};
    std::vector<double> losses{}, valid{};  ///< of the first seed

    void add(const Row& row, const Cell& cell, int seeds) {
        for (const auto& [metric, values] : row.judged) {
            auto& mine = judged[metric];
            mine.resize(values.size(), 0.0);
            for (std::size_t l = 0; l < values.size(); ++l) mine[l] += values[l] / seeds;
            of_seed[metric].push_back(eval::mean(values));
        }
        p50.push_back(row.p50);
        p99.push_back(row.p99);
        train_seconds.push_back(cell.train_seconds);
        if (losses.empty()) losses = cell.losses, valid = cell.valid;
    }
};

/// Standard deviation of two or more numbers.
inline double deviation(const std::vector<double>& x) {
    const double middle = eval::mean(x);
    double sum = 0;
    for (const double v : x) sum += (v - middle) * (v - middle);
    return std::sqrt(sum / static_cast<double>(x.size() - 1));
}

/// The bucket of each judged list: in a world all are judged, else those with a positive.
inline std::vector<std::size_t> buckets_of(const Protocol& p) {
    std::vector<std::size_t> out;
    for (const Request& r : p.test) {
        if (p.judges(r)) out.push_back(eval::history_bucket(r.history_items.size()));
    }
    return out;
}

/// Calls f(label, first values in the bucket, second values ...) for every bucket that holds a list.
template <class F, class... Values>
void for_each_bucket(const std::vector<std::size_t>& bucket, F f, const Values&... values) {
    for (std::size_t b = 0; b < eval::history_buckets; ++b) {
        if (std::ranges::count(bucket, b) > 0)
            f(std::string(eval::history_bucket_label(b)), eval::values_in(b, bucket, values)...);
    }
}

inline json summary_json(const Protocol& p, const Summary& s) {
    json out;
    for (const std::string& metric : p.metrics()) {
        out["metrics"][metric] = triple(eval::bootstrap_mean(s.judged.at(metric)));
        out["seeds"][metric] = s.of_seed.at(metric);
    }
    const std::string metric = p.metrics()[0];
    for_each_bucket(
        buckets_of(p),
        [&](const std::string& label, const std::vector<double>& mine) {
            out["buckets"][label] = {{metric, triple(eval::bootstrap_mean(mine))}, {"lists", mine.size()}};
        },
        s.judged.at(metric));
    out["latency_us"] = {{"p50", eval::mean(s.p50)}, {"p99", eval::mean(s.p99)}};
    out["train_seconds"] = eval::mean(s.train_seconds);
    out["losses"] = s.losses;
    out["valid"] = s.valid;
    return out;
}

inline json pair_json(const Protocol& p, const std::string& metric, const Summary& a, const Summary& b) {
    const auto &x = a.judged.at(metric), &y = b.judged.at(metric);
    json out{{"a", a.name},
             {"b", b.name},
             {"metric", metric},
             {"difference", triple(eval::paired_difference(x, y))}};
    if (metric != p.metrics()[0]) return out;
    for_each_bucket(
        buckets_of(p),
        [&](const std::string& label, const std::vector<double>& mine, const std::vector<double>& other) {
            out["buckets"][label] = triple(eval::paired_difference(mine, other));
        },
        x, y);
    return out;
}

}  // namespace psad::cli
