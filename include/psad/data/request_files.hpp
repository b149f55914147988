/// \file request_files.hpp
/// Files of requests, and tables of items, users and events beside them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/column_folder_reader.hpp"
#include "psad/data/flat_rows.hpp"
#include "psad/data/formats.hpp"
#include "psad/data/input_paths.hpp"
#include "psad/data/left_out_rows.hpp"
#include "psad/data/list_builder.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/data/side_tables.hpp"
#include "psad/data/source.hpp"
#include "psad/features/id_map.hpp"

namespace psad::inline PSAD_ABI::data {

using Paths = std::vector<std::filesystem::path>;

/// What to read. Tables are optional; `format` may be empty: then endings tell it.
struct InputFiles {
    Paths lists, items = {}, users = {}, events = {};
    std::string format = {};
};

/// The tables beside the requests.
struct SideTables {
    std::optional<UserTable> users;
    std::optional<EventTable> events;
    std::set<std::string, std::less<>> unread_of_users, unread_of_events;  ///< columns that the schema does not name
};

namespace detail {
template <class Sink>
void read_table(const Paths& paths, Sink& sink) {
    InputSize size;
    for (const auto& file : files_of(paths)) size = read_file(file, format_of(file), sink, size);
}
/// Looks for a list of rows in the first row, and takes nothing. That list is looked at as one that is read.
class ListFinder final : public RecordSink {
  public:
    explicit ListFinder(std::string name) : name_(std::move(name)) {}

    void begin_file(const Where&, double) override {}
    int column(int, std::string_view) override { return not_read; }
    int list(std::string_view name) override {
        found_ |= name == name_;
        return name == name_ ? 1 : not_read;
    }
    void begin_row(int) override {}
    void take(int, std::string_view) override {}
    void take_number(int, double) override {}
    void take_missing(int) override {}
    void begin_values(int) override {}
    void end_values(int) override {}
    void end_row(int level) override { was_row_ |= level == 0; }
    void end_file() override {}
    bool wants_more() const override { return !was_row_; }
    bool found() const { return found_; }

  private:
    std::string name_;
    bool found_ = false, was_row_ = false;
};

/// Whether the first object of a file of JSON Lines holds a list of that name. A pipe, which can be read but once, has
/// none.
inline bool has_list(const std::filesystem::path& file, const std::string& name) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return false;
    ListFinder finder(name);
    JsonReader(file.string()).read(file, finder);
    return finder.found();
}
inline void must_name(const std::string& column, const char* place, const std::string& why) {
    if (column.empty()) throw DataError("schema", place, "nothing", "the column that " + why);
}
/// Columns that are not read stand in a schema, and a model with more than a schema may name could not be loaded.
inline std::set<std::string, std::less<>> not_too_many(std::set<std::string, std::less<>> unread,
                                                       const std::string& source) {
    if (unread.size() > static_cast<std::size_t>(limits().columns))
        throw DataError(source, "", std::to_string(unread.size()) + " columns that are not read",
                        "at most " + std::to_string(limits().columns) + ", or a larger limit: --max-columns");
    return unread;
}
}  // namespace detail

/// Reads the table of items into `names`. Returns the columns that the schema does not name.
inline std::set<std::string, std::less<>> read_items(const Paths& paths, Names& names) {
    if (paths.empty()) return {};
    detail::must_name(names.schema().item, "candidate.item", "names an item, also in the table of items");
    ItemTableSink sink(names);
    detail::read_table(paths, sink);
    return detail::not_too_many(sink.unread(), paths.front().string());
}

/// Reads the tables of users and events. \throws DataError at the first fault
inline std::shared_ptr<const SideTables> read_side_tables(const InputFiles& files, Names& names) {
    const DataSchema& schema = names.schema();
    auto out = std::make_shared<SideTables>();
    if (!files.users.empty()) {
        detail::must_name(schema.user, "request.user", "names a user, also in the table of users");
        UserTableSink sink(names);
        detail::read_table(files.users, sink);
        out->users = sink.table();
        out->unread_of_users = detail::not_too_many(sink.unread(), files.users.front().string());
    }
    if (!files.events.empty()) {
        detail::must_name(schema.user, "request.user", "names a user, also in the table of events");
        detail::must_name(schema.time, "request.time", "tells when a request was made: earlier events are its history");
        detail::must_name(schema.event_item, "event.item", "names the item of an event");
        detail::must_name(schema.event_time, "event.time", "tells when an event was");
        EventTableSink sink(names);
        detail::read_table(files.events, sink);
        out->events = sink.table();
        out->unread_of_events = detail::not_too_many(sink.unread(), files.events.front().string());
    }
    return out;
}

/// Requests, and what their files did not have or had besides.
struct ReadLists {
    Source source;
    std::set<std::string, std::less<>> missing;                ///< columns of the schema that no file has
    std::map<std::string, std::string> lacking;                ///< columns that some files have, and one that has not
    std::map<std::string, std::string> lacking_feedback = {};  ///< the same of labels, which then count as 0
    std::set<std::string, std::less<>> unread = {}, missing_labels = {};
    JoinCounts joins = {};
    std::size_t left_out = 0;              ///< requests
    std::size_t repeated = 0;              ///< requests with the name of an earlier one
    std::vector<LabelColumn> labels = {};  ///< those that were asked for, missing ones too
};

