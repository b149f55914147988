// psad evaluate for one network.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "notes.hpp"
#include "options.hpp"
#include "output.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/latency.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "segments.hpp"

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

/// "0.6871 [0.667, 0.706]"
inline std::string interval_text(const eval::Interval& x) {
    return fmt::format("{:.4f} [{:.3f}, {:.3f}]", x.value, x.low, x.high);
}

inline bool is_printed(const Metric& m) {
    return &m < metrics.data() + printed_metrics;
}

/// NDCG@10 where lists without a positive are left out, count as 0 (LETOR's tool) or as 1 (XGBoost, LightGBM).
inline nlohmann::json empty_lists_json(const eval::RankingQuality& quality) {
    const double left_out = eval::mean(quality.ndcg10), counted = static_cast<double>(quality.ndcg10.size()),
                 empty = static_cast<double>(quality.left_out);
    return {{"left_out", left_out},
            {"as_0", left_out * counted / (counted + empty)},
            {"as_1", (left_out * counted + empty) / (counted + empty)}};
}

/// Prints the table of all rankings and returns its figures.
inline nlohmann::json print_rankings(const std::vector<Ranking>& rankings) {
    nlohmann::json out;
    fmt::print("{:<15}", "order");
    for (const Metric& m : std::span(metrics).first(printed_metrics)) fmt::print(" {:>22}", m.name);
    fmt::print(" {:>7} {:>9} {:>9}\n", "lists", "p50 us", "p99 us");
    for (const Ranking& r : rankings) {
        fmt::print("{:<15}", r.name);
        for (const Metric& m : metrics) {
            const auto interval = eval::bootstrap_mean(r.quality.*m.values);
            out[r.key][m.name] = interval_json(interval);
            if (is_printed(m)) fmt::print(" {:>22}", interval_text(interval));
        }
        out[r.key]["empty_lists"] = empty_lists_json(r.quality);
        fmt::print(" {:>7} {:>9.1f} {:>9.1f}\n", r.quality.ndcg10.size(), r.latency.p50, r.latency.p99);
        out[r.key]["latency_us"] = {{"p50", r.latency.p50}, {"p99", r.latency.p99}};
    }
    return out;
}

/// The same for parts of the lists: `part` of each list that counts, and what the parts are called.
inline nlohmann::json print_parts(const std::vector<Ranking>& rankings, const std::vector<std::size_t>& part,
                                  const std::vector<std::string>& labels) {
    nlohmann::json out;
    for (const Ranking& r : rankings) fmt::print(" {:>22}", r.name);
    fmt::print(" {:>7}\n", "lists");
    for (std::size_t b = 0; b < labels.size(); ++b) {
        const auto count = std::ranges::count(part, b);
        fmt::print("{:<15}", printable(labels[b], 14));
        nlohmann::json& row = out[labels[b]];
        row["lists"] = count;
        for (const Ranking& r : rankings) {
            if (count == 0) {
                fmt::print(" {:>22}", "-");
                continue;
            }
            for (const Metric& m : metrics)
                row[r.key][m.name] = interval_json(eval::bootstrap_mean(eval::values_in(b, part, r.quality.*m.values)));
            fmt::print(" {:>22}", interval_text(eval::bootstrap_mean(eval::values_in(b, part, r.quality.ndcg10))));
        }
        fmt::print(" {:>7}\n", count);
    }
    return out;
}
inline nlohmann::json print_history_lengths(const std::vector<Ranking>& rankings, std::span<const Request> requests) {
    fmt::print("\nndcg@10 by history length\n{:<15}", "events");
    std::vector<std::size_t> bucket;
    for (const Request& r : requests) {
        if (r.has_positive()) bucket.push_back(eval::history_bucket(r.history_items.size()));
    }
    std::vector<std::string> labels;
    for (std::size_t b = 0; b < eval::history_buckets; ++b) labels.emplace_back(eval::history_bucket_label(b));
    return print_parts(rankings, bucket, labels);
}

/// Each model beside each heuristic but the initial order, then student beside teacher.
inline nlohmann::json print_pairs(const std::vector<Ranking>& rankings, std::size_t heuristics) {
    nlohmann::json out = nlohmann::json::array();
    fmt::print("\npaired differences, 95 % intervals\n");
    const auto pair = [&](const Ranking& a, const Ranking& b) {
        fmt::print("{:<31}", a.name + " - " + b.name);
        for (const Metric& m : metrics) {
            const auto d = eval::paired_difference(a.quality.*m.values, b.quality.*m.values);
            out.push_back({{"a", a.key}, {"b", b.key}, {"metric", m.name}, {"difference", interval_json(d)}});
            if (is_printed(m)) fmt::print("  {} {:+.4f} [{:+.4f}, {:+.4f}]", m.name, d.value, d.low, d.high);
        }
        fmt::print("\n");
    };
    for (std::size_t i = heuristics; i < rankings.size(); ++i) {
        for (std::size_t h = 1; h < heuristics; ++h) pair(rankings[i], rankings[h]);
    }
    if (rankings.size() == heuristics + 2) pair(rankings[heuristics], rankings[heuristics + 1]);
    return out;
}

