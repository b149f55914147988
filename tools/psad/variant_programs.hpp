// What a variant does for the commands, compiled from the headers named like these.
#pragma once

#include <string>
#include <vector>

#include "options.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::cli {

struct VariantProgram {
    std::string name;
    void (*train)(const TrainOptions&);
    void (*evaluate)(const EvaluateOptions&, const model_file::TensorFile&);
    void (*rerank)(const RerankOptions&, const model_file::TensorFile&);
    void (*cost)(const CostOptions&);
};

/// The variants of this build: PSAD_VARIANTS of CMake.
std::vector<VariantProgram> variant_programs();
/// "default, small"
std::string variant_names();
/// Throws SettingError for a name that this build lacks.
const VariantProgram& variant_program(const std::string& name);
/// The variant that a model file was made of; throws ModelFileError where this build lacks it.
const VariantProgram& variant_program(const model_file::TensorFile& file);

}  // namespace psad::cli
