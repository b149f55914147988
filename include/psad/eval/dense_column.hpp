/// \file dense_column.hpp
/// A dense feature of candidates or of their items, by name: what a list earns is often a column that models read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI::eval {

class DenseColumn {
  public:
    /// The name of a feature of candidates, or else of items; "item.NAME" is one of items alone. Throws SettingError,
    /// from `source`, for one that the schema lacks.
    DenseColumn(const Schema& schema, std::string_view name, const std::string& source = "dense feature")
        : schema_(&schema), name_(name) {
        column_ = find(schema.candidate_dense, name_);
        if (column_ < schema.candidate_dense.size()) return;
        of_item_ = true;
        column_ = find(schema.item_dense, name_);
        if (column_ == schema.item_dense.size() && name.starts_with(of_items))
            column_ = find(schema.item_dense, name.substr(of_items.size()));
        if (column_ < schema.item_dense.size()) return;
        std::string known;
        for (const auto* features : {&schema.candidate_dense, &schema.item_dense}) {
            for (const DenseFeature& f : *features) known += (known.empty() ? "" : ", ") + f.name;
        }
        throw SettingError(source, "", name_, known.empty() ? "none: there are no such features" : known);
    }

    /// Of candidate i, as it came; NaN where it is missing.
    double operator()(const Catalog& catalog, const Request& r, std::size_t i) const {
        constexpr double missing = std::numeric_limits<double>::quiet_NaN();
        if (of_item_) {
            const double* numbers = find_candidate(catalog, r, i).dense();
            return numbers == nullptr ? missing : numbers[column_];
        }
        if (name_ == "score" && !r.scores.empty()) return r.scores[i];
        if (name_ == "aux" && !r.aux.empty()) return r.aux[i];
        const auto& features = schema_->candidate_dense;
        std::size_t column = column_;
        if (r.candidate_dense.columns() != features.size()) {  // all but score and aux
            if (name_ == "score" || name_ == "aux") return missing;
            column -= static_cast<std::size_t>(
                std::count_if(features.begin(), features.begin() + static_cast<std::ptrdiff_t>(column_),
                              [](const DenseFeature& f) { return f.name == "score" || f.name == "aux"; }));
        }
        return r.candidate_dense.empty() ? missing : r.candidate_dense(i, column);
    }

    /// What tells a feature of items from one of candidates.
    static std::string name_of_item_feature(const Schema& schema, const std::string& name) {
        const bool taken = find(schema.candidate_dense, name) < schema.candidate_dense.size();
        return taken ? std::string(of_items) + name : name;
    }

  private:
    static constexpr std::string_view of_items = "item.";

    static std::size_t find(const std::vector<DenseFeature>& features, std::string_view name) {
        return static_cast<std::size_t>(std::ranges::find(features, name, &DenseFeature::name) - features.begin());
    }

    const Schema* schema_;
    std::string name_;
    std::size_t column_ = 0;
    bool of_item_ = false;
};

}  // namespace psad::eval
