/// \file open_columns.hpp
/// What a guess at a schema takes columns for, and those that it has not taken yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/data/column_survey.hpp"
#include "psad/data/usual_names.hpp"
#include "psad/features/data_schema.hpp"

namespace psad::inline PSAD_ABI::data {

/// A column, what it was taken for ("request.time", "candidate.dense", ..., or why it is not read), and what it holds.
struct GuessedColumn {
    std::string of;  ///< the file or the list
    std::string use;
    ColumnSurvey survey;
};

struct GuessedSchema {
    DataSchema schema;
    std::vector<GuessedColumn> columns;
};

namespace detail {

/// The columns of one level of one survey that are not taken yet. What is taken leaves the survey.
class OpenColumns {
  public:
    OpenColumns(SurveySink& survey, int level, std::string of) : of_(std::move(of)) {
        for (const std::size_t number : survey.columns_of(level)) {
            ColumnSurvey& c = survey.columns()[number];
            // A list whose first rows are empty looks like a list of values.
            if (level > 0 || !survey.has_list(c.name)) open_.push_back(&c);
        }
    }

    /// The first of the names that a column has and that `fits`; empty if none does.
    template <class Fits>
    std::string take(NameList names, const char* use, GuessedSchema& to, Fits fits) {
        for (const std::string_view name : names) {
            const auto found =
                std::ranges::find_if(open_, [&](const ColumnSurvey* c) { return lower(c->name) == name && fits(*c); });
            if (found != open_.end()) return take(found, use, to);
        }
        return {};
    }
    std::string take(NameList names, const char* use, GuessedSchema& to) {
        return take(names, use, to, [](const ColumnSurvey&) { return true; });
    }
    void take_kinds(GuessedSchema& to, bool has_grade) {
        for (std::size_t i = 0; i < open_.size();) {
            const double worth = usual_worth(lower(open_[i]->name));
            if (worth == 0) {
                ++i;
                continue;
            }
            const auto at = open_.begin() + static_cast<std::ptrdiff_t>(i);
            if (has_grade || !open_[i]->is_numeric()) {
                to.schema.unread.push_back(take(at, "not read: feedback beside the label", to));
            } else {
                to.schema.gain.kinds.emplace_back(take(at, "label.kinds", to), worth);
            }
        }
    }
    /// All others become features and fields of a group, or stay unread.
    void take_rest(ColumnGroup& group, const char* name, GuessedSchema& to, bool only_constant = false) {
        std::vector<ColumnSurvey*> left;
        for (ColumnSurvey* c : open_) {
            if (only_constant && (c->varies_within || c->has_lists())) {
                left.push_back(c);
            } else if (c->values == 0) {
                to.schema.unread.push_back(c->name);
                to.columns.push_back({of_, "not read: no value", std::move(*c)});
            } else if (c->is_numeric() && !c->has_lists() && !is_code(*c)) {
                group.dense.push_back({.name = c->name});
                c->missing += std::exchange(c->no_numbers, 0);
                to.columns.push_back({of_, std::string(name) + ".dense", std::move(*c)});
            } else if (c->values += std::exchange(c->no_numbers, 0); c->is_unique() && !c->has_lists()) {
                to.schema.unread.push_back(c->name);
                to.columns.push_back({of_, "not read: nearly each value is another", std::move(*c)});
            } else {
                const bool splits = c->has_splits && !c->has_lists();
                group.fields.push_back({c->name, 0, splits ? "|" : ""});
                to.columns.push_back(
                    {of_, std::string(name) + (splits ? ".fields, split at |" : ".fields"), std::move(*c)});
            }
        }
        open_ = std::move(left);
    }
    bool has(NameList names) const {
        return std::ranges::any_of(open_, [&](const ColumnSurvey* c) {
            const std::string name = lower(c->name);
            return std::ranges::count(names, std::string_view(name)) > 0 || usual_worth(name) > 0;
        });
    }
    /// All that are called by one of the names.
    void leave_unread(std::initializer_list<NameList> names, const char* why, GuessedSchema& to) {
        const auto is_other = [&](const ColumnSurvey* c) {
            return std::ranges::none_of(names, [&](NameList n) { return std::ranges::count(n, lower(c->name)) > 0; });
        };
        const auto left = std::stable_partition(open_.begin(), open_.end(), is_other);
        for (auto c = left; c != open_.end(); ++c) {
            to.schema.unread.push_back((*c)->name);
            to.columns.push_back({of_, why, std::move(**c)});
        }
        open_.erase(left, open_.end());
    }
    void leave_out(const std::string& name, const char* why, GuessedSchema& to) {
        const auto found = std::ranges::find(open_, name, &ColumnSurvey::name);
        if (found != open_.end()) take(found, why, to);
    }

    static std::string lower(std::string text) {
        std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
        return text;
    }

  private:
    std::string take(std::vector<ColumnSurvey*>::iterator at, const char* use, GuessedSchema& to) {
        ColumnSurvey* const c = *at;
        open_.erase(at);
        to.columns.push_back({of_, use, std::move(*c)});
        return to.columns.back().survey.name;
    }
    /// Whole numbers that name things.
    static bool is_code(const ColumnSurvey& c) {
        const std::string name = lower(c.name);
        const auto ends = [&](std::string_view end) { return name.ends_with(end); };
        const bool by_name = ends("_id") || ends("_code") || ends("_type") || ends("_category") || name == "category" ||
                             name == "brand" || name == "zip" || name == "country" || name == "tag" || name == "genre";
        return c.is_code() || (by_name && c.whole_numbers == c.values);
    }

    std::string of_;
    std::vector<ColumnSurvey*> open_;
};

}  // namespace detail
}  // namespace psad::data
