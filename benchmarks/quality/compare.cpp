// psad-compare: many methods in one experiment. A method and a seed once trained are not trained again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "experiment.hpp"
#include "flags.hpp"
#include "kept_runs.hpp"
#include "named_orders.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "psad/core/text.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/train/settings.hpp"
#include "psad/train/targets.hpp"
#include "summary.hpp"

namespace psad::quality {

namespace {

/// The orders that need no training.
constexpr const char *initial = "initial", *logged = "logged", *history_first = "history-first", *by_aux = "by-aux";

struct CompareOptions {
    ExperimentOptions experiment;
    std::vector<std::string> models;  ///< all when empty
    std::vector<std::string> orders;  ///< NAME=FILE: orders of the test lists that another program made
    std::string json;
    int seeds = 3;
    cli::SettingFlags<train::Settings> settings;
};

/// All of them, in the order of their training.
std::vector<Method> all_methods() {
    std::vector<Method> all;
    for (const auto& group : {pairs(), generators(), scorers(), ablations()})
        all.insert(all.end(), group.begin(), group.end());
    return all;
}

/// Rows of the heuristics that the lists allow. Adds to `descriptions` what each does.
Run heuristics(const Experiment& e, json& descriptions) {
    Run run;
    const auto add = [&](const char* name, const char* description, auto order) {
        descriptions[name] = description;
        std::vector<Order> orders;
        for (const Request& r : e.test) orders.push_back(order(r));
        run.rows.push_back({name, e.evaluate(orders)});
    };
    add(initial, "the order of the scores that came with the candidates", eval::initial_order);
    if (e.world) {
        add(logged, "the list that was shown", [](const Request& r) {
            Order order;
            target::for_each_shown(r, [&](int i) { order.push_back(i); });
            return order;
        });
        return run;
    }
    add(history_first, "candidates that the history holds first, the latest before", eval::history_first);
    if (const auto direction = eval::aux_direction(e.valid); direction && eval::has_aux(e.test)) {
        add(by_aux, "sorted by aux, in the direction that is better on the validation lists",
            [&](const Request& r) { return eval::by_aux(r, *direction); });
    }
    return run;
}

/// What was given, for a message.
std::string shown(const std::string& word) {
    return is_text(word) ? word : "text that can't be printed";
}

std::vector<Method> chosen_methods(const std::vector<std::string>& names) {
    const std::vector<Method> all = all_methods();
    if (names.empty()) return all;
    std::vector<Method> out;
    for (const std::string& name : names) {
        const auto found = std::ranges::find(all, name, &Method::name);
        if (found == all.end()) {
            std::string known;
            for (const Method& m : all) known += (known.empty() ? "" : ", ") + m.name;
            throw SettingError("--models", "", shown(name), "some of " + known);
        }
        if (std::ranges::count(out, name, &Method::name) > 0)
            throw SettingError("--models", "", name + " twice", "each name once");
        out.push_back(*found);
    }
    return out;
}

/// Days of the first and the last training.
struct Days {
    std::string first = "9999", last;

