/// \file user_row.hpp
/// What a request says of its user, and what a table knows besides.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "psad/data/column_roles.hpp"
#include "psad/data/group_rows.hpp"

namespace psad::inline PSAD_ABI::data {

struct UserRow {
    GroupRows cells;

    UserRow() = default;
    explicit UserRow(const ColumnGroup& columns)
        : cells(columns), states_(columns.dense.size() + columns.fields.size(), State::silent) {}

    void begin(double absent) {
        for (const Given& g : given_) state(g) = State::silent;
        given_.clear();
        cells.clear();
        cells.begin_row(absent);
        absent_ = absent;
    }
    /// The row that a cell of a role is put into.
    GroupRows& cell(const ColumnRole& r) { return say(r, State::has_value); }
    /// The same of a cell that says that its value is missing: what a table knows stays.
    GroupRows& missing_cell(const ColumnRole& r) { return say(r, State::is_missing); }
    /// Appends the row: `known` of `table`, or nothing where that is below 0, and over it what the request says.
    void add_to(GroupRows& to, const GroupRows* table, std::int32_t known) {
        cells.end_row();
        if (known >= 0)
            to.begin_row(*table, static_cast<std::size_t>(known));
        else
            to.begin_row(absent_);
        for (const Given& g : given_) {
            if (state(g) == State::is_missing && known >= 0) continue;
            if (g.role == Role::dense)
                to.number(g.index) = cells.number(g.index);
            else
                to.ids(g.index) = cells.ids(g.index);
        }
        to.end_row();
    }

  private:
    enum class State : std::uint8_t { silent, is_missing, has_value };
    struct Given {
        Role role;
        std::size_t index;
    };

    State& state(const Given& g) { return states_[g.role == Role::dense ? g.index : cells.features() + g.index]; }
    /// A list says something of its column with each value.
    GroupRows& say(const ColumnRole& r, State said) {
        const Given g{r.role, static_cast<std::size_t>(r.index)};
        if (state(g) == State::silent) given_.push_back(g);
        state(g) = (std::max)(state(g), said);
        return cells;
    }

    std::vector<Given> given_;   ///< what the request speaks of
    std::vector<State> states_;  ///< what it says, of features and then of fields
    double absent_ = 0;
};

}  // namespace psad::data