/// The heuristic baselines that the lists allow; `valid`: what they learn from, maybe none.
inline std::vector<Ranking> heuristic_rankings(std::span<const Request> requests, std::span<const Request> valid) {
    std::vector<Ranking> out;
    out.push_back(rank("initial", "initial order", requests, eval::initial_order));
    if (std::ranges::any_of(requests, [](const Request& r) { return !r.history_items.empty(); }))
        out.push_back(rank("history-first", "history first", requests, eval::history_first));
    if (const auto direction = eval::aux_direction(valid); direction && eval::has_aux(requests)) {
        out.push_back(
            rank("by-aux", "by aux", requests, [&](const Request& r) { return eval::by_aux(r, *direction); }));
    }
    return out;
}

/// The student of a model, and its teacher if it has one.
template <class Network>
void rank_by_model(const EvaluateOptions& o, const Catalog& catalog, const model_file::TensorFile& file,
                   std::span<const Request> requests, std::vector<Ranking>& out) {
    auto model = model_file::load<Network>(file);
    model.encoder.set_catalog(catalog);
    ColumnNotes notes(model.encoder.schema());
    for (const Request& r : requests) {
        model.encoder.check(r, rules(o.strict));
        notes.look_at(r);
    }
    const backend::Cpu<float> cpu;
    const serve::Reranker reranker(cpu, model, serve::already_checked);
    auto workspace = reranker.workspace();
    out.push_back(rank("student", "student", requests, [&](const Request& r) {
        const auto reranked = reranker(r, workspace);
        return eval::Order(reranked.order.begin(), reranked.order.end());
    }));
    if constexpr (HasTeacher<Network>) {
        out.push_back(rank("teacher", "teacher", requests,
                           [&](const Request& r) { return eval::teacher_orders(cpu, model, std::span(&r, 1))[0]; }));
    }
}

/// NaN, where there is no such value, as null.
inline nlohmann::json value_json(double x) {
    return std::isnan(x) ? nlohmann::json() : nlohmann::json(x);
}

/// One line for each list: its name, and of each ranking the positions, best first, and the figures.
inline void write_lists(const std::string& path, const TestInputs& in, const std::vector<Ranking>& rankings) {
    if (path.empty()) return;
    AtomicFile file(path);
    std::size_t counted = 0;
    for (std::size_t l = 0; l < in.lists.size(); ++l) {
        const bool counts = in.lists[l].has_positive();
        nlohmann::ordered_json line{{"id", in.ids[l]}, {"candidates", in.lists[l].size()}};
        for (const Ranking& r : rankings) {
            line[r.key]["order"] = r.orders[l];
            for (const Metric& m : metrics)
                line[r.key][m.name] = counts ? value_json((r.quality.*m.values)[counted]) : nlohmann::json();
        }
        counted += counts ? 1 : 0;
        const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        file.write(text.data(), text.size());
    }
    file.commit();
}

template <class Network>
void evaluate(const EvaluateOptions& o, const model_file::TensorFile& file) {
    check_writable(o.json);
    check_writable(o.per_list);
    const TestInputs in = read_test(o, file);
    const std::vector<Request>& requests = in.lists;
    const auto counted = static_cast<std::size_t>(std::ranges::count_if(requests, &Request::has_positive));
    if (counted == 0) {
        throw DataError(in.name, o.data.empty() ? "test lists" : "split " + o.split,
                        requests.empty() ? "no lists" : "no list with a positive", "at least one with a positive");
    }
    const Segments segments = o.segment.empty() ? Segments() : segments_of(o.segment, in);
    std::vector<Ranking> rankings = heuristic_rankings(requests, in.valid);
    const std::size_t heuristics = rankings.size();
    if (model_file::has_teacher(file))
        rank_by_model<Network>(o, in.catalog, file, requests, rankings);
    else
        rank_by_model<StudentOf<Network>>(o, in.catalog, file, requests, rankings);
    const std::size_t left_out = requests.size() - counted;
    const std::string split = o.data.empty() ? "test" : o.split;
    fmt::print("{}, split {}: {} lists", in.name, split, requests.size());
    if (left_out > 0) fmt::print(", {} without a positive left out", left_out);
    fmt::print("\n\n");
    nlohmann::json out{{"data", in.name}, {"split", split}, {"lists", counted}, {"left_out", left_out}};
    out["orders"] = print_rankings(rankings);
    if (std::ranges::any_of(requests, [](const Request& r) { return !r.history_items.empty(); }))
        out["buckets"] = print_history_lengths(rankings, requests);
    if (!o.segment.empty()) {
        fmt::print("\nndcg@10 by {}\n{:<15}", printable(o.segment), printable(o.segment, 14));
        out["segments"] = print_parts(rankings, segments.part, segments.labels);
    }
    out["paired"] = print_pairs(rankings, heuristics);
    write_json(o.json, out);
    write_lists(o.per_list, in, rankings);
}

}  // namespace psad::cli
