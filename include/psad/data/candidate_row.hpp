/// \file candidate_row.hpp
/// The candidate that is read: its cells, its item, and what it is worth.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/column_roles.hpp"
#include "psad/data/group_rows.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::data {

struct CandidateRow {
    GroupRows cells, item_cells;
    std::int32_t item = -1;
    double position = nan, propensity = nan, teacher_score = nan;
    double label = nan;               ///< a grade or a gain; NaN while nothing was said
    std::vector<float> labels_alone;  ///< 0 where nothing was said
    bool has_item_cells = false;      ///< else the row of item_cells holds nothing, and is not at its end

    CandidateRow() = default;
    CandidateRow(const DataSchema& schema, std::size_t count_alone)
        : cells(schema.of_candidate), item_cells(schema.of_item), labels_alone(count_alone) {
        item_cells.begin_row(nan);
    }

    void begin(double absent) {
        cells.clear();
        cells.begin_row(absent);
        if (has_item_cells) item_cells.clear(), item_cells.begin_row(nan);
        item = -1;
        position = propensity = teacher_score = label = nan;
        std::ranges::fill(labels_alone, 0.0f);
        has_item_cells = false;
    }

    /// One of the numbers besides the cells.
    void take(const ColumnRole& c, std::string_view text, const Where& where) {
        double x = 0;
        if (is_missing_number(text)) return;
        const bool is_number = parse_cell(text, x) && !std::isnan(x);
        const auto wanted = [&](bool fits, const char* what) {
            if (!is_number || !fits) where.fail(c.name, in_quotes(text), what);
        };
        switch (c.role) {
            case Role::position:
                wanted(true, "a number");
                position = x;
                return;
            case Role::propensity:
                wanted(x > 0 && x <= 1, "a probability above 0, up to 1");
                propensity = x;
                return;
            case Role::teacher_score:
                wanted(std::abs(x) <= 1e30, "a number");
                teacher_score = x;
                return;
            case Role::grade:
                wanted(x >= 0 && x <= max_grade && x == std::floor(x),
                       "a whole grade from 0 to 30 (other numbers: label.gain in a schema)");
                label = x;
                return;
            case Role::gain:
                wanted(x >= 0 && x < 0x1p30, "a gain from 0 to 2^30 - 1");
                label = x;
                return;
            default:
                wanted(x >= 0 && x < 0x1p30, "a number from 0 to 2^30 - 1, such as 0, 1 or a count");
                if (c.role == Role::label_alone)
                    labels_alone[static_cast<std::size_t>(c.index)] = static_cast<float>(x);
                else
                    label = (std::isnan(label) ? 0 : label) + c.worth * x;
        }
    }

  private:
    static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
};

/// The items of a request.
class DistinctItems {
  public:
    void clear() { few_.clear(), many_.clear(); }
    /// False for one that is there.
    bool add(std::int32_t item) {
        constexpr std::size_t looked_at = 128;  // faster than a hash
        if (few_.size() == looked_at) {
            if (many_.empty()) many_ = {few_.begin(), few_.end()};
            return many_.insert(item).second;
        }
        if (std::ranges::count(few_, item) > 0) return false;
        few_.push_back(item);
        return true;
    }

  private:
    std::vector<std::int32_t> few_;
    std::unordered_set<std::int32_t> many_;
};

/// The order in which candidates were shown, by their positions on the screen; those without one (NaN) were not. Empty
/// where none has a position: nobody knows.
inline std::vector<std::int32_t> shown_order(const std::vector<double>& positions) {
    std::vector<std::int32_t> order;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        if (!std::isnan(positions[i])) order.push_back(static_cast<std::int32_t>(i));
    }
    std::ranges::stable_sort(order, {}, [&](std::int32_t i) { return positions[static_cast<std::size_t>(i)]; });
    return order;
}

}  // namespace psad::data
