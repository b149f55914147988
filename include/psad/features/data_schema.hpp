/// \file data_schema.hpp
/// What the columns of somebody's files mean, by name. Its form as JSON is in model_file/data_schema_json.hpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "psad/core/version.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// A categorical field of a file. With `hash` above 0 its values become so many ids by their hash alone,
/// and no map of names is kept. With `split`, one character, a cell of text holds several values.
struct FieldColumn {
    std::string name;
    int hash = 0;
    std::string split = {};
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
    bool ordered = true;              ///< whether the order of candidates in a file says something
    std::string history = "history";  ///< the list of events, where rows are nested
    std::string event_item = {}, event_time = {}, event_kind = {};  ///< of an event
    ColumnGroup of_user = {}, of_context = {}, of_candidate = {}, of_item = {}, of_event = {};
    GainRule gain = {};
    std::vector<std::string> unread = {};  ///< columns that training files have and nobody reads

    bool operator==(const DataSchema&) const = default;
};

}  // namespace psad
