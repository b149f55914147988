/// \file dataset.hpp
/// A data set in memory: columns, and the requests they hold.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/data/columns.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::data {

/// Rows of differing length, end to end.
struct JaggedColumn {
    xt::xtensor<std::int64_t, 1> offsets;  ///< [rows + 1], from 0 to values.size()
    xt::xtensor<std::int32_t, 1> values;

    /// The values of one row, which may be none. `row` must be below size().
    std::span<const std::int32_t> operator[](std::size_t row) const {
        assert(row < size());
        return slice(values, offsets(row), offsets(row + 1) - offsets(row));
    }

    std::size_t size() const noexcept { return offsets.size() == 0 ? 0 : offsets.size() - 1; }  ///< rows
};

/// What a set says about itself. `*_vocab` holds one size per field: its ids are 0 (unknown) to size - 1.
struct Meta {
    std::string name;
    std::size_t users = 0, items = 0;
    std::vector<std::string> user_fields, item_fields, context_fields;
    std::vector<std::int32_t> user_vocab, item_vocab, context_vocab;
    std::int64_t valid_from = 0;               ///< unix seconds: training statistics stop before it
    std::int64_t test_from = 0;                ///< unix seconds
    std::map<std::string, std::string> notes;  ///< every other key, e.g. what aux and feedback mean
};

/// What the users did, also after `Meta::valid_from`. User u owns the events [offsets(u), offsets(u + 1)),
/// oldest first.
struct Events {
    xt::xtensor<std::int64_t, 1> offsets;   ///< [users + 1]
    xt::xtensor<std::int64_t, 1> time;      ///< [events] unix seconds
    xt::xtensor<std::int32_t, 1> item;      ///< [events]
    xt::xtensor<std::int32_t, 1> feedback;  ///< [events] >= 0
};

/// The lists of one split. List l owns the candidates [offsets(l), offsets(l + 1)), in initial order.
struct ListColumns {
    xt::xtensor<std::int32_t, 1> user;            ///< [lists]
    xt::xtensor<std::int64_t, 1> time;            ///< [lists] unix seconds
    xt::xtensor<std::int32_t, 1> history_length;  ///< [lists] the user's first so many events precede `time`
    xt::xtensor<std::int32_t, 2> context;         ///< [lists, context fields]
    xt::xtensor<std::int64_t, 1> offsets;         ///< [lists + 1]
    xt::xtensor<std::int32_t, 1> items;           ///< [candidates]
    xt::xtensor<double, 1> scores;                ///< [candidates], or [0] if the split has none; NaN = missing
    xt::xtensor<std::int8_t, 1> labels;           ///< [candidates] grades, 0 to 30
    xt::xtensor<double, 1> aux;                   ///< [candidates], or [0] if the split has none; NaN = missing
    JaggedColumn shown;  ///< a row per list: positions in shown order; no rows if that is the initial order

    std::size_t size() const noexcept { return user.size(); }  ///< lists
};

namespace detail {
inline std::span<const std::int32_t> row(const xt::xtensor<std::int32_t, 2>& table, std::size_t index) {
    const std::size_t width = table.shape()[1];
    return {table.data() + index * width, width};
}
}  // namespace detail

/// A whole set. It owns the columns that its requests look into.
struct Dataset {
    Meta meta;
    xt::xtensor<std::int32_t, 2> user_fields;  ///< [users, user fields]
    std::vector<JaggedColumn> item_fields;     ///< one per item field, a row per item
    Events events;
    ListColumns train, valid, test;
    std::vector<std::string> titles;  ///< [items], or empty

    /// One list as a request, without a copy: valid as long as the set lives and its columns stay as they
    /// are. The history is cut here to the user's first `history_length` events, so nothing later can leak
    /// in. `lists` must be of this set (its users and events are looked up), `list` below `lists.size()`.
    Request request(const ListColumns& lists, std::size_t list) const {
        assert(list < lists.size());
        const auto user = static_cast<std::size_t>(lists.user(list));
        const std::int64_t first_event = events.offsets(user);
        const std::int64_t history = lists.history_length(list);
        assert(history <= events.offsets(user + 1) - first_event);
        const std::int64_t first = lists.offsets(list);
        const std::int64_t count = lists.offsets(list + 1) - first;

        Request request;
        request.user_fields = detail::row(user_fields, user);
        request.context = detail::row(lists.context, list);
        request.time = lists.time(list);
        request.history_items = slice(events.item, first_event, history);
        request.history_times = slice(events.time, first_event, history);
        request.history_feedback = slice(events.feedback, first_event, history);
        request.items = slice(lists.items, first, count);
        if (lists.scores.size() != 0) request.scores = slice(lists.scores, first, count);
        if (lists.aux.size() != 0) request.aux = slice(lists.aux, first, count);
        if (lists.labels.size() != 0) request.labels = slice(lists.labels, first, count);
        if (lists.shown.size() != 0) request.shown = lists.shown[list];
        return request;
    }

    /// \throws SettingError unless the name is train, valid or test
    const ListColumns& split(std::string_view name) const {
        if (name == "train") return train;
        if (name == "valid") return valid;
        if (name == "test") return test;
        throw SettingError("split", "", "'" + std::string(name) + "'", "train, valid or test");
    }
};

}  // namespace psad::data
