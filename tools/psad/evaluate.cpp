// psad evaluate: flags.
#include <memory>

#include "commands.hpp"
#include "flags.hpp"

namespace psad::cli {

Command add_evaluate(CLI::App& app) {
    const auto p = std::make_shared<EvaluateOptions>();
    EvaluateOptions& o = *p;
    CLI::App& command = *app.add_subcommand("evaluate", "Compare a model with orders that need no training");
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    add_data(command, o.data)->required();
    command.add_option("--split", o.split, "train, valid or test")
        ->check(one_of({"train", "valid", "test"}))
        ->capture_default_str();
    command.add_option("--json", o.json, "Write the figures to this file")->check(path());
    command.callback([&o] {
        must_differ("--json", o.json, "--model", o.model);
        must_be_outside("--json", o.json, o.data);
    });
    return {&command, [p] {
                const model_file::TensorFile file = model_file::read_model_file(p->model);
                variant_program(file).evaluate(*p, file);
            }};
}

}  // namespace psad::cli
