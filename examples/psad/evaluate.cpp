#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/eval/rules.hpp"
#include "psad/io/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "variant_of_file.hpp"

namespace psad::cli {

namespace {

using eval::Order;

// One way to order lists, judged.
struct Row {
    std::string key, name;
    std::vector<Order> orders;
    double p50 = 0, p99 = 0;  // microseconds a list, one list at a time
    eval::RankingQuality quality;
};

struct Metric {
    const char* name;
    std::vector<double> eval::RankingQuality::*values;
};
constexpr std::array<Metric, 4> metrics{{{"map@5", &eval::RankingQuality::map5},
                                         {"map@10", &eval::RankingQuality::map10},
                                         {"ndcg@5", &eval::RankingQuality::ndcg5},
                                         {"ndcg@10", &eval::RankingQuality::ndcg10}}};

// Orders every request on its own and takes the time of each.
Row judge(std::string key, std::string name, std::span<const Request> requests,
          const std::function<Order(const Request&)>& order) {
    Row row{std::move(key), std::move(name), {}, 0, 0, {}};
    std::vector<double> times;
    for (const Request& r : requests) {
        const auto start = std::chrono::steady_clock::now();
        row.orders.push_back(order(r));
        times.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    if (!times.empty()) {
        row.p50 = times[times.size() / 2];
        row.p99 = times[times.size() * 99 / 100];
    }
    row.quality = eval::ranking_quality(requests, row.orders);
    return row;
}

// "0.6871 [0.667, 0.706]"
std::string shown(const eval::Interval& x) {
    return fmt::format("{:.4f} [{:.3f}, {:.3f}]", x.value, x.low, x.high);
}

nlohmann::json print_table(const std::vector<Row>& rows) {
    nlohmann::json out;
    fmt::print("{:<15}", "order");
    for (const Metric& m : metrics) fmt::print(" {:>22}", m.name);
    fmt::print(" {:>7} {:>9} {:>9}\n", "lists", "p50 us", "p99 us");
    for (const Row& row : rows) {
        fmt::print("{:<15}", row.name);
        for (const Metric& m : metrics) {
            const auto interval = eval::bootstrap_mean(row.quality.*m.values);
            out[row.key][m.name] = triple(interval);
            fmt::print(" {:>22}", shown(interval));
        }
        fmt::print(" {:>7} {:>9.1f} {:>9.1f}\n", row.quality.ndcg10.size(), row.p50, row.p99);
        out[row.key]["latency_us"] = {{"p50", row.p50}, {"p99", row.p99}};
    }
    return out;
}

nlohmann::json print_buckets(const std::vector<Row>& rows, std::span<const Request> requests) {
    nlohmann::json out;
    fmt::print("\nndcg@10 by history length\n{:<15}", "events");
    for (const Row& row : rows) fmt::print(" {:>22}", row.name);
    fmt::print(" {:>7}\n", "lists");
    std::vector<std::size_t> bucket;  // of each list that counts
    for (const Request& r : requests) {
        if (r.has_positive()) bucket.push_back(eval::history_bucket(r.history_items.size()));
    }
    for (std::size_t b = 0; b < eval::history_buckets; ++b) {
        const auto count = std::ranges::count(bucket, b);
        const std::string label(eval::history_bucket_label(b));
        fmt::print("{:<15}", label);
        out[label]["lists"] = count;
        for (const Row& row : rows) {
            if (count == 0) {
                fmt::print(" {:>22}", "-");
                continue;
            }
            for (const Metric& m : metrics) {
                out[label][row.key][m.name] =
                    triple(eval::bootstrap_mean(eval::values_in(b, bucket, row.quality.*m.values)));
            }
            fmt::print(" {:>22}",
                       shown(eval::bootstrap_mean(eval::values_in(b, bucket, row.quality.ndcg10))));
        }
        fmt::print(" {:>7}\n", count);
    }
    return out;
}

// Each model beside each rule but the initial order, then student beside teacher.
nlohmann::json print_pairs(const std::vector<Row>& rows, std::size_t rules) {
    nlohmann::json out = nlohmann::json::array();
    fmt::print("\npaired differences, 95 % intervals\n");
    const auto pair = [&](const Row& a, const Row& b) {
        fmt::print("{:<31}", a.name + " - " + b.name);
        for (const Metric& m : metrics) {
            const auto d = eval::paired_difference(a.quality.*m.values, b.quality.*m.values);
            out.push_back({{"a", a.key}, {"b", b.key}, {"metric", m.name}, {"difference", triple(d)}});
            fmt::print("  {} {:+.4f} [{:+.4f}, {:+.4f}]", m.name, d.value, d.low, d.high);
        }
        fmt::print("\n");
    };
    for (std::size_t i = rules; i < rows.size(); ++i) {
        for (std::size_t rule = 1; rule < rules; ++rule) pair(rows[i], rows[rule]);
    }
    if (rows.size() == rules + 2) pair(rows[rules], rows[rules + 1]);
    return out;
}

template <class Network>
Row judge_student(const Model<Network>& model, std::span<const Request> requests) {
    const backend::Cpu<float> cpu;
    const serve::Reranker reranker(cpu, model);
    serve::Workspace<backend::Cpu<float>> room;
    return judge("student", "student", requests, [&](const Request& r) {
        const auto reranked = reranker(r, room);
        return Order(reranked.order.begin(), reranked.order.end());
    });
}

template <class Network>
Row judge_teacher(const Model<Network>& model, std::span<const Request> requests) {
    const backend::Cpu<float> cpu;
    return judge("teacher", "teacher", requests,
                 [&](const Request& r) { return eval::teacher_orders(cpu, model, std::span(&r, 1))[0]; });
}

template <class Variant>
void run(const EvaluateOptions& o, const io::TensorFile& file) {
    const data::Dataset dataset = data::read_lists(o.data);
    const std::vector<Request> requests = data::requests_of(dataset, dataset.split(o.split));
    if (requests.empty())
        throw DataError(o.data, "split " + o.split, "no lists", "at least one with a positive");
    check_writable(o.json);
    std::vector<Row> rows;
    rows.push_back(judge("initial", "initial order", requests, eval::initial_order));
    rows.push_back(judge("history_first", "history first", requests, eval::history_first));
    const std::vector<Request> valid = data::requests_of(dataset, dataset.valid);
    if (const auto direction = eval::aux_direction(valid); direction && eval::has_aux(requests)) {
        rows.push_back(judge("by_aux", "by aux", requests,
                             [&](const Request& r) { return eval::by_aux(r, *direction); }));
    }
    const std::size_t rules = rows.size();
    const auto check = [&](const Encoder& encoder) {
        data::check_same_ids(encoder, dataset);
        for (const Request& r : requests) encoder.check(r);
    };
    if (io::has_teacher(file)) {
        const auto model = io::load<Variant>(file);
        check(model.encoder);
        rows.push_back(judge_student(model, requests));
        rows.push_back(judge_teacher(model, requests));
    } else {
        const auto model = io::load<StudentOf<Variant>>(file);
        check(model.encoder);
        rows.push_back(judge_student(model, requests));
    }
    const std::size_t left_out = rows[0].quality.left_out;
    if (left_out == requests.size())
        throw DataError(o.data, "split " + o.split, "no list with a positive", "at least one");
    fmt::print("{}, split {}: {} lists", dataset.meta.name, o.split, requests.size());
    if (left_out > 0) fmt::print(", {} without a positive left out", left_out);
    fmt::print("\n\n");
    nlohmann::json out{{"data", dataset.meta.name},
                       {"split", o.split},
                       {"lists", requests.size() - left_out},
                       {"left_out", left_out}};
    out["orders"] = print_table(rows);
    out["buckets"] = print_buckets(rows, requests);
    out["paired"] = print_pairs(rows, rules);
    write_json(o.json, out);
}

}  // namespace

void evaluate(const EvaluateOptions& options) {
    const io::TensorFile file = io::read_model_file(options.model);
    visit_variant_of(file, [&](auto variant) { run<typename decltype(variant)::type>(options, file); });
}

}  // namespace psad::cli
