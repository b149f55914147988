// psad: train, evaluate and serve rerankers from the command line.
// Exit codes: 0 good, 2 wrong usage, 1 anything else with one line on stderr.
#include <fmt/format.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/version.hpp"

namespace {

using namespace psad::cli;

int run(int argc, char** argv) {
    CLI::App app("psad reranks recommendation lists: a semi-autoregressive teacher and the light student it trains.",
                 "psad");
    app.require_subcommand(1);
    app.set_version_flag("--version",
                         fmt::format("psad {}.{}.{} (vectors of {} bytes)", PSAD_VERSION_MAJOR, PSAD_VERSION_MINOR,
                                     PSAD_VERSION_PATCH, psad::backend::Cpu<float>::vector_bytes()));
    const std::vector<Command> commands{add_train(app),   add_evaluate(app), add_rerank(app), add_schema(app),
                                        add_convert(app), add_encode(app),   add_cost(app),   add_simulate(app)};
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {  // --help, --version
            app.exit(e);
            flush_output();
            return 0;
        }
        std::string message = e.what();
        if (app.get_subcommands().empty()) {  // CLI11 would not name what stands there instead
            const auto unknown = app.remaining();
            std::string names;
            for (const Command& c : commands) names += (names.empty() ? "" : ", ") + c.flags->get_name();
            message = fmt::format("found {}, wanted one of {}", unknown.empty() ? "no command" : unknown[0], names);
        }
        print_error(fmt::format("psad: {}; see psad --help", one_line(message)));
        return wrong_usage;
    }
    for (const Command& c : commands) {
        if (*c.flags) c.run();
    }
    flush_output();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // Where there is no memory when it first looks at the processor, simdjson ends the program.
    simdjson::get_active_implementation()->name();
    return run_program("psad", [&] { return run(argc, argv); });
}
