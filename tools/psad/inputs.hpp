// What commands read: a folder of lists, or files of any form with tables beside them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "options.hpp"
#include "psad/data/column_roles.hpp"
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
    std::vector<std::string> ids;               ///< as files name the lists; empty texts where they do not
    std::vector<Request> valid;                 ///< of a folder: what heuristics learn from
    std::optional<NamedData> names;             ///< of files
    std::vector<data::LabelColumn> labels;      ///< to judge by, each alone
    std::vector<std::size_t> first_candidates;  ///< of each list, in those columns
    std::shared_ptr<const void> owner;

    /// What the candidates of a list are worth by that column.
    std::span<const float> gains_by(const data::LabelColumn& label, std::size_t list) const {
        return std::span(label.gains).subspan(first_candidates[list], lists[list].size());
    }
};

/// Reads what a model is evaluated on; the model is that of `file`. `labels`: columns to judge by, each alone; of an
/// empty list the kinds of feedback, if the gain is made of several.
TestInputs read_test(const TestOptions& options, const model_file::TensorFile& file,
                     const std::optional<Words>& labels = std::nullopt);

/// Writes files of requests as one folder of columns.
void convert(const ConvertOptions& options);

/// Prints a guess at the schema of files: JSON on standard output, what the columns hold on standard error.
void print_schema(const SchemaOptions& options);

}  // namespace psad::cli
