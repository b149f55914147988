// psad rerank: flags.
#include <memory>

#include "commands.hpp"
#include "flags.hpp"

namespace psad::cli {

Command add_rerank(CLI::App& app) {
    const auto p = std::make_shared<RerankOptions>();
    RerankOptions& o = *p;
    CLI::App& command =
        *app.add_subcommand("rerank", "Rerank requests: JSON Lines on stdin to JSON Lines on stdout");
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    command.add_option("--data", o.data, "Folder whose users and titles requests may name")->check(path());
    command.add_option("--top", o.top, "Positions to fill; all candidates when absent")
        ->transform(whole(1, max_int));
    command.add_flag("--explain", o.explain, "Say why each item stands where it stands");
    return {&command, [p] {
                const model_file::TensorFile file = model_file::read_model_file(p->model);
                variant_program(file).rerank(*p, file);
            }};
}

}  // namespace psad::cli
