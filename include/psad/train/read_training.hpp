/// \file read_training.hpp
/// From files to what fit() takes. Needs simdjson, so no header of all of psad includes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/guess_schema.hpp"
#include "psad/data/request_files.hpp"
#include "psad/features/check_request.hpp"
#include "psad/train/fit.hpp"
#include "psad/train/settings.hpp"

namespace psad::inline PSAD_ABI::train {

/// The lists of a training, the names in them, and what of the files was not read.
struct ReadTraining {
    TrainingLists lists;
    NamedData names;                                     ///< to be saved with the model
    std::set<std::string, std::less<>> unread_of_items;  ///< columns of the table that the schema does not name
    std::shared_ptr<const data::SideTables> tables;
    std::shared_ptr<data::ReadLists> train, valid;  ///< what requests look into; null for no validation files
};

namespace read_training_detail {

inline void must_have_columns(const data::ReadLists& read, const DataSchema& schema, const std::string& file) {
    const auto fail = [&](const std::string& column, const char* wanted) {
        throw DataError(file, "", "no column " + printable(column), wanted);
    };
    for (const auto* missing : {&read.missing, &read.missing_labels}) {
        if (!missing->empty()) fail(*missing->begin(), "it, as the schema says");
    }
    for (std::size_t i = 0; i < read.source.size() && !schema.teacher_score.empty(); ++i) {
        if (read.source[i].teacher_scores.empty())
            throw DataError(read.source.file(i), "line " + std::to_string(read.source.line(i)),
                            "no " + printable(schema.teacher_score), "the scores of another ranker, in all lists");
    }
}

}  // namespace read_training_detail

/// Reads training files with their tables, and validation files if there are any. Names are learned from the training
/// files alone; of those the requests from the time `before` on are left out. Throws DataError at the first fault.
inline ReadTraining read_training(const data::InputFiles& files, const data::Paths& valid, const DataSchema& schema,
                                  std::optional<std::int64_t> before = std::nullopt) {
    const std::string source = files.lists.front().string();
    ReadTraining out;
    out.names = {schema, NamedIds(schema)};
    DataSchema& read_by = out.names.schema;
    read_by.absent_is_zero |= data::leaves_out_zeros(files);
    data::Names names(out.names, data::Learn::all);
    out.unread_of_items = data::read_items(files.items, names);
    out.tables = data::read_side_tables(files, names);
    out.train =
        std::make_shared<data::ReadLists>(data::read_requests(files.lists, files.format, names, out.tables, before));
    read_training_detail::must_have_columns(*out.train, read_by, source);
    data::add_unread(*out.train, read_by, source);
    out.lists = {source, request_schema(out.names), names.catalog(), {}, {}, !read_by.position.empty()};
    const auto requests_of = [&](data::ReadLists& read) {
        read.source.check([&](const Request& r) {
            check_request(out.lists.schema, out.lists.catalog, r, {.take_missing_columns = true}, no_events);
            check_feedback(r);
        });
        return read.source.take_requests();
    };
    out.lists.train = requests_of(*out.train);
    if (valid.empty()) return out;
    data::Names known(out.names, out.lists.catalog);
    out.valid = std::make_shared<data::ReadLists>(data::read_requests(valid, files.format, known, out.tables));
    data::must_have_some_label(*out.valid, read_by, valid.front().string());
    out.lists.valid = requests_of(*out.valid);
    return out;
}

/// The same by a guess at what the columns mean.
inline ReadTraining read_training(const data::InputFiles& files, const data::Paths& valid) {
    return read_training(files, valid, data::guess_schema(files).schema);
}

}  // namespace psad::train
