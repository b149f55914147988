/// \file side_tables.hpp
/// Tables beside the requests: users and items by name, events by user and time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/column_roles.hpp"

namespace psad::inline PSAD_ABI::data {

/// Features and fields of users, by the user's name.
struct UserTable {
    IdMap names;
    GroupRows rows;
    std::vector<std::string> columns = {};  ///< those of the schema that the table has
};

/// Events of users, those of one user together, oldest first.
struct EventTable {
    IdMap users;
    std::vector<std::size_t> begin;  ///< [users + 1]
    std::vector<std::int64_t> times;
    std::vector<std::int32_t> items, kinds;
    GroupRows rows;

    /// [first, last) of the events of a user before `time`.
    std::pair<std::size_t, std::size_t> before(std::string_view user, std::int64_t time) const {
        const std::int32_t u = users.find(user);
        if (u < 0) return {0, 0};
        const std::size_t first = begin[static_cast<std::size_t>(u)], last = begin[static_cast<std::size_t>(u) + 1];
        const auto from = times.begin() + static_cast<std::ptrdiff_t>(first);
        const auto to = times.begin() + static_cast<std::ptrdiff_t>(last);
        return {first, first + static_cast<std::size_t>(std::lower_bound(from, to, time) - from)};
    }
};

/// What tables knew of the requests.
struct JoinCounts {
    std::size_t requests = 0, users = 0, with_events = 0;  ///< whose user is in the table; whose history has events
    std::size_t candidates = 0, items = 0;                 ///< whose item is in the catalog
    std::size_t contradictions = 0;  ///< candidates that say other things of their item than what is known of it
};

/// Takes the rows of a flat table: one key, perhaps a time, an item and a kind, and the cells of one group.
class TableSink : public RecordSink {
  public:
    TableSink(Names& names, Group group) : names_(&names), cells_(names), row_(columns_of(names.schema(), group)) {
        roles_.add_group(0, group, columns_of(names.schema(), group));
    }

    void begin_file(const Where& where, double) override {
        where_ = &where;
        roles_.begin_file();
    }
    int column(int level, std::string_view name) override { return roles_.find(level, name); }
    int list(std::string_view) override { return not_read; }
    void begin_row(int) override {
        row_.clear();
        row_.begin_row(std::numeric_limits<double>::quiet_NaN());
        clear();
    }
    void take(int column, std::string_view text) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role))
                cells_.text(roles_[c], text, row_, *where_);
            else
                take_own(roles_[c], text);
        }
    }
    void take_number(int column, double value) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role))
                cells_.number(roles_[c], value, row_, *where_);
            else
                take_own(roles_[c], cell_text(value));
        }
    }
    void take_missing(int column) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (is_cell(roles_[c].role)) cells_.missing(roles_[c], row_);
        }
    }
    void begin_values(int column) override {
        for (int c = column; c >= 0; c = roles_[c].next) {
            if (!is_cell(roles_[c].role)) where_->fail(roles_[c].name, "a list", "one value");
            cells_.list(roles_[c], row_, *where_);
        }
    }
    void end_values(int) override { cells_.end_list(); }
    void end_row(int) override {
        row_.end_row();
        add();
    }
    void end_file() override {
        for (const ColumnRole& r : roles_.all()) {
            if (!r.seen && is_required(r)) where_->fail("", "no column " + in_quotes(r.name), "it, as the schema says");
        }
    }

  protected:
    virtual void take_own(const ColumnRole& role, std::string_view text) = 0;
    virtual void clear() = 0;
    virtual void add() = 0;
    virtual bool is_required(const ColumnRole& role) const {
        return role.role != Role::dense && role.role != Role::field;
    }

    Names* names_;
    ColumnRoles roles_;
    CellTaker cells_;
    GroupRows row_;  ///< the one that is read
    const Where* where_ = nullptr;

    /// A row without its key: the column is not there, or the cell is empty.
    [[noreturn]] void fail_key(const std::string& key, const char* wanted) const {
        const auto is_it = [&](const ColumnRole& r) { return r.name == key && r.seen; };
        if (std::ranges::any_of(roles_.all(), is_it)) where_->fail(key, "nothing", wanted);
        std::string names;
        for (const std::string& n : roles_.unread()) names += (names.empty() ? "" : ", ") + printable(n, 40);
        where_->fail("", "no column " + in_quotes(key) + (names.empty() ? "" : ", but " + names),
                     "it, as the schema says");
    }
};

