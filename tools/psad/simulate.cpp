// psad simulate: flags, and logs of a simulated world as a folder of lists.
#include "psad/simulator/simulate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "commands.hpp"
#include "flags.hpp"
#include "progress.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/write_lists.hpp"

namespace psad::cli {

namespace {

struct SimulateOptions {
    std::string out, world;
    int lists = 10000, valid_lists = 1000, test_lists = 1000;
    int threads = 0;
};

/// truth_*.tsv.gz: what only the world knows of each list of a split.
void write_truth(const std::filesystem::path& folder, const char* split,
                 std::span<const simulator::Truth> truth) {
    data::TsvWriter out(folder / ("truth_" + std::string(split) + ".tsv.gz"),
                        "list\tutility_shown\tutility_best\tproven\tbest");
    for (std::size_t l = 0; l < truth.size(); ++l) {
        out << l << truth[l].shown << truth[l].best.value << (truth[l].best.proven ? 1 : 0);
        out.list(truth[l].best.list).end_row();
    }
    out.close();
}

void simulate(const SimulateOptions& o) {
    const simulator::World world(simulator::world_settings(o.world));
    const simulator::LogSizes sizes{o.lists, o.valid_lists, o.test_lists};
    const backend::Cpu<float> cpu(o.threads);
    AtomicFolder folder(o.out);  // before the work: it may not be possible
    Progress progress;
    const auto logs = simulator::simulate(cpu, world, sizes, true, [&](int done) {
        progress.show(done, sizes.all(), fmt::format("{} lists", done));
    });
    progress.clear();
    data::write_lists(folder, logs.dataset);
    std::span<const simulator::Truth> rest(logs.truth);
    for (const auto& [split, size] :
         {std::pair("train", sizes.train), std::pair("valid", sizes.valid), std::pair("test", sizes.test)}) {
        write_truth(folder.path(), split, rest.first(static_cast<std::size_t>(size)));
        rest = rest.subspan(static_cast<std::size_t>(size));
    }
    folder.commit();
    double shown = 0, best = 0;
    for (const simulator::Truth& t : logs.truth) shown += t.shown, best += t.best.value;
    fmt::print("wrote {} lists to {}; a list shown earns {:.3f} clicks, the best known {:.3f}\n", sizes.all(),
               o.out, shown / sizes.all(), best / sizes.all());
}

}  // namespace

Command add_simulate(CLI::App& app) {
    const auto p = std::make_shared<SimulateOptions>();
    SimulateOptions& o = *p;
    CLI::App& command = *app.add_subcommand("simulate", "Write logs of a world whose truth is known");
    command.add_option("--out", o.out, "New folder for lists and truth")->required()->check(path());
    command.add_option("--lists", o.lists, "Training lists")
        ->transform(whole(1, 10'000'000))
        ->capture_default_str();
    command.add_option("--valid", o.valid_lists, "Validation lists")
        ->transform(whole(0, 1'000'000))
        ->capture_default_str();
    command.add_option("--test", o.test_lists, "Test lists")
        ->transform(whole(0, 1'000'000))
        ->capture_default_str();
    add_world(command, o.world);
    // After --world, to which they add.
    const auto add = [&o](const std::string& setting) { o.world += (o.world.empty() ? "" : ",") + setting; };
    command
        .add_option_function<std::uint64_t>(
            "--seed", [add](std::uint64_t seed) { add(fmt::format("seed={}", seed)); }, "seed=S of the world")
        ->transform(whole(0, (std::numeric_limits<std::uint64_t>::max)()));
    command
        .add_option_function<std::string>(
            "--interaction",
            [add](const std::string& name) {
                add(name == "none"         ? "variety=0,complement=0"
                    : name == "redundancy" ? "variety=2,complement=0"
                                           : "variety=2,complement=1");
            },
            "variety and complement of the world: 0 0, 2 0 or 2 1")
        ->check(one_of({"none", "redundancy", "complements"}));
    add_threads(command, o.threads);
    return {&command, [p] { simulate(*p); }};
}

}  // namespace psad::cli
