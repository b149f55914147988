// What a command takes although it is not as in training, said on standard error.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "output.hpp"
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
