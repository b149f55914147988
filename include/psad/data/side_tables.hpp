/// \file side_tables.hpp
/// Tables beside the requests: users and items by name, events by user and time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/column_roles.hpp"
#include "psad/data/role_sink.hpp"

namespace psad::inline PSAD_ABI::data {

/// Features and fields of users, by the user's name.
struct UserTable {
    IdMap names;
    GroupRows rows;
    std::set<std::string, std::less<>> columns = {};  ///< those of the schema that the table has
};

/// Events of users, those of one user together, oldest first.
struct EventTable {
    IdMap users;
    std::vector<std::size_t> begin;  ///< [users + 1]
    std::vector<std::int64_t> times;
    std::vector<std::int32_t> items, kinds;
    GroupRows rows;
    std::size_t without_user = 0;  ///< events that are not here, as nobody knows whose they are
    std::size_t without_item = 0;  ///< events on nobody knows what

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
    std::size_t without_item = 0;                          ///< candidates
    std::size_t contradictions = 0;                        ///< Names::contradictions()
    bool own_history = false;  ///< requests bring one, and there is a table of events: that alone is read
};

/// Takes the rows of a flat table: one key, perhaps a time, an item and a kind, and the cells of one group.
class TableSink : public RoleSink {
  public:
    TableSink(Names& names, Group group) : RoleSink(names), row_(columns_of(names.schema(), group)) {
        roles_.add_group(0, group, columns_of(names.schema(), group));
    }

    void begin_file(const Where& where, double) override { read_from(where); }
    int column(int level, std::string_view name) override { return roles_.find(level, name); }
    int list(std::string_view name) override {
        roles_.note_unread(name);
        return not_read;
    }
    void begin_row(int) override {
        row_.clear();
        row_.begin_row(std::numeric_limits<double>::quiet_NaN());
        clear();
    }
    void end_row(int) override {
        row_.end_row();
        count_cells(per_row), count(row_, 2);  // read, and put in order
        add();
    }
    void end_file() override {
        for (const ColumnRole& r : roles_.all()) {
            if (!r.seen && is_required(r))
                throw DataError(where_->source(), "", "no column " + in_quotes(r.name), "it, as the schema says");
        }
        end_reading();
    }
    /// Columns that the schema does not name.
    const std::set<std::string, std::less<>>& unread() const { return roles_.unread(); }

  protected:
    virtual void clear() = 0;
    virtual void add() = 0;
    virtual bool is_required(const ColumnRole& role) const {
        return role.role != Role::dense && role.role != Role::field;
    }

    GroupRows& row_of(const ColumnRole&) final { return row_; }

    GroupRows row_;  ///< the one that is read

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
            if (r.ever_seen) table_.columns.insert(r.name);
        }
        return std::move(table_);
    }

  private:
    void clear() override { user_.clear(); }
    void take_own(const ColumnRole&, std::string_view text) override { user_ = is_missing_name(text) ? "" : text; }
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
    void take_own(const ColumnRole&, std::string_view text) override { item_ = is_missing_name(text) ? "" : text; }
    void add() override {
        if (item_.empty()) fail_key(names_->schema().item, "the item's name");
        const std::int32_t id = names_->item(item_);
        if (names_->rows().has(static_cast<std::size_t>(id)))
            where_->fail(names_->schema().item, in_quotes(item_) + " again", "each item once");
        must_not_be_crowded(row_);
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
        out.without_user = without_user_;
        out.without_item = without_item_;
        return out;
    }

  private:
    void clear() override { user_ = item_ = kind_ = -1, has_time_ = false; }
    void take_own(const ColumnRole& c, std::string_view text) override {
        switch (c.role) {
            case Role::user:
                user_ = is_missing_name(text) ? -1 : user_names_.add(text);
                break;
            case Role::item:
                item_ = is_missing_name(text) ? -1 : names_->item_of_event(text);
                break;
            case Role::event_kind:
                kind_ = is_missing_name(text) ? 0 : names_->kind(text);
                break;
            default:
                if (!parse_time(text, time_)) where_->fail(c.name, in_quotes(text), wanted_time);
                has_time_ = true;
        }
    }
    void add() override {
        count_new_items();
        if (user_ < 0) return void(++without_user_);
        if (!has_time_) fail_key(names_->schema().event_time, "the time of the event");
        without_item_ += item_ < 0 ? 1 : 0;
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
    std::size_t without_user_ = 0, without_item_ = 0;
};

}  // namespace psad::data
