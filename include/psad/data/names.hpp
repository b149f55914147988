/// \file names.hpp
/// Names to ids while files are read, and what files say of items.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/group_rows.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/named_ids.hpp"

namespace psad::inline PSAD_ABI::data {

/// Of whom or what a column speaks.
enum class Group : std::uint8_t { user, context, candidate, item, event };

/// That of one group.
template <class T>
T& of_group(Group group, T& user, T& context, T& candidate, T& item, T& event) {
    switch (group) {
        case Group::user:
            return user;
        case Group::context:
            return context;
        case Group::candidate:
            return candidate;
        case Group::item:
            return item;
        default:
            return event;
    }
}
inline const ColumnGroup& columns_of(const DataSchema& s, Group group) {
    return of_group(group, s.of_user, s.of_context, s.of_candidate, s.of_item, s.of_event);
}
/// The names of the fields of a group.
template <class Ids>
auto& fields_of(Ids& ids, Group group) {
    return of_group(group, ids.user_fields, ids.context_fields, ids.candidate_fields, ids.item_fields,
                    ids.event_fields);
}

/// Rows of items in any order, made into a catalog.
class ItemRows {
  public:
    explicit ItemRows(const ColumnGroup& columns) : rows_(columns) {}

    bool has(std::size_t item) const { return item < row_of_.size() && row_of_[item] >= 0; }
    /// Whether the row of an item says the same as row 0 of `cells`, where that says anything.
    bool agrees(std::size_t item, const GroupRows& cells) const {
        const auto row = static_cast<std::size_t>(row_of_[item]);
        return says_no_other(
            cells, [&](std::size_t f) { return rows_.field_rows(row, 1)(0, f); },
            [&](std::size_t d) { return rows_.feature_rows(row, 1)(0, d); });
    }
    /// The same of the row of an item in a catalog.
    static bool agrees(const Catalog& catalog, std::size_t item, const GroupRows& cells) {
        return says_no_other(
            cells, [&](std::size_t f) { return catalog.fields[f][item]; },
            [&](std::size_t d) { return catalog.dense[item * cells.features() + d]; });
    }
    /// One more than the last item with a row.
    std::size_t extent() const { return row_of_.size(); }
    /// The row's cells are those of `cells`, its row 0.
    void add(std::size_t item, const GroupRows& cells) {
        if (item >= row_of_.size()) row_of_.resize(item + 1, -1);
        row_of_[item] = static_cast<std::int64_t>(rows_.rows());
        rows_.begin_row(cells, 0);
        rows_.end_row();
    }
    /// Items without a row have unknown values. The first items are those of `before`, where no row takes their place.
    Catalog catalog(std::size_t items, const Catalog* before = nullptr) const {
        Catalog out;
        out.items = items;
        out.fields.resize(rows_.fields());
        const auto nan = std::numeric_limits<double>::quiet_NaN();
        for (std::size_t i = 0; i < items; ++i) {
            const bool is_new = has(i), is_old = !is_new && before != nullptr && i < before->items;
            const std::size_t row = is_new ? static_cast<std::size_t>(row_of_[i]) : 0;
            for (std::size_t f = 0; f < out.fields.size(); ++f) {
                Catalog::Field& field = out.fields[f];
                constexpr std::int32_t unknown[] = {0};
                const auto ids = is_new   ? rows_.field_rows(row, 1)(0, f)
                                 : is_old ? before->fields[f][i]
                                          : std::span<const std::int32_t>(unknown);
                field.ids.insert(field.ids.end(), ids.begin(), ids.end());
                field.offsets.push_back(static_cast<std::int64_t>(field.ids.size()));
            }
            for (std::size_t d = 0; d < rows_.features(); ++d) {
                out.dense.push_back(is_new   ? rows_.feature_rows(row, 1)(0, d)
                                    : is_old ? before->dense[i * rows_.features() + d]
                                             : nan);
            }
        }
        return out;
    }
    void clear() {
        rows_.clear();
        row_of_.clear();
    }

