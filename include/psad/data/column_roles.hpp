/// \file column_roles.hpp
/// What each column of a file is to psad, by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/names.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/features/data_schema.hpp"

namespace psad::inline PSAD_ABI::data {

enum class Role : std::uint8_t {
    id,
    user,
    time,
    weight,
    item,
    position,
    propensity,
    teacher_score,
    grade,
    gain,
    feedback,
    label_alone,
    event_kind,
    dense,
    field
};

/// A column that alone says what candidates are worth.
struct LabelColumn {
    std::string name;
    std::vector<float> gains = {};  ///< of the candidates of all requests, end to end; 0 where nothing is said
};

/// One use of a column. A column that has several is taken once for each: see `next`.
struct ColumnRole {
    std::string name;
    Role role{};
    Group group{};
    int index = 0;     ///< of a dense feature or field within its group, of a label that counts alone
    double worth = 0;  ///< of a kind of feedback
    char split = 0;
    int next = RecordSink::not_read;
    bool seen = false;  ///< in the file that is read
    bool ever_seen = false;
    bool lacked = false;  ///< by a file
};

inline bool is_cell(Role role) {
    return role == Role::dense || role == Role::field;
}
/// What is not there is 0.
inline bool is_feedback(Role role) {
    return role == Role::feedback || role == Role::label_alone;
}
inline bool is_label(Role role) {
    return role == Role::grade || role == Role::gain || is_feedback(role);
}

/// A file that lacked a column of the schema.
struct Lack {
    std::string_view column;
    std::string file;
    const ColumnRole* role = nullptr;  ///< null: the history
    bool is_input = false;             ///< of the model, not an id, a weight or the like
};

/// The columns that rows of one or two levels may have.
class ColumnRoles {
  public:
    void add(int level, ColumnRole role) {
        if (role.name.empty()) return;
        auto& names = by_name_[level];
        const auto number = static_cast<int>(roles_.size());
        const auto [entry, is_new] = names.try_emplace(role.name, number);
        if (!is_new) role.next = std::exchange(entry->second, number);
        roles_.push_back(std::move(role));
    }
    void add_group(int level, Group group, const ColumnGroup& columns) {
        for (std::size_t d = 0; d < columns.dense.size(); ++d)
            add(level,
                {.name = columns.dense[d].name, .role = Role::dense, .group = group, .index = static_cast<int>(d)});
        for (std::size_t f = 0; f < columns.fields.size(); ++f) {
            const FieldColumn& c = columns.fields[f];
            add(level, {.name = c.name,
                        .role = Role::field,
                        .group = group,
                        .index = static_cast<int>(f),
                        .split = c.split.empty() ? '\0' : c.split.front()});
        }
    }

    /// The first use of a column; names that no level uses are remembered.
    int find(int level, std::string_view name) {
        const auto names = by_name_.find(level);
        if (names != by_name_.end()) {
            if (const auto found = names->second.find(name); found != names->second.end()) {
                for (int c = found->second; c >= 0; c = (*this)[c].next) (*this)[c].seen = (*this)[c].ever_seen = true;
                if (const auto unread = unread_.find(name); unread != unread_.end()) unread_.erase(unread);
                return found->second;
            }
        }
        note_unread(name);
        return RecordSink::not_read;
    }

    ColumnRole& operator[](int column) { return roles_[static_cast<std::size_t>(column)]; }
    std::vector<ColumnRole>& all() { return roles_; }
    const std::vector<ColumnRole>& all() const { return roles_; }
    /// Columns of labels that no row had.
    std::set<std::string, std::less<>> missing_labels() const {
        std::set<std::string, std::less<>> out;
        for (const ColumnRole& r : roles_) {
            if (is_label(r.role) && !r.ever_seen) out.insert(r.name);
        }
        return out;
    }
    const std::set<std::string, std::less<>>& unread() const { return unread_; }
    void note_unread(std::string_view name) {
        for (const auto& [level, names] : by_name_) {
            if (const auto found = names.find(name); found != names.end() && (*this)[found->second].seen) return;
        }
        unread_.emplace(name);
    }
    /// What files had besides, or lacked.
    void forget_files() {
        unread_.clear();
        for (ColumnRole& r : roles_) r.lacked = false;
    }
    void begin_file() {
        for (ColumnRole& r : roles_) r.seen = false;
    }

