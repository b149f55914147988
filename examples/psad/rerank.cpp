#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/io/model_file.hpp"
#include "psad/io/strict_json.hpp"
#include "psad/serve/reranker.hpp"
#include "request_json.hpp"
#include "variant_of_file.hpp"

namespace psad::cli {

namespace {

using Device = backend::Cpu<float>;

// Why each item stands where it stands: its own score, what its predecessors add, and the events behind it.
template <class Network>
nlohmann::json explain(const Device& cpu, const Model<Network>& model, const Request& r,
                       std::span<const int> order, std::span<const float> placed,
                       const data::Dataset* dataset) {
    Batch<float> batch;
    model.encoder.encode(std::span(&r, 1), static_cast<int>(r.size()), batch);
    const Inputs<float> in = batch.view();
    Arena<> arena;
    Eval ctx(cpu, model.parameters, in.layout, arena);
    const auto user = model.network.student.user(ctx, in);
    const auto scores = model.network.student.score(ctx, in, user);
    nlohmann::json out = nlohmann::json::array();
    for (std::size_t t = 0; t < order.size(); ++t) {
        const auto i = static_cast<std::size_t>(order[t]);
        nlohmann::json why{{"item", r.items[i]},
                           {"prior_rank", i},
                           {"own_score", scores.score.data[i]},
                           {"from_items_before", placed[t] - scores.score.data[i]}};
        if (dataset != nullptr && static_cast<std::size_t>(r.items[i]) < dataset->titles.size()) {
            why["title"] = dataset->titles[static_cast<std::size_t>(r.items[i])];
        }
        nlohmann::json touched = nlohmann::json::array();
        for (int m = in.match.first(static_cast<int>(i)); m < in.match.last(static_cast<int>(i)); ++m) {
            const auto h = static_cast<std::size_t>(in.match.ids[m]);  // latest first
            const std::size_t at = r.history_items.size() - 1 - h;
            touched.push_back({{"seconds_before", r.time - r.history_times[at]},
                               {"feedback", r.history_feedback[at]},
                               {"attention", user.seen_through.attention.data[h]}});
        }
        why["touched_before"] = touched;
        out.push_back(why);
    }
    return out;
}

template <class Network>
void serve_lines(const RerankOptions& o, const Model<Network>& model, const data::Dataset* dataset) {
    const Device cpu;
    const serve::Reranker reranker(cpu, model);
    serve::Workspace<Device> room;
    RequestColumns columns;
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        nlohmann::json out{{"id", nullptr}};
        const auto refuse = [&](const std::string& words) {
            out = {{"id", out["id"]}, {"error", fmt::format("line {}, {}", number, words)}};
        };
        try {
            const nlohmann::json request = io::parse_strictly(line, 16);
            if (request.is_object() && request.contains("id")) out["id"] = request["id"];
            const Request r = columns.read(request, dataset);
            model.encoder.check(r);
            const auto reranked = reranker(r, room, o.top);
            out["order"] = reranked.order;
            out["scores"] = reranked.scores;
            nlohmann::json items = nlohmann::json::array();
            for (const int i : reranked.order) items.push_back(r.items[static_cast<std::size_t>(i)]);
            out["items"] = items;
            for (const float score : reranked.scores) {
                if (!std::isfinite(score))
                    throw ModelFileError(o.model, "", "numbers so large that scores are not finite",
                                         "a trained model");
            }
            if (o.explain) out["explain"] = explain(cpu, model, r, reranked.order, reranked.scores, dataset);
        } catch (const io::JsonFault& fault) {
            refuse("request: found " + fault.found + ", wanted one JSON object a line");
        } catch (const Error& e) {
            refuse(e.what());
        }
        fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        flush_output();
    }
    if (std::ferror(stdin) != 0) throw Error("standard input", "", "a read that failed", "JSON lines");
}

}  // namespace

void rerank(const RerankOptions& options) {
    const io::TensorFile file = io::read_model_file(options.model);
    std::optional<data::Dataset> dataset;
    if (!options.data.empty()) dataset = data::read_lists(options.data);
    visit_variant_of(file, [&](auto variant) {
        using Network = StudentOf<typename decltype(variant)::type>;
        const auto model = io::load<Network>(file);
        if (dataset) data::check_same_ids(model.encoder, *dataset);
        serve_lines(options, model, dataset ? &*dataset : nullptr);
    });
}

}  // namespace psad::cli
