/// \file user_row.hpp
/// What a request says of its user, and what a table knows besides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "psad/data/column_roles.hpp"
#include "psad/data/group_rows.hpp"

namespace psad::inline PSAD_ABI::data {

struct UserRow {
    GroupRows cells;

    UserRow() = default;
    explicit UserRow(const ColumnGroup& columns) : cells(columns) {}

    void begin(double absent) {
        given_.clear();
        cells.clear();
        cells.begin_row(absent);
        absent_ = absent;
    }
    /// The row that a cell of a role is put into.
    GroupRows& cell(const ColumnRole& r) {
        given_.push_back({r.role, r.index, false});
        return cells;
    }
    /// The same of a cell that says that its value is missing: what a table knows stays.
    GroupRows& missing_cell(const ColumnRole& r) {
        given_.push_back({r.role, r.index, true});
        return cells;
    }
    /// Appends the row: `known` of `table`, or nothing where that is below 0, and over it what the request says.
    void add_to(GroupRows& to, const GroupRows* table, std::int32_t known) {
        cells.end_row();
        if (known >= 0)
            to.begin_row(*table, static_cast<std::size_t>(known));
        else
            to.begin_row(absent_);
        for (const auto& [role, index, is_missing] : given_) {
            if (is_missing && known >= 0) continue;
            const auto i = static_cast<std::size_t>(index);
            if (role == Role::dense)
                to.number(i) = cells.number(i);
            else
                to.ids(i) = cells.ids(i);
        }
        to.end_row();
    }

  private:
    struct Given {
        Role role;
        int index;
        bool is_missing;
    };
    std::vector<Given> given_;  ///< those that the request has
    double absent_ = 0;
};

}  // namespace psad::data
