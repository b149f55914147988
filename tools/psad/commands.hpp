// The commands of the psad program: the options of each, and what a variant does for them. Each command is one source file
// that declares its flags; what depends on the variant is in the header of the same name and compiled once per variant.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "psad/model_file/model_file.hpp"
#include "psad/train/settings.hpp"

namespace psad::cli {

struct TrainOptions {
    std::string data, out, variant = "default", device = "cpu", json;
    train::Settings settings;
    int threads = 0;
    bool student_only = false;
};

struct EvaluateOptions {
    std::string model, data, split = "test", json;
};

struct RerankOptions {
    std::string model, data;
    int top = 0;
    bool explain = false;
};

struct CostOptions {
    std::string variant = "default";
    int items = 20;
    int history = 50;
};

/// A command and what runs it once its flags are parsed.
struct Command {
    CLI::App* flags;
    std::function<void()> run;
};

Command add_train(CLI::App& app);
Command add_evaluate(CLI::App& app);
Command add_rerank(CLI::App& app);
Command add_cost(CLI::App& app);
Command add_simulate(CLI::App& app);

/// What a variant does for the commands. Each is compiled in a file of its own.
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
/// Throws SettingError for a name that this build has not.
const VariantProgram& variant_program(const std::string& name);
/// The variant that a model file was made of; throws ModelFileError where this build has it not.
const VariantProgram& variant_program(const model_file::TensorFile& file);

}  // namespace psad::cli
