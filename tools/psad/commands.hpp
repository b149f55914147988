// The commands of the psad program.
#pragma once

#include <functional>

#include "options.hpp"

namespace CLI {
class App;
}

namespace psad::cli {

/// A command and what runs it once its flags are parsed.
struct Command {
    CLI::App* flags;
    std::function<void()> run;
};

Command add_train(CLI::App& app);
Command add_evaluate(CLI::App& app);
Command add_encode(CLI::App& app);
Command add_rerank(CLI::App& app);
Command add_schema(CLI::App& app);
Command add_convert(CLI::App& app);
Command add_cost(CLI::App& app);
Command add_simulate(CLI::App& app);

/// Writes what a model reads of each candidate as a folder of NumPy arrays.
void encode(const EncodeOptions& options);

/// Writes logs of a simulated world as a folder of lists.
void simulate(const SimulateOptions& options);

}  // namespace psad::cli
