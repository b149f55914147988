// What commands read: a folder of lists, or files of any form with tables beside them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "psad/features/named_ids.hpp"
#include "psad/model_file/tensor.hpp"
#include "psad/train/fit.hpp"

namespace psad::cli {

struct TrainingInputs {
    TrainingLists lists;
    std::optional<NamedData> names;     ///< of files; a folder has numbers
    std::shared_ptr<const void> owner;  ///< of what the lists look into
};

/// Reads what a training is asked to read, and says on standard output what was guessed and held back.
TrainingInputs read_training(const TrainOptions& options);

/// Lists to order by a model.
struct TestInputs {
    std::string name;
    Schema schema;
    Catalog catalog;  ///< of the model, or a later one
    std::vector<Request> lists;
    std::vector<std::string> ids;    ///< as files name the lists; empty texts where they do not
    std::vector<Request> valid;      ///< of a folder: what heuristics learn from
    std::optional<NamedData> names;  ///< of files
    std::shared_ptr<const void> owner;
};

/// Reads what a model is evaluated on; the model is that of `file`.
TestInputs read_test(const TestOptions& options, const model_file::TensorFile& file);

/// The test lists where one column alone says what candidates are worth.
struct LabelColumn {
    std::string name;
    std::vector<Request> lists;
    std::shared_ptr<const void> owner;
};
/// The columns that --labels names, or the kinds of feedback that the gain of a schema is made of.
std::vector<LabelColumn> read_labels(const EvaluateOptions& options, const DataSchema& schema);

/// Writes files of requests as one folder of columns.
void convert(const ConvertOptions& options);

/// Prints a guess at the schema of files: JSON on standard output, what the columns hold on standard error.
void print_schema(const SchemaOptions& options);

}  // namespace psad::cli
