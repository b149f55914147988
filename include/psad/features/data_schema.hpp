/// \file data_schema.hpp
/// What the columns of somebody's files mean, by name. Its form as JSON is in model_file/data_schema_json.hpp.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/version.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// A categorical field of a file. With `hash` above 0 its values become so many ids by their hash alone,
/// and no map of names is kept. With `split`, one character, a cell of text holds several values.
struct FieldColumn {
    std::string name;
    int hash = 0;
    std::string split = {};
    bool match = true;  ///< of items: see FieldSchema
    bool operator==(const FieldColumn&) const = default;
};

/// The features and fields of one kind of row.
struct ColumnGroup {
    std::vector<DenseFeature> dense = {};
    std::vector<FieldColumn> fields = {};
    bool operator==(const ColumnGroup&) const = default;
};

/// How the gain of a candidate comes about: by one of these.
struct GainRule {
    std::string grade = {};                                  ///< a column of grades: the gain is 2^grade - 1
    std::string gain = {};                                   ///< a column of gains
    std::vector<std::pair<std::string, double>> kinds = {};  ///< columns of feedback, and what 1 of each is worth
    bool operator==(const GainRule&) const = default;
};

/// Names of columns; an empty name says that there is none. What is not named is not read. Columns of users, items and
/// events stand in the request or in tables of their own, which are joined by the columns `user` and `item`.
struct DataSchema {
    std::string id = {}, user = {}, time = {}, weight = {};  ///< of a request
    std::string candidates = "candidates";  ///< the list of candidates; empty: a row holds one candidate
    std::string item = {}, position = {}, propensity = {};  ///< of a candidate
    std::string teacher_score = {};                         ///< what another ranker gives it: for training alone
    bool ordered = true;              ///< whether the order of candidates in a file says something
    bool absent_is_zero = false;      ///< a number that a candidate leaves out is 0, as in LETOR files; else missing
    std::string history = "history";  ///< the list of events, where rows are nested
    std::string event_item = {}, event_time = {}, event_kind = {};  ///< of an event
    ColumnGroup of_user = {}, of_context = {}, of_candidate = {}, of_item = {}, of_event = {};
    GainRule gain = {};
    std::vector<std::string> unread = {};  ///< columns that training files have and nobody reads

    bool operator==(const DataSchema&) const = default;
};

/// The list of candidates of a request that is one object, also where files have a row for each candidate.
inline std::string candidates_of(const DataSchema& s) {
    return s.candidates.empty() ? DataSchema{}.candidates : s.candidates;
}

/// The names that a group of columns reads.
inline void add_names(const ColumnGroup& group, std::set<std::string>& to) {
    for (const DenseFeature& f : group.dense) to.insert(f.name);
    for (const FieldColumn& f : group.fields) to.insert(f.name);
}
inline std::set<std::string> label_names(const GainRule& gain) {
    std::set<std::string> out{gain.grade, gain.gain};
    for (const auto& [kind, worth] : gain.kinds) out.insert(kind);
    out.erase("");
    return out;
}
/// The columns that a schema reads anywhere.
inline std::set<std::string> read_columns(const DataSchema& s) {
    std::set<std::string> read = label_names(s.gain);
    for (const ColumnGroup* g : {&s.of_user, &s.of_context, &s.of_candidate, &s.of_item, &s.of_event})
        add_names(*g, read);
    read.insert({s.id, s.user, s.time, s.weight, s.item, s.position, s.propensity, s.teacher_score, s.event_item,
                 s.event_time, s.event_kind});
    return read;
}

/// Throws DataError, naming `source`, for a schema whose columns contradict each other, or would be read for nothing.
inline void check_data_schema(const DataSchema& s, const std::string& source) {
    const auto fail = [&](const char* place, const std::string& found, const char* wanted) {
        throw DataError(source, place, found, wanted);
    };
    for (const DenseFeature& f : s.of_candidate.dense) {
        if (f.along_list && !s.ordered)
            fail("candidate.dense", f.name + " along the list", "a list whose order says something");
    }
    for (const ColumnGroup* g : {&s.of_user, &s.of_context, &s.of_event}) {
        for (const DenseFeature& f : g->dense) {
            if (f.along_list)
                fail("dense", f.name + " along the list", "that of features of candidates and items alone");
        }
    }
    for (const auto& [kind, worth] : s.gain.kinds) {
        if (kind.empty()) fail("label.kinds", "a kind without a name", "the column of each kind");
    }
    std::set<std::string> read;
    const std::set<std::string> labels = label_names(s.gain);
    for (const ColumnGroup* g : {&s.of_candidate, &s.of_context, &s.of_user}) add_names(*g, read);
    std::set<std::string> of_items = read;  // those may stand in a candidate, too
    add_names(s.of_item, of_items);
    for (const std::string& name : labels) {
        if (of_items.contains(name)) fail("label", name + ", which is read too", "a label that no model sees");
    }
    of_items.insert(labels.begin(), labels.end());
    for (const std::string& name : {s.id, s.user, s.time, s.weight, s.item, s.position, s.propensity})
        of_items.insert(name);
    if (!s.teacher_score.empty() && of_items.contains(s.teacher_score))
        fail("candidate.teacher_score", s.teacher_score + ", which is read as something else",
             "a column that no model sees");
    for (const std::string& name : s.unread) {
        if (read.contains(name) || labels.contains(name))
            fail("unread", name + ", which is read", "columns that are not");
    }
    const bool has_events = !s.event_item.empty() || !s.event_kind.empty();
    if (has_events && s.event_time.empty()) fail("event.time", "nothing", "the column with the time of an event");
    if (has_events && s.time.empty()) fail("request.time", "nothing", "the column with the time of a request");
}

}  // namespace psad
