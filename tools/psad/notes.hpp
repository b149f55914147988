// What a command takes although it is not as in training, said on standard error.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "output.hpp"
#include "psad/data/request_files.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::cli {

/// Says once of each dense feature that requests lack it although all training lists had it, or have it although none
/// had.
class ColumnNotes {
  public:
    explicit ColumnNotes(const Schema& schema) : schema_(&schema) {}

    void look_at(const Request& r) {
        if (r.candidate_dense.columns() != schema_->candidate_dense.size()) {
            look_at("score", r.scores);
            look_at("aux", r.aux);
        }
        look_at(r.candidate_dense, schema_->candidate_dense);
        look_at(r.user_dense, schema_->user_dense);
        look_at(r.context_dense, schema_->context_dense);
    }

  private:
    void look_at(const char* name, const FeatureColumn& column) {
        const auto feature = std::ranges::find(schema_->candidate_dense, name, &DenseFeature::name);
        const bool known = feature != schema_->candidate_dense.end();
        if (column.empty() && known && !feature->optional) say_missing(name);
        if (!column.empty() && !known && said_.insert(name).second)
            print_error(fmt::format("psad: note: requests have {}, which no training list had: it is not read", name));
    }
    void look_at(const FeatureRows& rows, const std::vector<DenseFeature>& features) {
        if (!rows.empty()) return;
        for (const DenseFeature& f : features) {
            if (f.name != "score" && f.name != "aux" && !f.optional) say_missing(f.name);
        }
    }
    void say_missing(const std::string& name) {
        if (said_.insert(name).second) {
            print_error(fmt::format(
                "psad: note: requests lack {}, which all training lists had: its values count as missing", name));
        }
    }

    const Schema* schema_;
    std::set<std::string, std::less<>> said_;
};

inline void note_contradictions(const data::JoinCounts& joins) {
    if (joins.contradictions > 0)
        print_error(
            fmt::format("psad: note: {} times what is said of an item differs from what is known of it: "
                        "that is kept, and what is said is not read",
                        joins.contradictions));
}

/// Says how much of the requests the tables knew, and of a table that knew nothing at all what to look for. Nothing is
/// printed without a table.
inline void print_joins(const data::JoinCounts& joins, const data::SideTables& side, const TableOptions& tables,
                        bool to_output) {
    const auto say = [&](const Words& files, std::size_t found, std::size_t of, const char* what) {
        if (files.empty() || of == 0) return;
        if (to_output) print("{}: {} of {} {}\n", files.front(), found, of, what);
        if (found == 0)
            print_error(fmt::format("psad: note: {} has none of the {} {}: are names and times of one kind?",
                                    files.front(), of, what));
    };
    say(tables.items, joins.items, joins.candidates, "candidates known");
    say(tables.users, joins.users, joins.requests, "requests with a known user");
    say(tables.events, joins.with_events, joins.requests, "requests with earlier events of their user");
    if (side.events && side.events->without_user > 0)
        print_error(fmt::format("psad: note: {}: {} events have no user: nobody's history has them",
                                tables.events.front(), side.events->without_user));
    if (side.events && side.events->without_item > 0)
        print_error(
            fmt::format("psad: note: {}: {} events have no item", tables.events.front(), side.events->without_item));
    if (joins.without_item > 0)
        print_error(
            fmt::format("psad: note: {} candidates have no item: nothing is known of them", joins.without_item));
    if (joins.own_history)
        print_error("psad: note: requests bring their history: --events takes its place, and it is not read");
    note_contradictions(joins);
}

/// Throws DataError for a name that training did not have, as --strict asks.
inline void must_know_names(data::Names& names) {
    if (const auto unknown = names.take_unknown())
        throw DataError(unknown->source, unknown->place, "the unknown " + unknown->name,
                        "names of training, as --strict asks");
}

/// "3 late events, 7 unknown values", or nothing where all came as it should.
inline std::string text(const EncodingCounts& counts) {
    std::string out;
    EncodingCounts::for_each_column(
        [&](const char* name, std::int64_t count) {
            if (count == 0 || std::string_view(name) == "requests") return;
            std::string words = name;
            std::ranges::replace(words, '_', ' ');
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, words);
        },
        counts);
    return out;
}

}  // namespace psad::cli
