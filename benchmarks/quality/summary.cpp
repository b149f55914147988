#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "output.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/ranking_quality.hpp"

namespace psad::quality {

void Summary::add(const Row& row, const Run& run, int seeds) {
    for (const auto& [metric, values] : row.metrics) {
        auto& sums = metrics[metric];
        sums.resize(values.size(), 0.0);
        for (std::size_t l = 0; l < values.size(); ++l) sums[l] += values[l] / seeds;
        of_seed[metric].push_back(eval::mean(values));
    }
    p50.push_back(row.latency.p50);
    p99.push_back(row.latency.p99);
    train_seconds.push_back(run.train_seconds);
    if (losses.empty()) losses = run.losses, valid = run.valid;
}

void Summaries::add(const Run& run, int seeds) {
    for (const Row& row : run.rows) {
        const auto found = std::ranges::find(all_, row.name, &Summary::name);
        Summary& summary = found != all_.end() ? *found : all_.emplace_back(Summary{.name = row.name});
        summary.add(row, run, seeds);
    }
}

namespace {

/// Standard deviation of two or more numbers.
double deviation(const std::vector<double>& x) {
    const double middle = eval::mean(x);
    double sum = 0;
    for (const double v : x) sum += (v - middle) * (v - middle);
    return std::sqrt(sum / static_cast<double>(x.size() - 1));
}

/// The history bucket of each judged list.
std::vector<std::size_t> buckets_of(const Experiment& e) {
    std::vector<std::size_t> out;
    for (const Request& r : e.test) {
        if (e.judges(r)) out.push_back(eval::history_bucket(r.history_items.size()));
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

json interval_json(const eval::Interval& x) {
    return {x.value, x.low, x.high};
}

json summary_json(const Experiment& e, const std::vector<std::size_t>& bucket, const Summary& s) {
    json out;
    for (const std::string& metric : e.metrics()) {
        out["metrics"][metric] = interval_json(eval::bootstrap_mean(s.metrics.at(metric)));
        out["seeds"][metric] = s.of_seed.at(metric);
    }
    const std::string metric = e.metrics()[0];
    for_each_bucket(
        bucket,
        [&](const std::string& label, const std::vector<double>& values) {
            out["buckets"][label] = {{metric, interval_json(eval::bootstrap_mean(values))},
                                     {"lists", values.size()}};
        },
        s.metrics.at(metric));
    out["latency_us"] = {{"p50", eval::mean(s.p50)}, {"p99", eval::mean(s.p99)}};
    out["train_seconds"] = eval::mean(s.train_seconds);
    out["losses"] = s.losses;
    out["valid"] = s.valid;
    return out;
}

/// a - b by one metric; by the first metric in each bucket too.
json pair_json(const Experiment& e, const std::vector<std::size_t>& bucket, const std::string& metric, const Summary& a,
               const Summary& b) {
    const auto &x = a.metrics.at(metric), &y = b.metrics.at(metric);
    json out{{"a", a.name},
             {"b", b.name},
             {"metric", metric},
             {"difference", interval_json(eval::paired_difference(x, y))}};
    if (metric != e.metrics()[0]) return out;
    for_each_bucket(
        bucket,
        [&](const std::string& label, const std::vector<double>& of_a, const std::vector<double>& of_b) {
            out["buckets"][label] = interval_json(eval::paired_difference(of_a, of_b));
        },
        x, y);
    return out;
}

}  // namespace

void print_table(const Experiment& e, std::vector<Summary> summaries) {
    const std::string first = e.metrics()[0];
    std::ranges::stable_sort(summaries, std::ranges::greater(),
                             [&](const Summary& s) { return eval::mean(s.metrics.at(first)); });
    std::size_t widest = 0;
    for (const Summary& s : summaries) widest = (std::max)(widest, s.name.size());
    cli::print("\n{:<{}}", "model", widest);
    for (const std::string& metric : e.metrics()) cli::print(" {:>24}", metric);
    cli::print(" {:>8} {:>9} {:>9}\n", "seeds +-", "p50 us", "train s");
    const auto or_dash = [](double x) { return x > 0 ? fmt::format("{:.1f}", x) : "-"; };
    for (const Summary& s : summaries) {
        cli::print("{:<{}}", s.name, widest);
        for (const std::string& metric : e.metrics()) {
            const auto x = eval::bootstrap_mean(s.metrics.at(metric));
            cli::print(" {:>24}", fmt::format("{:.4f} [{:.4f}, {:.4f}]", x.value, x.low, x.high));
        }
        const auto& seeds = s.of_seed.at(first);
        cli::print(" {:>8} {:>9} {:>9}\n", seeds.size() > 1 ? fmt::format("{:.4f}", deviation(seeds)) : "-",
                   or_dash(eval::mean(s.p50)), or_dash(eval::mean(s.train_seconds)));
    }
}

void add_figures(const Experiment& e, const std::vector<Summary>& summaries, int threads, json& to) {
    const std::vector<std::size_t> bucket = buckets_of(e);
    for (const Summary& s : summaries) to["models"][s.name] = summary_json(e, bucket, s);
    struct Pair {
        std::size_t a, b;
        std::string metric;
    };
    std::vector<Pair> pairs;
    for (std::size_t a = 0; a < summaries.size(); ++a) {
        for (std::size_t b = a + 1; b < summaries.size(); ++b) {
            for (const std::string& metric : e.metrics()) pairs.push_back({a, b, metric});
        }
    }
    std::vector<json> paired(pairs.size());
    backend::Cpu<float>(threads).parallel(static_cast<int>(pairs.size()), [&](int i) {
        const Pair& p = pairs[static_cast<std::size_t>(i)];
        paired[static_cast<std::size_t>(i)] = pair_json(e, bucket, p.metric, summaries[p.a], summaries[p.b]);
    });
    to["paired"] = paired;
}

}  // namespace psad::quality