  private:
    std::vector<ColumnRole> roles_;
    std::map<int, std::map<std::string, int, std::less<>>> by_name_;
    std::set<std::string, std::less<>> unread_;
};

/// Levels of the rows of a request's candidates and of its history.
inline constexpr int candidate_level = 1, event_level = 2;

/// The columns of requests with their candidates, those of labels that count alone, and, with `history`, events.
inline void add_request_roles(const DataSchema& s, const std::vector<LabelColumn>& labels, bool history,
                              ColumnRoles& to) {
    to.add(0, {.name = s.id, .role = Role::id, .group = Group::context});
    to.add(0, {.name = s.user, .role = Role::user, .group = Group::context});
    to.add(0, {.name = s.time, .role = Role::time, .group = Group::context});
    to.add(0, {.name = s.weight, .role = Role::weight, .group = Group::context});
    to.add_group(0, Group::user, s.of_user);
    to.add_group(0, Group::context, s.of_context);
    const auto of_candidate = [&](const std::string& name, Role role, double worth = 0) {
        to.add(candidate_level, {.name = name, .role = role, .group = Group::candidate, .worth = worth});
    };
    of_candidate(s.item, Role::item);
    of_candidate(s.position, Role::position);
    of_candidate(s.propensity, Role::propensity);
    of_candidate(s.teacher_score, Role::teacher_score);
    of_candidate(s.gain.grade, Role::grade);
    of_candidate(s.gain.gain, Role::gain);
    for (const auto& [name, worth] : s.gain.kinds) of_candidate(name, Role::feedback, worth);
    for (std::size_t l = 0; l < labels.size(); ++l)
        to.add(candidate_level, {.name = labels[l].name,
                                 .role = Role::label_alone,
                                 .group = Group::candidate,
                                 .index = static_cast<int>(l)});
    to.add_group(candidate_level, Group::candidate, s.of_candidate);
    to.add_group(candidate_level, Group::item, s.of_item);
    if (!history) return;
    to.add(event_level, {.name = s.event_item, .role = Role::item, .group = Group::event});
    to.add(event_level, {.name = s.event_time, .role = Role::time, .group = Group::event});
    to.add(event_level, {.name = s.event_kind, .role = Role::event_kind, .group = Group::event});
    to.add_group(event_level, Group::event, s.of_event);
}

/// Puts a value into a row, by the role of its column (dense or field).
class CellTaker {
  public:
    explicit CellTaker(Names& names) : names_(&names) {}

    void text(const ColumnRole& c, std::string_view text, GroupRows& row, const Where& where) {
        if (c.role == Role::dense) {
            double value = 0;
            if (!parse_cell(text, value)) where.fail(c.name, in_quotes(text), "a finite number, or nothing");
            row.number(static_cast<std::size_t>(c.index)) = value;
            return;
        }
        auto& ids = row.ids(static_cast<std::size_t>(c.index));
        if (in_list_) return ids.push_back(value(c, text));
        ids.clear();
        for (std::size_t stop = 0; c.split != 0 && stop != std::string_view::npos; text.remove_prefix(stop + 1)) {
            stop = text.find(c.split);
            if (stop == std::string_view::npos) break;
            ids.push_back(value(c, text.substr(0, stop)));
        }
        ids.push_back(value(c, text));
    }
    void number(const ColumnRole& c, double number, GroupRows& row, const Where& where) {
        if (c.role == Role::field) return text(c, cell_text(number), row, where);
        row.number(static_cast<std::size_t>(c.index)) = number;
    }
    void missing(const ColumnRole& c, GroupRows& row) {
        if (c.role == Role::field)
            row.ids(static_cast<std::size_t>(c.index)).assign(1, 0);
        else
            row.number(static_cast<std::size_t>(c.index)) = std::numeric_limits<double>::quiet_NaN();
    }
    /// What follows are the values of one cell.
    void list(const ColumnRole& c, GroupRows& row, const Where& where) {
        if (c.role != Role::field) where.fail(c.name, "a list", "one number");
        row.ids(static_cast<std::size_t>(c.index)).clear();
        in_list_ = true;
    }
    void end_list() { in_list_ = false; }

  private:
    /// What is missing is the unknown.
    std::int32_t value(const ColumnRole& c, std::string_view text) const {
        return is_missing_name(text) ? 0 : names_->value(c.group, static_cast<std::size_t>(c.index), text);
    }

    Names* names_;
    bool in_list_ = false;
};

}  // namespace psad::data
