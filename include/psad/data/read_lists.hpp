/// \file read_lists.hpp
/// Reads a folder in the format psad-lists-1 and checks all of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/columns.hpp"
#include "psad/data/dataset.hpp"
#include "psad/data/list_reader.hpp"
#include "psad/data/read_meta.hpp"
#include "psad/data/tsv_table.hpp"

namespace psad::inline PSAD_ABI::data {

namespace detail {

/// A first column counts the rows: 0, 1, 2 and so on.
inline void check_dense(const TsvTable& table) {
    std::int64_t id = 0;
    if (!parse_integer(table.cell(0), id) || id != static_cast<std::int64_t>(table.row())) {
        table.fail(0, in_quotes(table.cell(0)), std::to_string(table.row()) + " (ids are dense, from 0, in order)");
    }
}

inline void check_rows(const TsvTable& table, std::size_t wanted, const std::string& key) {
    if (table.rows() != wanted) {
        throw DataError(table.source(), "after line " + std::to_string(table.rows() + 1),
                        std::to_string(table.rows()) + " rows",
                        std::to_string(wanted) + ", as key " + key + " of meta.tsv says");
    }
}

inline std::vector<std::string> columns(std::string first, const std::vector<std::string>& fields) {
    std::vector<std::string> out{std::move(first)};
    out.insert(out.end(), fields.begin(), fields.end());
    return out;
}

inline xt::xtensor<std::int32_t, 2> read_users(const std::filesystem::path& file, const Meta& meta) {
    TsvTable table(file, columns("user", meta.user_fields));
    const std::size_t fields = meta.user_fields.size();
    std::vector<std::int32_t> ids;
    while (table.next()) {
        check_dense(table);
        for (std::size_t f = 0; f < fields; ++f) {
            ids.push_back(table.id(f + 1, table.cell(f + 1), static_cast<std::size_t>(meta.user_vocab[f])));
        }
    }
    check_rows(table, meta.users, "users");
    return to_rows(ids, meta.users, fields);
}

inline std::vector<JaggedColumn> read_items(const std::filesystem::path& file, const Meta& meta) {
    TsvTable table(file, columns("item", meta.item_fields));
    const std::size_t fields = meta.item_fields.size();
    std::vector<std::vector<std::int64_t>> offsets(fields, {0});
    std::vector<std::vector<std::int32_t>> values(fields);
    while (table.next()) {
        check_dense(table);
        for (std::size_t f = 0; f < fields; ++f) {
            const auto vocab = static_cast<std::size_t>(meta.item_vocab[f]);
            if (table.cell(f + 1) != "-") {
                for_each_part(table.cell(f + 1), '|',
                              [&](std::string_view part) { values[f].push_back(table.id(f + 1, part, vocab)); });
            }
            offsets[f].push_back(static_cast<std::int64_t>(values[f].size()));
        }
    }
    check_rows(table, meta.items, "items");
    std::vector<JaggedColumn> out;
    for (std::size_t f = 0; f < fields; ++f) out.push_back({to_column(offsets[f]), to_column(values[f])});
    return out;
}

/// shown_*.tsv.gz: for each list the positions of its candidates in the order in which they were shown.
inline JaggedColumn read_shown(const std::filesystem::path& file, const ListColumns& lists) {
    TsvTable table(file, {"list", "shown"});
    std::vector<std::int64_t> offsets{0};
    std::vector<std::int32_t> positions;
    std::vector<std::size_t> list_of;  // by position: the last list that names it, from 1
    while (table.next()) {
        check_dense(table);
        if (table.row() >= lists.size())
            table.fail(0, in_quotes(table.cell(0)), "a list below " + std::to_string(lists.size()));
        const auto n = static_cast<std::size_t>(lists.offsets(table.row() + 1) - lists.offsets(table.row()));
        for_each_part(table.cell(1), ',', [&](std::string_view part) {
            const std::int32_t position = table.id(1, part, n);
            list_of.resize((std::max)(list_of.size(), static_cast<std::size_t>(position) + 1), 0);
            if (std::exchange(list_of[static_cast<std::size_t>(position)], table.row() + 1) == table.row() + 1)
                table.fail(1, "position " + std::to_string(position) + " twice", "each position once");
            positions.push_back(position);
        });
        offsets.push_back(static_cast<std::int64_t>(positions.size()));
    }
    if (table.rows() != lists.size()) {
        throw DataError(table.source(), "after line " + std::to_string(table.rows() + 1),
                        std::to_string(table.rows()) + " rows",
                        std::to_string(lists.size()) + ", one per list of the split");
    }
    return {to_column(offsets), to_column(positions)};
}

inline std::vector<std::string> read_titles(const std::filesystem::path& file, const Meta& meta) {
    TsvTable table(file, {"item", "title"});
    std::vector<std::string> titles;
    while (table.next()) {
        check_dense(table);
        if (!is_text(table.cell(1))) table.fail(1, in_quotes(table.cell(1)), "UTF-8 without control characters");
        titles.emplace_back(table.cell(1));
    }
    check_rows(table, meta.items, "items");
    return titles;
}

inline Events read_events(const std::filesystem::path& file, const Meta& meta) {
    enum : std::size_t { user_column, time_column, item_column, feedback_column };
    TsvTable table(file, {"user", "ts", "item", "feedback"});
    std::vector<std::int64_t> offsets(meta.users + 1, 0);  // at first: how many events each user has
    std::vector<std::int32_t> users, items, feedback;
    std::vector<std::int64_t> times;
    while (table.next()) {
        const std::int32_t user = table.id(user_column, table.cell(user_column), meta.users);
        const std::int64_t time = table.integer(time_column, -max_time, max_time);
        std::int64_t& count = offsets[static_cast<std::size_t>(user) + 1];
        if (count > 0 && user != users.back()) {
            table.fail(user_column,
                       "user " + std::to_string(user) + " again after user " + std::to_string(users.back()),
                       "events grouped by user");
        }
        if (count > 0 && time < times.back()) {
            table.fail(time_column, std::to_string(time) + " after " + std::to_string(times.back()),
                       "the events of a user oldest first");
        }
        ++count;
        users.push_back(user);
        times.push_back(time);
        items.push_back(table.id(item_column, table.cell(item_column), meta.items));
        feedback.push_back(static_cast<std::int32_t>(table.integer(feedback_column, 0, max_int32)));
    }
    for (std::size_t u = 0; u < meta.users; ++u) offsets[u + 1] += offsets[u];

    // The groups may stand in any order of users in the file; in memory they stand by id.
    Events events;
    events.time = xt::xtensor<std::int64_t, 1>::from_shape({times.size()});
    events.item = xt::xtensor<std::int32_t, 1>::from_shape({times.size()});
    events.feedback = xt::xtensor<std::int32_t, 1>::from_shape({times.size()});
    std::size_t to = 0;
    for (std::size_t e = 0; e < times.size(); ++e, ++to) {
        if (e == 0 || users[e] != users[e - 1]) {
            to = static_cast<std::size_t>(offsets[static_cast<std::size_t>(users[e])]);
        }
        events.time(to) = times[e];
        events.item(to) = items[e];
        events.feedback(to) = feedback[e];
    }
    events.offsets = to_column(offsets);
    return events;
}

}  // namespace detail

/// Reads a psad-lists-1 folder. titles.tsv.gz and shown_*.tsv.gz may be missing, no other file may; a split
/// may have no lists.
/// \throws DataError at the first thing that is missing or malformed, naming file, place, found and wanted
inline Dataset read_lists(const std::filesystem::path& folder) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) {
        const bool exists = std::filesystem::exists(folder, ignored);
        throw DataError(folder.string(), "", exists ? "not a folder" : "no such folder", "a psad-lists-1 folder");
    }
    Dataset set;
    set.meta = read_meta(folder / "meta.tsv");
    set.user_fields = detail::read_users(folder / "users.tsv.gz", set.meta);
    set.item_fields = detail::read_items(folder / "items.tsv.gz", set.meta);
    set.events = detail::read_events(folder / "events.tsv.gz", set.meta);
    const auto lists = [&](const std::string& split, detail::TimeRange times) {
        ListColumns out =
            detail::ListReader(folder / ("lists_" + split + ".tsv.gz"), set.meta, set.events, times).read();
        const std::filesystem::path shown = folder / ("shown_" + split + ".tsv.gz");
        if (std::filesystem::exists(shown, ignored)) out.shown = detail::read_shown(shown, out);
        return out;
    };
    const Meta& meta = set.meta;
    set.train = lists("train", {-max_time, meta.valid_from});
    set.valid = lists("valid", {meta.valid_from, meta.test_from});
    set.test = lists("test", {meta.test_from, max_time + 1});
    const std::filesystem::path titles = folder / "titles.tsv.gz";
    if (std::filesystem::exists(titles, ignored)) set.titles = detail::read_titles(titles, set.meta);
    return set;
}

}  // namespace psad::data