  private:
    template <class IdsOf, class NumberOf>
    static bool says_no_other(const GroupRows& cells, IdsOf ids_of, NumberOf number_of) {
        for (std::size_t f = 0; f < cells.fields(); ++f) {
            const auto ids = cells.field_rows(0, 1)(0, f);
            const bool is_said = !ids.empty() && !(ids.size() == 1 && ids[0] == 0);
            if (is_said && !std::ranges::equal(ids, ids_of(f))) return false;
        }
        for (std::size_t d = 0; d < cells.features(); ++d) {
            const double x = cells.feature_rows(0, 1)(0, d);
            if (!std::isnan(x) && x != number_of(d)) return false;
        }
        return true;
    }

    GroupRows rows_;
    std::vector<std::int64_t> row_of_;  ///< -1: none
};

/// Which names that are not known yet get ids.
enum class Learn : std::uint8_t { nothing, items, all };

/// Gives names their ids. Values that are neither known nor learned have id 0, or one beyond all vocabularies; such
/// items have ids beyond the catalog, for as long as this lives or until forget_new_items().
class Names {
  public:
    /// `data` is borrowed.
    Names(NamedData& data, Learn learn)
        : Names(data, learn, learn == Learn::nothing ? data.ids.items.size() : 0, nullptr) {}
    /// Learns nothing. Requests may bring what is known of items beyond the catalog, each for itself; what they say of
    /// others is compared. `catalog` is borrowed.
    Names(NamedData& data, const Catalog& catalog) : Names(data, Learn::nothing, catalog.items, &catalog) {}

    const DataSchema& schema() const { return data_->schema; }
    /// Whether what is read is there to be learned from.
    bool learns() const { return learn_ == Learn::all; }

    std::int32_t value(Group group, std::size_t field, std::string_view name) {
        const FieldColumn& column = columns_of(data_->schema, group).fields[field];
        if (column.hash > 0) return hashed_id(name, column.hash);
        const std::int32_t id = 1 + id_in(fields_of(data_->ids, group)[field], name);
        if (id > 0) return id;
        note_unknown(name, column.name);
        // Those of items differ from each other, as the history is matched by them. No vocabulary reaches so far.
        return group == Group::item ? max_vocabulary + hashed_id(name, max_vocabulary) : 0;
    }
    std::int32_t kind(std::string_view name) {
        IdMap& kinds = data_->ids.kinds;
        const bool full = kinds.size() + 1 >= static_cast<std::size_t>(max_feedback_kinds);
        const std::int32_t id = 1 + (learn_ == Learn::all && !full ? kinds.add(name) : kinds.find(name));
        if (id > 0) return id;
        note_unknown(name, data_->schema.event_kind);
        return max_feedback_kinds;  // no kind has this id, and encoders count it as unknown
    }
    std::int32_t item(std::string_view name) {
        IdMap& known = data_->ids.items;
        if (learns_items()) return known.add(name);
        const std::int32_t id = known.find(name);
        if (id < 0) note_unknown(name, data_->schema.item);
        return id >= 0 ? id : static_cast<std::int32_t>(known.size()) + new_items_.add(name);
    }
    /// The same of an event in a table: nothing else is said of its item.
    std::int32_t item_of_event(std::string_view name) {
        if (data_->ids.items.find(name) < 0 && learn_ == Learn::items) note_unknown(name, data_->schema.event_item);
        return item(name);
    }
    /// A name that was not known, and where it stood.
    struct Unknown {
        std::string name;  ///< "'fridge' of device"
        std::string source, place;
    };
    /// The first one since the last call.
    std::optional<Unknown> take_unknown() { return std::exchange(unknown_, std::nullopt); }
    /// Where the names come from, or null.
    void read_from(const Where* where) { where_ = where; }
    bool knows_item(std::string_view name) const { return data_->ids.items.find(name) >= 0; }
    std::string_view item_name(std::int32_t item) const {
        const auto known = static_cast<std::int32_t>(data_->ids.items.size());
        return item < known ? data_->ids.items.name(item) : new_items_.name(item - known);
    }
    /// What a request says of an item: row 0 of `cells`. Where items are learned the first that is said stays. Else it
    /// is kept for this request alone, for items beyond the catalog: returns its row among new_items(), -1 for none.
    /// What differs from what is known is counted.
    std::int32_t say(std::int32_t item, const GroupRows& cells) {
        if (item < 0) return -1;
        const auto i = static_cast<std::size_t>(item);
        const bool in_catalog = i < first_new_;
        if (!in_catalog && !learns_items()) {
            rows_.add(rows_.extent(), cells);
            return static_cast<std::int32_t>(rows_.extent()) - 1;
        }
        if (!in_catalog && !rows_.has(i)) {
            rows_.add(i, cells);
            return -1;
        }
        const bool agrees =
            !in_catalog ? rows_.agrees(i, cells) : catalog_ == nullptr || ItemRows::agrees(*catalog_, i, cells);
        contradictions_ += agrees ? 0 : 1;
        return -1;
    }
    /// How often what was said of an item differs from what is known of it.
    std::size_t contradictions() const { return contradictions_; }
    /// Whether anything is known of items, by a table or by a model.
    bool knows_items() const { return first_new_ > 0 || rows_.extent() > 0; }
    /// Whether anything but its name is known.
    bool has_row(std::int32_t item) const {
        if (item < 0) return false;
        const auto i = static_cast<std::size_t>(item);
        return i < first_new_ || (learns_items() && rows_.has(i));
    }
    /// What a table says of an item: row 0 of `cells`. For names that are learned alone.
    void add_row(std::int32_t item, const GroupRows& cells) { rows_.add(static_cast<std::size_t>(item), cells); }
    const ItemRows& rows() const { return rows_; }

