// psad evaluate for one network.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "best_feature_note.hpp"
#include "inputs.hpp"
#include "named_orders.hpp"
#include "notes.hpp"
#include "options.hpp"
#include "outcomes.hpp"
#include "output.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/best_feature.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "rankings.hpp"
#include "segments.hpp"

namespace psad::cli {

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
    model.set_catalog(catalog);
    ColumnNotes notes(model.encoder.schema());
    for (const Request& r : requests) {
        model.encoder.check_one_of_many(r, rules(o.strict));
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

/// What tables and reports call the orders of their own, and what stands beside orders in a report.
inline std::vector<std::string> taken_names() {
    return {"initial", "initial order", "history-first",  "history first",    "by-aux",
            "by aux",  "best-feature",  "best feature",   "student",          "teacher",
            "id",      "candidates",    "lists",          "left_out",         "feature",
            "clipped", "revenue",       "min_propensity", "positives_without"};
}

/// One line for each list: its name, and of each ranking the positions, best first, and the figures.
inline void write_lists(const std::string& path, const TestInputs& in, const std::vector<Ranking>& rankings) {
    if (path.empty()) return;
    AtomicFile file(path);
    std::size_t counted = 0;
    for (std::size_t l = 0; l < in.lists.size(); ++l) {
        const bool counts = in.lists[l].has_positive();
        auto line = model_file::JsonValue::object("id", in.ids[l], "candidates", in.lists[l].size());
        for (const Ranking& r : rankings) {
            model_file::JsonValue& of_ranking = line.object_at(r.key);
            of_ranking.set("order", r.orders[l]);
            // Where there is no such value, NaN, which is written as null.
            for (const Metric& m : metrics)
                of_ranking.set(m.name, counts ? (r.quality.*m.values)[counted] : std::nan(""));
        }
        counted += counts ? 1 : 0;
        const std::string text = line.dump() + "\n";
        file.write(text.data(), text.size());
    }
    file.commit();
}

template <class Network>
void evaluate(const EvaluateOptions& o, const model_file::TensorFile& file) {
    check_writable(o.json);
    check_writable(o.per_list);
    const std::vector<NamedOrders> others = named_orders(o.orders, taken_names());
    const TestInputs in = read_test(o, file, o.labels);
    const std::vector<Request>& requests = in.lists;
    const auto counted = static_cast<std::size_t>(std::ranges::count_if(requests, &Request::has_positive));
    if (counted == 0) {
        throw DataError(in.name, o.data.empty() ? "test lists" : "split " + o.split,
                        requests.empty() ? "no lists" : "no list with a positive", "at least one with a positive");
    }
    if (!o.revenue.empty())
        eval::DenseColumn(in.schema, o.revenue, "--revenue");  // a wrong name is said before the work
    const Segments segments = o.segment.empty() ? Segments() : segments_of(o.segment, in);
    std::vector<Ranking> rankings = heuristic_rankings(requests, in.valid);
    const auto by_feature = in.names ? read_best_feature(file) : std::nullopt;
    if (by_feature) {
        const eval::DenseColumn column = best_feature_column(in.schema, *by_feature, file);
        rankings.push_back(rank("best-feature", "best feature", requests, [&](const Request& r) {
            return eval::by_feature(column, by_feature->direction, in.catalog, r);
        }));
    }
    for (const NamedOrders& x : others)
        rankings.push_back(ranking_of(x.name, x.name, requests, read_orders(requests, x.file)));
    const std::size_t heuristics = rankings.size();
    if (model_file::has_teacher(file))
        rank_by_model<Network>(o, in.catalog, file, requests, rankings);
    else
        rank_by_model<StudentOf<Network>>(o, in.catalog, file, requests, rankings);
    const std::size_t left_out = requests.size() - counted;
    const std::string split = o.data.empty() ? "test" : o.split;
    print("{}, split {}: {} lists", in.name, split, requests.size());
    if (left_out > 0) print(", {} without a positive left out", left_out);
    print("\n\n");
    auto out = model_file::JsonValue::object("data", in.name, "split", split, "lists", counted, "left_out", left_out);
    if (by_feature) {
        out.set("best_feature",
                model_file::JsonValue::object("name", by_feature->name, "direction", by_feature->direction));
        print("best feature of the validation lists: {}, the {} first\n\n", printable(by_feature->name),
              by_feature->direction > 0 ? "largest" : "smallest");
    }
    out.set("orders", print_rankings(rankings));
    if (std::ranges::any_of(requests, [](const Request& r) { return !r.history_items.empty(); }))
        out.set("buckets", print_history_lengths(rankings, requests));
    add_outcomes(o, in, rankings, out);
    if (!o.segment.empty()) {
        print("\nndcg@10 by {}\n{:<15}", printable(o.segment), printable(o.segment, 14));
        out.set("segments", print_parts(rankings, segments.part, segments.labels));
    }
    out.set("paired", print_pairs(rankings, heuristics));
    write_json(o.json, out);
    write_lists(o.per_list, in, rankings);
}

}  // namespace psad::cli