class UserTableSink final : public TableSink {
  public:
    explicit UserTableSink(Names& names) : TableSink(names, Group::user) {
        roles_.add(0, {.name = names.schema().user, .role = Role::user});
        table_.rows = GroupRows(names.schema().of_user);
    }
    UserTable table() {
        for (const ColumnRole& r : roles_.all()) {
            if (r.ever_seen) table_.columns.push_back(r.name);
        }
        return std::move(table_);
    }

  private:
    void clear() override { user_.clear(); }
    void take_own(const ColumnRole&, std::string_view text) override { user_ = text; }
    void add() override {
        if (user_.empty()) fail_key(names_->schema().user, "the user's name");
        if (table_.names.find(user_) >= 0)
            where_->fail(names_->schema().user, in_quotes(user_) + " again", "each user once");
        table_.names.add(user_);
        table_.rows.begin_row(row_, 0);
        table_.rows.end_row();
    }

    std::string user_;
    UserTable table_;
};

/// Adds the items of a table to the names and their rows.
class ItemTableSink final : public TableSink {
  public:
    explicit ItemTableSink(Names& names) : TableSink(names, Group::item) {
        roles_.add(0, {.name = names.schema().item, .role = Role::item});
    }

  private:
    void clear() override { item_.clear(); }
    void take_own(const ColumnRole&, std::string_view text) override { item_ = text; }
    void add() override {
        if (item_.empty()) fail_key(names_->schema().item, "the item's name");
        const std::int32_t id = names_->item(item_);
        if (names_->rows().has(static_cast<std::size_t>(id)))
            where_->fail(names_->schema().item, in_quotes(item_) + " again", "each item once");
        names_->add_row(id, row_);
    }
    bool is_required(const ColumnRole&) const override { return true; }

    std::string item_;
};

class EventTableSink final : public TableSink {
  public:
    explicit EventTableSink(Names& names) : TableSink(names, Group::event) {
        const DataSchema& s = names.schema();
        roles_.add(0, {.name = s.user, .role = Role::user});
        roles_.add(0, {.name = s.event_item, .role = Role::item});
        roles_.add(0, {.name = s.event_time, .role = Role::time});
        roles_.add(0, {.name = s.event_kind, .role = Role::event_kind});
        rows_ = GroupRows(s.of_event);
    }

    /// All events that were read, sorted by user and time; those of one time stay as they stood in the files.
    EventTable table() {
        EventTable out;
        std::vector<std::size_t> order(times_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return users_[a] != users_[b] ? users_[a] < users_[b] : times_[a] < times_[b];
        });
        out.rows = GroupRows(names_->schema().of_event);
        out.begin.assign(user_names_.size() + 1, 0);
        for (const std::size_t e : order) {
            ++out.begin[static_cast<std::size_t>(users_[e]) + 1];
            out.times.push_back(times_[e]);
            out.items.push_back(items_[e]);
            out.kinds.push_back(kinds_[e]);
            out.rows.begin_row(rows_, e);
            out.rows.end_row();
        }
        std::partial_sum(out.begin.begin(), out.begin.end(), out.begin.begin());
        out.users = std::move(user_names_);
        return out;
    }

  private:
    void clear() override { user_ = item_ = kind_ = -1, has_time_ = false; }
    void take_own(const ColumnRole& c, std::string_view text) override {
        switch (c.role) {
            case Role::user:
                user_ = text.empty() ? -1 : user_names_.add(text);
                break;
            case Role::item:
                item_ = text.empty() ? -1 : names_->item(text);
                break;
            case Role::event_kind:
                kind_ = text.empty() ? 0 : names_->kind(text);
                break;
            default:
                if (!parse_time(text, time_)) where_->fail(c.name, in_quotes(text), "unix seconds, or ISO 8601");
                has_time_ = true;
        }
    }
    void add() override {
        if (user_ < 0) fail_key(names_->schema().user, "the user's name");
        if (!has_time_) fail_key(names_->schema().event_time, "the time of the event");
        users_.push_back(user_);
        times_.push_back(time_);
        items_.push_back(item_);
        kinds_.push_back((std::max)(0, kind_));
        rows_.begin_row(row_, 0);
        rows_.end_row();
    }
    bool is_required(const ColumnRole&) const override { return true; }

    IdMap user_names_;
    std::vector<std::int32_t> users_, items_, kinds_;
    std::vector<std::int64_t> times_;
    GroupRows rows_;
    std::int32_t user_ = -1, item_ = -1, kind_ = -1;
    std::int64_t time_ = 0;
    bool has_time_ = false;
};

}  // namespace psad::data
