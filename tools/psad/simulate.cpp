// psad simulate: logs of a simulated world as a folder of lists.
#include "psad/simulator/simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "commands.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/write_lists.hpp"

namespace psad::cli {

namespace {

/// truth_*.tsv.gz: what only the world knows of each list of a split.
void write_truth(const std::filesystem::path& folder, const char* split, std::span<const simulator::Truth> truth) {
    data::TsvWriter out(folder / ("truth_" + std::string(split) + ".tsv.gz"),
                        "list\tutility_shown\tutility_best\tproven\tbest");
    for (std::size_t l = 0; l < truth.size(); ++l) {
        out << l << truth[l].shown << truth[l].best.value << (truth[l].best.proven ? 1 : 0);
        out.list(truth[l].best.list).end_row();
    }
    out.close();
}

}  // namespace

void simulate(const SimulateOptions& o) {
    const simulator::World world(simulator::world_settings(o.world));
    const simulator::LogSizes sizes{o.lists, o.valid_lists, o.test_lists};
    const backend::Cpu<float> cpu(o.threads);
    AtomicFolder folder(o.out);  // before the work: it may not be possible
    Progress progress;
    const auto logs = simulator::simulate(
        cpu, world, sizes, true, [&](int done) { progress.show(done, sizes.all(), fmt::format("{} lists", done)); });
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
    print("wrote {} lists to {}; a list shown earns {:.3f} clicks, the best known {:.3f}\n", sizes.all(), o.out,
          shown / sizes.all(), best / sizes.all());
}

}  // namespace psad::cli
