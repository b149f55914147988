// psad rerank for one network.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "notes.hpp"
#include "options.hpp"
#include "output.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/model_file/strict_json.hpp"
#include "psad/serve/explain.hpp"
#include "psad/serve/request_json.hpp"
#include "psad/serve/reranker.hpp"

namespace psad::cli {

/// The users of a data set, or none.
inline Matrix<const std::int32_t> users_of(const data::Dataset* dataset) {
    if (dataset == nullptr) return {};
    const auto width = static_cast<int>(dataset->meta.user_fields.size());
    return {dataset->user_fields.data(), static_cast<int>(dataset->meta.users), width, width};
}

inline nlohmann::json explanation_json(const std::vector<serve::Explanation>& explained, const Request& r,
                                       const data::Dataset* dataset) {
    nlohmann::json out = nlohmann::json::array();
    for (const serve::Explanation& e : explained) {
        const std::int32_t item = r.items[static_cast<std::size_t>(e.position)];
        nlohmann::json why{{"item", item},
                           {"initial_rank", e.position},
                           {"own_score", e.own_score},
                           {"from_items_before", e.from_items_before}};
        if (dataset != nullptr && static_cast<std::size_t>(item) < dataset->titles.size())
            why["title"] = dataset->titles[static_cast<std::size_t>(item)];
        nlohmann::json matches = nlohmann::json::array();
        for (const serve::MatchedEvent& m : e.matches) {
            matches.push_back(
                {{"seconds_before", m.seconds_before}, {"feedback", m.feedback}, {"attention", m.attention}});
        }
        why["events"] = matches;
        out.push_back(why);
    }
    return out;
}

/// Answers standard input line by line.
template <class Network>
void serve_lines(const RerankOptions& o, const Model<Network>& model, const data::Dataset* dataset) {
    const backend::Cpu<float> cpu;
    const serve::Reranker reranker(cpu, model);
    auto workspace = reranker.workspace();
    serve::RequestColumns columns;
    ColumnNotes notes(model.encoder.schema());
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        nlohmann::json out{{"id", nullptr}};
        const auto refuse = [&](const std::string& message) {
            out = {{"id", out["id"]}, {"error", fmt::format("line {}, {}", number, message)}};
        };
        try {
            const nlohmann::json object = model_file::parse_strictly(line, 16);
            if (object.is_object() && object.contains("id")) out["id"] = object["id"];
            const Request request = columns.read(object, users_of(dataset));
            model.encoder.check(request, rules(o.strict));
            notes.look_at(request);
            const serve::Reranked reranked = reranker(request, workspace, o.top);
            serve::check_scores(reranked, o.model);
            out.update(serve::answer_json(request, reranked));
            if (o.explain)
                out["explain"] = explanation_json(serve::explain(cpu, model, request, reranked), request, dataset);
        } catch (const model_file::JsonFault& fault) {
            refuse("request: found " + fault.found + ", wanted " + fault.wanted);
        } catch (const Error& e) {
            refuse(e.what());
        }
        fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        flush_output();
    }
    if (const EncodingCounts& counts = workspace.batch.counts; o.counts) {
        const std::string taken = text(counts);
        print_error(fmt::format("psad: in {} requests: {}", counts.requests, taken.empty() ? "nothing to say" : taken));
    }
    if (std::ferror(stdin) != 0) throw Error("standard input", "", "a read that failed", "JSON lines");
}

template <class Network>
void rerank(const RerankOptions& o, const model_file::TensorFile& file) {
    std::optional<data::Dataset> dataset;
    if (!o.data.empty()) dataset = data::read_lists(o.data);
    auto model = model_file::load<StudentOf<Network>>(file);
    if (dataset) {
        data::check_same_ids(model.encoder, *dataset);
        model.encoder.set_catalog(data::catalog_of(*dataset));
    }
    serve_lines(o, model, dataset ? &*dataset : nullptr);
}

}  // namespace psad::cli
