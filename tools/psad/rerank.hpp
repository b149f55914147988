// psad rerank for one network.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "line_input.hpp"
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

/// Text as JSON, what is no UTF-8 replaced.
inline std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// One request after the other, whatever their form.
class RequestLines {
  public:
    /// One of the two may be null, or both.
    RequestLines(const data::Dataset* dataset, NamedRequests* named) : dataset_(dataset), named_(named) {}

    /// The request of a line; valid until the next one.
    Request read(const std::string& line, std::size_t number) {
        if (named_ != nullptr) return named_->read(line, number);
        return columns_.read(line, users_of(dataset_));
    }
    /// What a request calls its name, as it stands there. Of a line that could not be read null where that is no JSON.
    std::string id_of(const std::string& line, bool readable) {
        const std::string id = raw_member_(line, named_ != nullptr ? named_->schema().id : "id");
        return id.empty() || (!readable && !model_file::parse_strictly(id, 16)) ? "null" : id;
    }
    /// The item at a position in the words of the data, or its number; null for one without a name. As JSON.
    std::string item_text(const Request& r, std::size_t position) const {
        if (named_ == nullptr) return number_text(r.items[position]);
        const std::string name = named_->item_name(position);
        return name.empty() ? "null" : json_text(name);
    }
    /// The same of a kind of event.
    std::string kind_text(std::int32_t kind) const {
        if (named_ == nullptr) return number_text(kind);
        const std::string name = named_->kind_name(kind);
        return name.empty() ? "null" : json_text(name);
    }
    /// Appends why each item stands where it stands, as a JSON list.
    void append_explanations(std::string& to, const std::vector<serve::Explanation>& explained,
                             const Request& r) const {
        to += '[';
        for (const serve::Explanation& e : explained) {
            const auto position = static_cast<std::size_t>(e.position);
            const auto item = static_cast<std::size_t>(r.items[position]);
            if (to.back() != '[') to += ',';
            to += fmt::format(R"({{"item":{},"initial_rank":{},"own_score":{},"from_items_before":{},"events":[)",
                              item_text(r, position), e.position, number_text(e.own_score),
                              number_text(e.from_items_before));
            for (const serve::MatchedEvent& m : e.matches) {
                if (to.back() != '[') to += ',';
                to += fmt::format(R"({{"seconds_before":{},"feedback":{},"attention":{}}})", m.seconds_before,
                                  kind_text(m.feedback), number_text(m.attention));
            }
            to += ']';
            if (dataset_ != nullptr && r.items[position] >= 0 && item < dataset_->titles.size())
                to += ",\"title\":" + json_text(dataset_->titles[item]);
            to += '}';
        }
        to += ']';
    }
    /// What was not taken as it came, besides what the encoder counts.
    std::string counts() const { return named_ != nullptr ? named_->counts() : ""; }

  private:
    const data::Dataset* dataset_;
    NamedRequests* named_;
    serve::RequestColumns columns_;
    RawMember raw_member_;
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
    const auto answer = [&](const std::string& line, std::size_t number) {
        bool readable = false;
        const auto answered = [&](const std::string& rest) {
            return "{\"id\":" + lines.id_of(line, readable) + "," + rest + "}\n";
        };
        const auto fail = [&](const std::string& error) { return answered("\"error\":" + json_text(error)); };
        try {
            const Request request = lines.read(line, number);
            readable = true;
            if (named != nullptr)
                model.encoder.check_one_of_many(request, rules(o.strict));  // they may share a table of events
            else
                model.encoder.check(request, rules(o.strict));
            notes.look_at(request);
            const serve::Reranked reranked = reranker(request, workspace, o.top);
            serve::check_scores(reranked, o.model);
            std::string rest;
            serve::append_answer(rest, reranked, [&](std::size_t i) { return lines.item_text(request, i); });
            if (o.explain)
                lines.append_explanations(rest += ",\"explain\":", serve::explain(cpu, model, request, reranked),
                                          request);
            return answered(rest.substr(1));
        } catch (const DataError& e) {  // names the line
            return fail(e.what());
        } catch (const Error& e) {
            return fail(fmt::format("line {}, {}", number, e.what()));
        }
    };
    LineInput input;
    std::string_view sent;
    std::string line;
    std::size_t number = 0;
    for (auto next = input.next(sent); next != LineInput::Next::end; next = input.next(sent)) {
        ++number;
        if (number == 1 && sent.starts_with("\xef\xbb\xbf")) sent.remove_prefix(3);  // a byte order mark
        if (next == LineInput::Next::line && sent.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        try {
            if (next == LineInput::Next::too_long) {
                print(
                    "{{\"id\":null,\"error\":\"line {}, request: found more than {} MiB, wanted a shorter line, or a "
                    "larger limit: --max-line\"}}\n",
                    number, limits().line);
            } else {
                line = sent;
                write_output(answer(line, number));
            }
        } catch (const std::bad_alloc&) {  // the next line may need less
            write_output("{\"id\":null,\"error\":\"memory: found too little, wanted enough for this line\"}\n");
        }
        MemoryReserve::refill();
        flush_output();
    }
    if (named != nullptr) named->note_joins();
    if (const EncodingCounts& counts = workspace.batch.counts; o.counts) {
        std::string taken = text(counts);
        if (const std::string more = lines.counts(); !more.empty()) taken += (taken.empty() ? "" : ", ") + more;
        print_error(fmt::format("psad: in {} requests: {}", counts.requests, taken.empty() ? "nothing to say" : taken));
    }
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
