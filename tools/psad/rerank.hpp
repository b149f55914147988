// psad rerank for one network.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "named_requests.hpp"
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

template <class Lines>
nlohmann::json explanation_json(const std::vector<serve::Explanation>& explained, const Request& r,
                                const data::Dataset* dataset, const Lines& lines) {
    nlohmann::json out = nlohmann::json::array();
    for (const serve::Explanation& e : explained) {
        const std::int32_t item = r.items[static_cast<std::size_t>(e.position)];
        nlohmann::json why{{"item", lines.item_json(r, static_cast<std::size_t>(e.position))},
                           {"initial_rank", e.position},
                           {"own_score", e.own_score},
                           {"from_items_before", e.from_items_before}};
        if (dataset != nullptr && item >= 0 && static_cast<std::size_t>(item) < dataset->titles.size())
            why["title"] = dataset->titles[static_cast<std::size_t>(item)];
        nlohmann::json matches = nlohmann::json::array();
        for (const serve::MatchedEvent& m : e.matches) {
            matches.push_back({{"seconds_before", m.seconds_before},
                               {"feedback", lines.kind_json(m.feedback)},
                               {"attention", m.attention}});
        }
        why["events"] = matches;
        out.push_back(why);
    }
    return out;
}

/// One request after the other, whatever their form.
class RequestLines {
  public:
    /// One of the two may be null, or both.
    RequestLines(const data::Dataset* dataset, NamedRequests* named) : dataset_(dataset), named_(named) {}

    /// The request of a line; valid until the next one.
    Request read(const std::string& line, std::size_t number) {
        if (named_ != nullptr) return named_->read(line, number);
        try {
            return columns_.read(model_file::parse_strictly(line, 16), users_of(dataset_));
        } catch (const model_file::JsonFault& fault) {
            throw RequestError("request", "", fault.found, fault.wanted);
        }
    }
    /// What a request calls its name, as it stands there; null where that is no JSON.
    std::string id_of(const std::string& line) const {
        const std::string id = raw_member(line, named_ != nullptr ? named_->schema().id : "id");
        try {
            if (!id.empty()) model_file::parse_strictly(id, 16);
        } catch (const model_file::JsonFault&) {
            return "null";
        }
        return id.empty() ? "null" : id;
    }
    nlohmann::json item_json(const Request& r, std::size_t position) const {
        if (named_ == nullptr) return r.items[position];
        const std::string name = named_->item_name(position);
        return name.empty() ? nlohmann::json() : nlohmann::json(name);
    }

    /// A kind of event in the words of the data, or its number; null for an unknown one.
    nlohmann::json kind_json(std::int32_t kind) const {
        if (named_ == nullptr) return kind;
        const std::string name = named_->kind_name(kind);
        return name.empty() ? nlohmann::json() : nlohmann::json(name);
    }
    /// What was not taken as it came, besides what the encoder counts.
    std::string counts() const { return named_ != nullptr ? named_->counts() : ""; }

  private:
    const data::Dataset* dataset_;
    NamedRequests* named_;
    serve::RequestColumns columns_;
};

/// Answers standard input line by line.
template <class Network>
void serve_lines(const RerankOptions& o, const Model<Network>& model, const data::Dataset* dataset,
                 NamedRequests* named) {
    const backend::Cpu<float> cpu;
    const serve::Reranker reranker(cpu, model, serve::already_checked);
    auto workspace = reranker.workspace();
    RequestLines lines(dataset, named);
    ColumnNotes notes(model.encoder.schema());
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
        if (number == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);  // a byte order mark
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        nlohmann::json out;
        try {
            const Request request = lines.read(line, number);
            model.encoder.check(request, rules(o.strict));
            notes.look_at(request);
            const serve::Reranked reranked = reranker(request, workspace, o.top);
            serve::check_scores(reranked, o.model);
            out = serve::answer_json(request, reranked);
            for (std::size_t i = 0; i < reranked.order.size(); ++i)
                out["items"][i] = lines.item_json(request, static_cast<std::size_t>(reranked.order[i]));
            if (o.explain)
                out["explain"] =
                    explanation_json(serve::explain(cpu, model, request, reranked), request, dataset, lines);
        } catch (const DataError& e) {  // names the line
            out = {{"error", e.what()}};
        } catch (const Error& e) {
            out = {{"error", fmt::format("line {}, {}", number, e.what())}};
        }
        // An id may be a number that no JSON library holds: it goes back as it came.
        const std::string rest = out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        fmt::print("{{\"id\":{},{}\n", lines.id_of(line), rest.substr(1));
        flush_output();
    }
    if (named != nullptr) named->note_joins();
    if (const EncodingCounts& counts = workspace.batch.counts; o.counts) {
        std::string taken = text(counts);
        if (const std::string more = lines.counts(); !more.empty()) taken += (taken.empty() ? "" : ", ") + more;
        print_error(fmt::format("psad: in {} requests: {}", counts.requests, taken.empty() ? "nothing to say" : taken));
    }
    if (std::ferror(stdin) != 0) throw Error("standard input", "", "a read that failed", "JSON lines");
}

template <class Network>
void rerank(const RerankOptions& o, const model_file::TensorFile& file) {
    auto model = model_file::load<StudentOf<Network>>(file);
    auto names = model_file::read_named_data(file, model.encoder.schema(), model.encoder.catalog());
    if (names && !o.data.empty())
        throw SettingError("--data", "", "a folder of numbered ids, and a model of names",
                           "--items, --users or --events");
    std::optional<data::Dataset> dataset;
    if (!o.data.empty()) dataset = data::read_lists(o.data);
    if (dataset) {
        data::check_same_ids(model.encoder, *dataset);
        model.set_catalog(data::catalog_of(*dataset));
    }
    std::optional<NamedRequests> named;
    if (names) {
        named.emplace(std::move(*names), model.encoder, o.tables, o.strict);
        model.set_catalog(named->catalog());
    } else if (!o.tables.items.empty() || !o.tables.users.empty() || !o.tables.events.empty()) {
        throw ModelFileError(file.source, "", "a model of numbered ids", "one that was trained on files, or --data");
    }
    serve_lines(o, model, dataset ? &*dataset : nullptr, named ? &*named : nullptr);
}

}  // namespace psad::cli
