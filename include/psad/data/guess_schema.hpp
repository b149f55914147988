/// \file guess_schema.hpp
/// A first guess at what the columns of somebody's files mean: by their names and by what they hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/data/column_survey.hpp"
#include "psad/data/open_columns.hpp"
#include "psad/data/request_files.hpp"
#include "psad/data/usual_names.hpp"
#include "psad/features/data_schema.hpp"

namespace psad::inline PSAD_ABI::data {

namespace detail {

inline void survey(const Paths& paths, const std::string& format, SurveySink& sink) {
    InputSize size;
    for (const auto& file : files_of(paths)) {
        if (sink.wants_more()) size = read_file(file, format_of(file, format), sink, size);
    }
}

/// The level of the list of candidates, and that of the history; 0 where there is none.
inline std::pair<int, int> find_lists(SurveySink& sink) {
    int candidates = 0, history = 0;
    const auto named = [&](NameList names) {
        for (const std::string_view name : names) {
            const auto found =
                std::ranges::find_if(sink.lists(), [&](const std::string& l) { return OpenColumns::lower(l) == name; });
            if (found != sink.lists().end()) return static_cast<int>(found - sink.lists().begin()) + 1;
        }
        return 0;
    };
    for (int level = 1; level <= static_cast<int>(sink.lists().size()) && candidates == 0; ++level) {
        const OpenColumns columns(sink, level, {});
        if (columns.has(usual::grade) || columns.has(usual::gain)) candidates = level;
    }
    if (candidates == 0) candidates = named(usual::candidates);
    history = named(usual::history);
    if (history == candidates) history = 0;
    return {candidates, history};
}

inline void take_label(OpenColumns& columns, GuessedSchema& to) {
    // A few cells that are no grades are faults, which their lines will name.
    const auto is_grade = [](const ColumnSurvey& c) {
        return c.is_numeric() && 100 * c.whole_numbers > 99 * c.numbers &&
               (c.largest <= max_grade || c.distinct.size() <= std::size_t{max_grade} + 1);
    };
    const auto is_gain = [](const ColumnSurvey& c) { return c.is_numeric(); };
    to.schema.gain.grade = columns.take(usual::grade, "label.grade", to, is_grade);
    if (to.schema.gain.grade.empty()) to.schema.gain.gain = columns.take(usual::gain, "label.gain", to, is_gain);
    if (to.schema.gain.grade.empty() && to.schema.gain.gain.empty())
        to.schema.gain.gain = columns.take(usual::grade, "label.gain", to, is_gain);
    columns.take_kinds(to, !to.schema.gain.grade.empty() || !to.schema.gain.gain.empty());
    // What else is called like a label would tell it.
    columns.leave_unread({usual::grade, usual::gain}, "not read: another label", to);
}

/// A name may stand in the request and in its candidates: what one of them means says what the other may.
inline void settle_twins(GuessedSchema& to) {
    DataSchema& s = to.schema;
    const std::set<std::string> labels = label_names(s.gain);
    const auto leave_out = [&](ColumnGroup& group, const char* use) {
        const auto is_label = [&](const auto& column) { return labels.contains(column.name); };
        std::erase_if(group.dense, is_label);
        std::erase_if(group.fields, is_label);
        for (GuessedColumn& c : to.columns) {
            if (labels.contains(c.survey.name) && c.use.starts_with(use)) c.use = "not read: called like the label";
        }
    };
    leave_out(s.of_context, "context");
    leave_out(s.of_user, "user");
    leave_out(s.of_item, "item");
    std::set<std::string> read = labels;
    for (const ColumnGroup* g : {&s.of_candidate, &s.of_context, &s.of_user}) add_names(*g, read);
    std::erase_if(s.unread, [&](const std::string& name) { return read.contains(name); });
}

/// The column that tells requests apart by its name; empty if there is none. Where a row holds one candidate, one whose
/// values are all different tells rows apart: others go first.
inline std::string request_id(SurveySink& sink) {
    const bool flat = find_lists(sink).first == 0;
    std::string unique;
    for (const std::string_view usual : usual::id) {
        for (const std::size_t number : sink.columns_of(0)) {
            const ColumnSurvey& c = sink.columns()[number];
            if (OpenColumns::lower(c.name) != usual) continue;
            if (!flat || c.distinct.size() < (std::min)(c.values, ColumnSurvey::most_distinct)) return c.name;
            if (unique.empty()) unique = c.name;
        }
    }
    return unique;
}

/// What files of requests hold, by the column that tells requests apart.
inline SurveySink survey_lists(const InputFiles& files) {
    std::string id;
    {
        SurveySink first({}, 1000);
        survey(files.lists, files.format, first);
        id = request_id(first);
        if (id.empty() && first.wants_more()) return first;  // that was all, and a second look sees no more
    }
    SurveySink lists(id);
    survey(files.lists, files.format, lists);
    if (const std::string likelier = request_id(lists); likelier != id) {  // it came later
        lists = SurveySink(likelier);
        survey(files.lists, files.format, lists);
    }
    return lists;
}

inline bool is_time(const ColumnSurvey& c) {
    if (c.is_numeric()) return true;
    std::int64_t seconds = 0;
    return c.distinct.size() > 0 && parse_time(c.distinct.name(0), seconds);
}

inline void guess_requests(SurveySink& sink, const std::string& of, bool has_events, GuessedSchema& to) {
    DataSchema& s = to.schema;
    const auto [candidates, history] = find_lists(sink);
    const bool flat = candidates == 0;
    for (int level = 1; level <= static_cast<int>(sink.lists().size()); ++level) {
        if (level == candidates || (level == history && !flat && !has_events)) continue;
        const std::string& list = sink.lists()[static_cast<std::size_t>(level - 1)];
        s.unread.push_back(list);
        const char* why = level != history ? "not read: a list of something else"
                          : flat           ? "not read: a history in rows of one candidate"
                                           : "not read: there is a table of events";
        to.columns.push_back({of, why, {.name = list}});
    }
    s.candidates = flat ? "" : sink.lists()[static_cast<std::size_t>(candidates - 1)];
    s.ordered = !sink.absent_is_zero();
    s.absent_is_zero = sink.absent_is_zero();
    OpenColumns request(sink, 0, of);
    const std::string id = request_id(sink);
    s.id = request.take(usual::id, "request.id", to, [&](const ColumnSurvey& c) { return c.name == id; });
    // What differs among the candidates of a request is theirs: a product's weight, its seller.
    const auto of_request = [](const ColumnSurvey& c) { return !c.varies_within; };
    s.user = request.take(usual::user, "request.user", to, of_request);
    s.time = request.take(usual::time, "request.time", to,
                          [&](const ColumnSurvey& c) { return of_request(c) && is_time(c); });
    if (s.time.empty()) s.time = request.take(usual::surely_time, "request.time", to);  // its cells will be named
    OpenColumns nested(sink, candidates, s.candidates);
    OpenColumns& candidate = flat ? request : nested;
    s.item = candidate.take(usual::item, "candidate.item", to);
    s.position = candidate.take(usual::position, "candidate.position", to,
                                [](const ColumnSurvey& c) { return c.is_numeric() && c.distinct.size() > 1; });
    s.propensity = candidate.take(usual::propensity, "candidate.propensity", to);
    take_label(candidate, to);
    s.weight = request.take(usual::weight, "request.weight", to,
                            [&](const ColumnSurvey& c) { return of_request(c) && c.is_numeric(); });
    // LETOR's features are all of candidates, even if some are the same all over a sample.
    if (!sink.absent_is_zero()) request.take_rest(s.of_context, "context", to, flat);
    candidate.take_rest(s.of_candidate, "candidate", to);
    if (sink.absent_is_zero()) {  // numbered features, in the order in which they were met
        const auto number = [](const DenseFeature& f) {
            int n = 0;
            parse_integer(f.name, n);
            return n;
        };
        std::ranges::sort(s.of_candidate.dense, {}, number);
    }
    if (history > 0 && !flat && !has_events) {
        s.history = sink.lists()[static_cast<std::size_t>(history - 1)];
        OpenColumns event(sink, history, s.history);
        s.event_item = event.take(usual::item, "event.item", to);
        s.event_time = event.take(usual::time, "event.time", to, is_time);
        s.event_kind = event.take(usual::kind, "event.kind", to);
        event.take_rest(s.of_event, "event", to);
        if (s.event_time.empty() || s.time.empty()) {  // nobody knows what was before the request
            const char* lacks =
                s.event_time.empty() ? "not read: events without a time" : "not read: no request's time";
            for (GuessedColumn& c : to.columns) {
                if (c.of == s.history) c.use = lacks;
            }
            s.event_item = s.event_time = s.event_kind = {};
            s.of_event = {};
            s.unread.push_back(s.history);
        }
    }
}

}  // namespace detail

/// Guesses a schema from a sample of the files. \throws DataError for a file that cannot be read
inline GuessedSchema guess_schema(const InputFiles& files) {
    GuessedSchema out;
    DataSchema& s = out.schema;
    for (const Paths* paths : {&files.lists, &files.items, &files.users, &files.events}) {
        for (const auto& file : files_of(*paths)) {
            std::error_code ignored;
            if (!std::filesystem::is_regular_file(file, ignored) && !std::filesystem::is_directory(file, ignored))
                throw DataError(file.string(), "", "no regular file", "one, as a guess reads it twice: or a schema");
        }
    }
    SurveySink lists = detail::survey_lists(files);
    detail::guess_requests(lists, "requests", !files.events.empty(), out);
    const auto table = [&](const Paths& paths, const char* name, const std::string& key, ColumnGroup& group,
                           const char* use) {
        if (paths.empty()) return;
        SurveySink sink;
        detail::survey(paths, {}, sink);
        detail::OpenColumns columns(sink, 0, name);
        columns.leave_out(key, "the key", out);
        columns.take_rest(group, use, out);
    };
    table(files.users, "users", s.user, s.of_user, "user");
    table(files.items, "items", s.item, s.of_item, "item");
    if (!files.events.empty()) {
        SurveySink sink;
        detail::survey(files.events, {}, sink);
        detail::OpenColumns columns(sink, 0, "events");
        columns.leave_out(s.user, "request.user", out);
        if (!s.item.empty()) {
            columns.leave_out(s.item, "event.item", out);
            s.event_item = s.item;
        }
        s.event_time = columns.take(detail::usual::time, "event.time", out, detail::is_time);
        s.event_kind = columns.take(detail::usual::kind, "event.kind", out);
        columns.take_rest(s.of_event, "event", out);
    }
    detail::settle_twins(out);
    std::ranges::sort(s.unread);
    check_data_schema(s, "the guessed schema");
    return out;
}

}  // namespace psad::data
