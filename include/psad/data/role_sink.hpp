/// \file role_sink.hpp
/// Takes cells by the roles of their columns: what tables and requests have in common.
#pragma once

#include <string_view>
#include <utility>

#include "psad/data/cell.hpp"
#include "psad/data/column_roles.hpp"
#include "psad/data/group_rows.hpp"
#include "psad/data/names.hpp"
#include "psad/data/record_sink.hpp"

namespace psad::inline PSAD_ABI::data {

/// A column may have several roles. Dense features and fields go to the rows of their groups; all else is the sink's
/// own.
class RoleSink : public RecordSink {
  public:
    void take(int column, std::string_view text) override { take_text(column, plain_name(text)); }
    void take_text(int column, std::string_view text) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role))
                cells_.text(roles_[c], text, row_of(roles_[c]), *where_);
            else
                take_own(roles_[c], text);
        }
    }
    void take_number(int column, double value) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role))
                cells_.number(roles_[c], value, row_of(roles_[c]), *where_);
            else
                take_own(roles_[c], cell_text(value));
        }
    }
    void take_missing(int column) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role)) cells_.missing(roles_[c], row_of_missing(roles_[c]));
        }
    }
    void begin_values(int column) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (!is_cell(roles_[c].role)) where_->fail(roles_[c].name, "a list", "one value");
            cells_.list(roles_[c], row_of(roles_[c]), *where_);
        }
    }
    void end_values(int) override { cells_.end_list(); }

  protected:
    explicit RoleSink(Names& names) : names_(&names), cells_(names), items_(names.learned_items()) {}

    void read_from(const Where& where) {
        where_ = &where;
        names_->read_from(where_);
        roles_.begin_file();
    }
    /// The file ends. It costs as much as a row with all columns.
    void end_reading() {
        count_cells(static_cast<long long>(roles_.all().size()));
        where_ = nullptr;
        names_->read_from(nullptr);
    }

    /// What a candidate counts as beside its cells, and a row of a table or a history.
    static constexpr long long per_candidate = 2, per_row = 4;

    /// So many cells will be kept. Throws DataError where the files may have no more.
    void count_cells(long long more, const char* wanted = "fewer rows or columns, or a larger limit: --max-cells") {
        counted_ += more;
        if (const long long most = where_->most().cells; counted_ > most)
            where_->fail("", "more than " + std::to_string(most) + " cells, named or not, so far", wanted);
    }
    /// The same of a row, so many times.
    void count(const GroupRows& row, int times = 1) { count_cells(times * row.cells_of_row()); }
    /// The same of items that were not known before: each is a row of what is known of items.
    void count_new_items() {
        const ColumnGroup& columns = names_->schema().of_item;
        const std::size_t now = names_->learned_items(), before = std::exchange(items_, now);
        count_cells(static_cast<long long>((now - before) * (columns.dense.size() + 2 * columns.fields.size())));
    }
    /// The same of a row of a table, which comes with each request of its user. It is read once: its bytes count.
    void count_copy(const GroupRows& row) {
        count_cells(row.bytes_of_row() / 8, "fewer numbers and values of users, or a larger limit: --max-cells");
    }
    /// The row of an item. Each event on an item costs as much as the item has values.
    void must_not_be_crowded(const GroupRows& row) const {
        if (row.values_of_row() > static_cast<std::size_t>(limits().values))
            where_->fail("", std::to_string(row.values_of_row()) + " values of one item",
                         "at most " + std::to_string(limits().values) + ", or a larger limit: --max-values");
    }
    /// The same of a list with its name.
    void count_list(std::string_view id) {
        const InputLimits most = where_->most();
        if (++lists_ > most.lists)
            where_->fail("", "more than " + std::to_string(most.lists) + " lists in files of their size",
                         "no more, or a larger limit: --max-cells");
        count_cells(most.cells_of_list() + static_cast<long long>(id.size()) / 8);
    }
    /// What is read from here on has limits of its own.
    void count_anew() { counted_ = lists_ = 0; }

    /// The row that a cell of a role is put into.
    virtual GroupRows& row_of(const ColumnRole& role) = 0;
    /// The same of a cell without a value.
    virtual GroupRows& row_of_missing(const ColumnRole& role) { return row_of(role); }
    virtual void take_own(const ColumnRole& role, std::string_view text) = 0;

    Names* names_;
    ColumnRoles roles_;
    CellTaker cells_;
    const Where* where_ = nullptr;

  private:
    long long counted_ = 0, lists_ = 0;  ///< cells, lists
    std::size_t items_;                  ///< that were learned
};

}  // namespace psad::data