namespace detail {
inline std::size_t repeated_ids(const Source& source) {
    std::vector<std::pair<std::uint64_t, std::string_view>> ids;  // by their hashes, which are compared faster
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (const std::string_view id = source.id(i); !id.empty()) ids.emplace_back(IdMap::hash(id), id);
    }
    std::ranges::sort(ids);
    return static_cast<std::size_t>(ids.end() - std::unique(ids.begin(), ids.end()));
}
/// Reads files one after the other, but for some of their requests.
inline void read_files(const Paths& paths, const std::string& format, const DataSchema& schema, ListBuilder& to,
                       const LeftOutRows* left_out = nullptr) {
    const std::string candidates = candidates_of(schema);
    std::optional<FlatRows> flat;
    InputSize size;
    for (const auto& file : files_of(paths)) {
        const Format found = format_of(file, format);
        const bool may_be_rows = found == Format::json_lines && schema.candidates.empty();
        const bool in_rows = is_flat(found) || (may_be_rows && !has_list(file, candidates));
        if (in_rows && !flat) flat.emplace(to, schema.id);
        RecordSink& sink = in_rows ? static_cast<RecordSink&>(*flat) : to;
        if (left_out != nullptr) {
            WithoutRows others(sink, *left_out);
            size = read_file(file, found, others, size, candidates);
        } else {
            size = read_file(file, found, sink, size, candidates);
        }
    }
}
/// The requests of files, of which nothing but names and times is read.
inline Source read_times(const Paths& paths, const std::string& format, const DataSchema& schema) {
    must_name(schema.time, "request.time", "tells when a request was made");
    for (const auto& file : files_of(paths)) {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(file, ignored) && !std::filesystem::is_directory(file, ignored))
            throw DataError(file.string(), "", "no regular file", "one, as it is read once more for its times");
    }
    NamedData times;
    times.schema = {.id = schema.id, .time = schema.time, .candidates = schema.candidates};
    times.ids = NamedIds(times.schema);
    Names nothing(times, Learn::nothing);
    ListBuilder builder(nothing, nullptr, nullptr);
    read_files(paths, format, times.schema, builder);
    return builder.take_source();
}
}  // namespace detail

/// Reads files of requests, one after the other, or one folder of columns. Requests from the time `before` on are left
/// out, and nothing is learned from them; for that, files are read twice. Each column of `labels`, which are different
/// ones, counts alone; a folder of columns has none of them. \throws DataError at the first fault,
/// ModelFileError for a folder of columns that is damaged or has other columns
inline ReadLists read_requests(const Paths& paths, const std::string& format, Names& names,
                               const std::shared_ptr<const SideTables>& tables,
                               std::optional<std::int64_t> before = std::nullopt,
                               std::vector<LabelColumn> labels = {}) {
    for (const auto& path : paths) {
        if (paths.size() > 1 && is_column_folder(path))
            throw DataError(path.string(), "", "a folder of columns beside other files", "it alone");
    }
    if (paths.size() == 1 && is_column_folder(paths[0])) {
        if (!labels.empty())
            throw DataError(paths[0].string(), "", "a folder of columns", "files: a folder has the gain alone");
        const ColumnFolder folder(paths[0]);
        ReadLists out{.source = folder.source(&names, before), .missing = {}, .lacking = {}};
        out.joins.contradictions = names.contradictions();
        out.left_out = folder.size() - out.source.size();
        out.repeated = detail::repeated_ids(out.source);
        return out;
    }
    std::optional<LeftOutRows> left_out;
    if (before) left_out.emplace(detail::read_times(paths, format, names.schema()), *before);
    ListBuilder builder(names, tables->users ? &*tables->users : nullptr, tables->events ? &*tables->events : nullptr,
                        std::move(labels));
    detail::read_files(paths, format, names.schema(), builder, left_out ? &*left_out : nullptr);
    ReadLists out{.source = builder.take_source(),
                  .missing = {},
                  .lacking = {},
                  .unread = detail::not_too_many(builder.unread(), paths.front().string()),
                  .missing_labels = builder.missing_labels(),
                  .joins = builder.joins(),
                  .labels = builder.take_label_columns()};
    out.joins.contradictions = names.contradictions();
    out.left_out = left_out ? left_out->count() : 0;
    out.repeated = detail::repeated_ids(out.source);
    for (const Lack& lack : builder.lacking()) {
        const bool is_label = lack.role != nullptr && is_feedback(lack.role->role);
        if (builder.has_seen(lack))
            (is_label ? out.lacking_feedback : out.lacking).emplace(lack.column, lack.file);
        else if (!is_label)
            out.missing.emplace(lack.column);
    }
    for (const std::string& column : out.missing) out.lacking.erase(column);  // one of two columns of a name
    out.source.keep(tables);
    return out;
}

/// LETOR leaves out what is 0, and so will the requests of a model of such files. A folder of columns says so itself.
inline bool leaves_out_zeros(const InputFiles& files) {
    if (files.lists.size() == 1 && is_column_folder(files.lists[0])) return false;
    return std::ranges::any_of(files_of(files.lists),
                               [&](const auto& file) { return format_of(file, files.format) == Format::letor; });
}

/// Makes the columns that files have and nobody reads known to a schema, so that a later one that it does not know
/// differs from one that was left out. Throws DataError, naming `source`, for more than a schema may have.
inline void add_unread(const ReadLists& read, DataSchema& to, const std::string& source) {
    std::set<std::string, std::less<>> all(to.unread.begin(), to.unread.end());
    all.insert(read.unread.begin(), read.unread.end());
    all = detail::not_too_many(std::move(all), source);
    to.unread.assign(all.begin(), all.end());
}

/// Throws DataError where files have nothing to judge by. Of kinds of feedback one is enough.
inline void must_have_some_label(const ReadLists& read, const DataSchema& schema, const std::string& file) {
    const std::set<std::string> labels = label_names(schema.gain);
    const auto is_missing = [&](const std::string& name) { return read.missing_labels.contains(name); };
    if (!labels.empty() && std::ranges::all_of(labels, is_missing))
        throw DataError(file, "", "no column " + printable(*labels.begin()), "labels, to judge by");
}

}  // namespace psad::data