    void add(const std::string& date) { first = (std::min)(first, date), last = (std::max)(last, date); }
};

/// Trains every method with every seed, but for what is kept; one printed line each.
Days run_all(const CompareOptions& o, const Experiment& e, const std::vector<Method>& methods, Summaries& summaries) {
    const KeptRuns kept(o.json, e);
    const auto all = static_cast<std::int64_t>(methods.size()) * o.seeds;
    std::int64_t done = 0;
    Days days;
    cli::Progress progress;
    for (const Method& m : methods) {
        std::size_t rows = 0;
        for (int seed = 1; seed <= o.seeds; ++seed) {
            const std::string name = fmt::format("{}, seed {}", m.name, seed);
            const auto key = static_cast<std::uint64_t>(seed);
            const char* was_kept = kept.has(m, key) ? " (kept)" : "";
            const Run run = kept.get(m, key, [&] {
                progress.show(done, all, "training " + name);
                try {
                    return m.run(e, m.name, key, o.experiment.threads);
                } catch (const Error& error) {
                    const std::string place = error.place().empty() ? "" : ", " + error.place();
                    throw Error(name, error.source() + place, error.found(), error.wanted());
                }
            });
            if (seed == 1) rows = run.rows.size();
            if (run.rows.size() != rows) {
                throw DataError(kept.folder().string(), name, fmt::format("{} rows", run.rows.size()),
                                fmt::format("{}, as seed 1 has", rows));
            }
            days.add(run.date);
            summaries.add(run, o.seeds);
            progress.clear();
            cli::print("[{}/{}] {} seed {}{}:", ++done, all, m.name, seed, was_kept);
            for (const Row& row : run.rows)
                cli::print("  {} {:.4f}", row.name, eval::mean(row.metrics.at(e.metrics()[0])));
            cli::print("  {:.0f} s\n", run.train_seconds);
            std::fflush(stdout);
        }
    }
    return days;
}

void compare(const CompareOptions& o) {
    const std::vector<Method> methods = chosen_methods(o.models);
    std::vector<std::string> taken{initial, logged, history_first, by_aux};
    for (const Method& m : all_methods()) taken.push_back(m.name);
    const std::vector<cli::NamedOrders> orders = cli::named_orders(o.orders, taken);
    train::Settings settings = default_settings(o.experiment);
    o.settings.apply_to(settings);
    train::check(settings);
    cli::check_writable(o.json);
    const Experiment e = make_experiment(o.experiment, settings);

    cli::print("learned: {}\n", e.objective());

    json descriptions;
    Summaries summaries;
    summaries.add(heuristics(e, descriptions), 1);
    for (const cli::NamedOrders& x : orders) {
        descriptions[x.name] = "orders of another program, from a file";
        summaries.add(Run{.rows = {{x.name, e.evaluate(cli::read_orders(e.test, x.file))}}}, 1);
    }
    const Days days = run_all(o, e, methods, summaries);
    print_table(e, summaries.all());

    for (const Method& m : methods) descriptions[m.name] = m.description;
    for (const Summary& s : summaries.all()) {
        const std::size_t at = s.name.find('/');
        if (at != std::string::npos) descriptions[s.name] = "the teacher of " + s.name.substr(0, at);
    }
    json out = source_of(e);
    out["descriptions"] = descriptions;
    out["metric"] = e.metrics()[0];
    for (std::size_t b = 0; b < eval::history_buckets; ++b) out["buckets"].push_back(eval::history_bucket_label(b));
    out["seeds"] = o.seeds;
    out["trained"] = {days.first, days.last};
    add_figures(e, summaries.all(), o.experiment.threads, out);
    write_json(o.json, out);
    cli::print("\nwrote {}; tables and plots of it: python3 benchmarks/quality report {} FOLDER\n", o.json, o.json);
}

void add_flags(CLI::App& app, CompareOptions& o) {
    CLI::Option* data = cli::add_data(app, o.experiment.data);
    cli::add_limits(app);
    CLI::Option* world = cli::add_world(app, o.experiment.world);
    CLI::Option* imitate =
        app.add_flag("--imitate", o.experiment.imitate, "Learn the orders that the folder's log shows, as in a world");
    app.add_option("--models", o.models, "Names with , between, such as psad,ar,prm; all when absent")->delimiter(',');
    app.add_option("--orders", o.orders,
                   "NAME=FILE: another program's orders of the test lists, lines as rerank's; may be repeated")
        ->expected(1)
        ->take_all();
    app.add_option("--json", o.json, "Figures to write; finished runs stand beside it")->required()->check(cli::path());
    app.add_option("--seeds", o.seeds, "Trainings of each model")->transform(cli::whole(1, 100))->capture_default_str();
    CLI::Option* lists = app.add_option("--lists", o.experiment.lists, "Training lists of a world");
    lists->transform(cli::whole(1, 10'000'000))->capture_default_str();
    CLI::Option* test = app.add_option("--test", o.experiment.test_lists, "Test lists of a world");
    test->transform(cli::whole(1, 1'000'000))->capture_default_str();
    const std::vector<std::string_view> settings{"epochs",       "batch",   "learning_rate",
                                                 "weight_decay", "dropout", "unknown_rate"};
    o.settings.add_to(app, settings);
    for (const std::string_view name : settings)  // those of a world depend on its lists
        o.settings.option(std::string(name))->default_str("");
    cli::add_threads(app, o.experiment.threads);
    app.footer(
        "Training settings that are not given: on a folder the defaults of psad train, in a world those of "
        "docs/results.md.");
    imitate->needs(data);
    data->excludes(world)->excludes(lists)->excludes(test);
    app.callback([&o, data, world] {
        if (data->empty() && world->empty())
            throw CLI::ValidationError("psad-compare", "found neither --data nor --world, wanted one of them");
        cli::must_be_outside("--json", o.json, o.experiment.data);
        for (const std::string& word : o.orders)
            cli::must_differ("--json", o.json, "--orders", word.substr(word.find('=') + 1));
    });
}

int run(int argc, char** argv) {
    CLI::App app("psad-compare trains and judges many models in one experiment.", "psad-compare");
    CompareOptions options;
    add_flags(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {  // --help
            app.exit(e);
            cli::flush_output();
            return 0;
        }
        cli::print_error(fmt::format("psad-compare: {}; see psad-compare --help", cli::one_line(e.what())));
        return cli::wrong_usage;
    }
    compare(options);
    cli::flush_output();
    return 0;
}

}  // namespace

}  // namespace psad::quality

int main(int argc, char** argv) {
    return psad::cli::run_program("psad-compare", [&] { return psad::quality::run(argc, argv); });
}
