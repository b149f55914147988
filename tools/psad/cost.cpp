// psad cost: flags.
#include <memory>

#include "commands.hpp"
#include "flags.hpp"

namespace psad::cli {

Command add_cost(CLI::App& app) {
    const auto p = std::make_shared<CostOptions>();
    CostOptions& o = *p;
    CLI::App& command =
        *app.add_subcommand("cost", "Parameters, FLOPs and bytes of a variant, without running it");
    add_variant(command, o.variant, variant_names());
    command.add_option("--items", o.items, "Candidates")->transform(whole(1, 10'000))->capture_default_str();
    command.add_option("--history", o.history, "History events")
        ->transform(whole(0, 100'000))
        ->capture_default_str();
    return {&command, [p] { variant_program(p->variant).cost(*p); }};
}

}  // namespace psad::cli