    /// Items that have a name: each has a row in the catalog where they are learned.
    std::size_t learned_items() const { return data_->ids.items.size(); }
    /// All items, where they are learned.
    Catalog catalog() const { return rows_.catalog(data_->ids.items.size()); }
    /// Those of `before`, whose rows stay where none was read, and those beyond of which something was read.
    Catalog catalog(const Catalog& before) const {
        return rows_.catalog((std::max)(before.items, rows_.extent()), &before);
    }
    /// What requests said of items beyond the catalog: see say().
    Catalog new_items() const { return learns_items() ? Catalog() : rows_.catalog(rows_.extent()); }
    void forget_new_items() {
        new_items_ = IdMap();
        rows_.clear();
    }

  private:
    Names(NamedData& data, Learn learn, std::size_t first_new, const Catalog* catalog)
        : data_(&data), learn_(learn), first_new_(first_new), catalog_(catalog), rows_(data.schema.of_item) {}

    void note_unknown(std::string_view name, const std::string& column) {
        if (unknown_) return;
        unknown_ = Unknown{in_quotes(name) + " of " + column, {}, {}};
        if (where_ != nullptr) unknown_->source = where_->source(), unknown_->place = where_->place(column);
    }
    bool learns_items() const { return learn_ != Learn::nothing; }
    std::int32_t id_in(IdMap& map, std::string_view name) const {
        return learn_ == Learn::all ? map.add(name) : map.find(name);
    }

    NamedData* data_;
    Learn learn_;
    std::size_t first_new_;   ///< items below lie in a catalog that is not read here
    const Catalog* catalog_;  ///< that one, or null
    std::size_t contradictions_ = 0;
    std::optional<Unknown> unknown_;
    const Where* where_ = nullptr;
    IdMap new_items_;  ///< beyond those of data_
    ItemRows rows_;
};

}  // namespace psad::data
