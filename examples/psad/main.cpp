// psad: train, evaluate and serve rerankers from the command line.
// Exit codes: 0 good, 2 wrong usage, 1 anything else with one line on stderr.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <string>

#include "commands.hpp"
#include "devices.hpp"
#include "flags.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/error.hpp"
#include "psad/io/atomic_file.hpp"
#include "variants.hpp"

namespace psad::cli {

void LearningOptions::apply_to(TrainSettings& s) const {
    s.epochs = epochs.value_or(s.epochs);
    s.batch = batch.value_or(s.batch);
    s.adam.rate = rate.value_or(s.adam.rate);
    s.adam.weight_decay = weight_decay.value_or(s.adam.weight_decay);
    if (dropout) s.dropout = static_cast<float>(*dropout);
    if (s.adam.rate * s.adam.weight_decay >= 1) {
        throw SettingError("--rate", "with --weight-decay " + fmt::format("{}", s.adam.weight_decay),
                           fmt::format("{}", s.adam.rate), "a product below 1");
    }
}

void check_writable(const std::filesystem::path& path) {
    if (!path.empty()) io::AtomicFile probe(path);
}

void write_json(const std::filesystem::path& path, const nlohmann::json& document) {
    if (path.empty()) return;
    const std::string text = document.dump(2) + "\n";
    io::AtomicFile file(path);
    file.write(text.data(), text.size());
    file.commit();
}

void flush_output() {
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        const char* reason = errno != 0 ? std::strerror(errno) : "an earlier write that failed";
        throw Error("standard output", "", reason, "a place that can be written");
    }
}

}  // namespace psad::cli

namespace {

using namespace psad::cli;

constexpr int wrong_usage = 2;
constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<int>::max)());
constexpr auto most_seed = (std::numeric_limits<std::uint64_t>::max)();

// Else the first file to be opened would take the place of a closed standard stream and receive its text.
void hold_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(stream, F_GETFD) >= 0) continue;
        const int taken = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (taken >= 0 && taken != stream) close(taken);
    }
}

void add_threads(CLI::App& command, int& threads) {
    command.add_option("--threads", threads, "0 = all of the machine")
        ->transform(whole(0, 256))
        ->capture_default_str();
}

/// Returns --epochs.
CLI::Option* add_learning(CLI::App& command, LearningOptions& o) {
    CLI::Option* epochs = command.add_option("--epochs", o.epochs, "Passes over the training lists")
                              ->transform(whole(1, 1'000'000));
    command.add_option("--batch", o.batch, "Lists per step")->transform(whole(1, most));
    command.add_option("--rate", o.rate, "Peak learning rate")->transform(number(1e-9, 10));
    command.add_option("--weight-decay", o.weight_decay, "Weight decay of AdamW; fewer lists want more")
        ->transform(number(0, 100));
    command.add_option("--dropout", o.dropout, "Share of hidden numbers dropped in training")
        ->transform(number(0, 0.9));
    return epochs;
}

void add_variant(CLI::App& command, std::string& variant) {
    command.add_option("--variant", variant, "One of " + Variants::names())
        ->check([](const std::string& name) {
            return Variants::has(name) ? std::string()
                                       : fmt::format("found {}, wanted one of {}", name, Variants::names());
        })
        ->capture_default_str();
}

CLI::Option* add_data(CLI::App& command, std::string& data) {
    return command.add_option("--data", data, "Folder in the format psad-lists-1")->check(path());
}

CLI::App& add_train(CLI::App& app, TrainOptions& o) {
    CLI::App& command =
        *app.add_subcommand("train", "Train teacher and student together on a folder of lists");
    add_data(command, o.data)->default_val(PSAD_DEFAULT_DATA);
    command.add_option("--out", o.out, "Model file to write (safetensors)")->required()->check(path());
    add_variant(command, o.variant);
    command.add_option("--device", o.device, "One of " + device_names())->capture_default_str();
    CLI::Option* epochs = add_learning(command, o.learning);
    command.add_option("--steps", o.steps, "Stop after so many steps instead")
        ->transform(whole(1, most))
        ->excludes(epochs);
    command.add_option("--seed", o.seed, "Same seed, same bits")
        ->transform(whole(0, most_seed))
        ->capture_default_str();
    add_threads(command, o.threads);
    command
        .add_option("--shard", o.shard,
                    "Lists worked on at once; changes what is dropped, not what is learned")
        ->transform(whole(1, most));
    command.add_option("--distillation", o.distillation, "Weight of what the teacher tells the student")
        ->transform(number(0, 100));
    command.add_flag("--student-only", o.student_only, "Save the student without its teacher");
    command.add_option("--json", o.json, "Write losses, validation and settings to this file")->check(path());
    command.callback([&o] {
        must_differ("--json", o.json, "--out", o.out);
        must_be_outside("--out", o.out, o.data);
        must_be_outside("--json", o.json, o.data);
    });
    return command;
}

CLI::App& add_evaluate(CLI::App& app, EvaluateOptions& o) {
    CLI::App& command = *app.add_subcommand("evaluate", "Compare a model with orders that need no training");
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    add_data(command, o.data)->default_val(PSAD_DEFAULT_DATA);
    command.add_option("--split", o.split, "train, valid or test")
        ->check(one_of({"train", "valid", "test"}))
        ->capture_default_str();
    command.add_option("--json", o.json, "Write the figures to this file")->check(path());
    command.callback([&o] {
        must_differ("--json", o.json, "--model", o.model);
        must_be_outside("--json", o.json, o.data);
    });
    return command;
}

CLI::App& add_rerank(CLI::App& app, RerankOptions& o) {
    CLI::App& command =
        *app.add_subcommand("rerank", "Rerank requests: JSON Lines on stdin to JSON Lines on stdout");
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    command.add_option("--data", o.data, "Folder whose users and titles requests may name")->check(path());
    command.add_option("--top", o.top, "Places to fill; all candidates when absent")
        ->transform(whole(1, most));
    command.add_flag("--explain", o.explain, "Say why each item stands where it stands");
    return command;
}

CLI::App& add_cost(CLI::App& app, CostOptions& o) {
    CLI::App& command =
        *app.add_subcommand("cost", "Parameters, FLOPs and bytes of a variant, without running it");
    add_variant(command, o.variant);
    command.add_option("--items", o.items, "Candidates")->transform(whole(1, 10'000))->capture_default_str();
    command.add_option("--history", o.history, "History events")
        ->transform(whole(0, 100'000))
        ->capture_default_str();
    return command;
}

CLI::Option* add_world(CLI::App& command, std::string& world) {
    return command.add_option("--world", world, "Settings of the world, e.g. slots=6,logger=mixture");
}

CLI::App& add_simulate(CLI::App& app, SimulateOptions& o) {
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
        ->transform(whole(0, most_seed));
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
    return command;
}

CLI::App& add_compare(CLI::App& app, CompareOptions& o) {
    CLI::App& command = *app.add_subcommand("compare", "Train and judge many models under one protocol");
    CLI::Option* data = add_data(command, o.data);
    CLI::Option* world = add_world(command, o.world);
    command.add_option("--models", o.models, "Names with , between, such as psad,ar,prm; all when absent")
        ->delimiter(',');
    command
        .add_option(
            "--orders", o.orders,
            "NAME=FILE: another program's orders of the test lists, lines as rerank's; may be repeated")
        ->expected(1)
        ->take_all();
    command.add_option("--json", o.json, "Report to write; finished cells stand beside it")
        ->required()
        ->check(path());
    command.add_option("--report", o.report, "Folder for tables and plots (needs matplotlib)")->check(path());
    command.add_option("--seeds", o.seeds, "Trainings of each model")
        ->transform(whole(1, 100))
        ->capture_default_str();
    CLI::Option* lists = command.add_option("--lists", o.lists, "Training lists of a world");
    lists->transform(whole(1, 10'000'000))->capture_default_str();
    CLI::Option* test = command.add_option("--test", o.test_lists, "Test lists of a world");
    test->transform(whole(1, 1'000'000))->capture_default_str();
    add_learning(command, o.learning);
    add_threads(command, o.threads);
    data->excludes(world)->excludes(lists)->excludes(test);
    command.callback([&o, data, world] {
        if (data->empty() && world->empty())
            throw CLI::ValidationError("compare", "found neither --data nor --world, wanted one of them");
        must_be_outside("--json", o.json, o.data);
        if (!o.report.empty()) {
            must_differ("--json", o.json, "--report", o.report);
            for (const char* page :
                 {"/report.html", "/report.md", "/pareto.svg", "/blocks.svg", "/history.svg", "/curves.svg"})
                must_differ("--json", o.json, "--report", o.report + page);
        }
        for (const std::string& word : o.orders)
            must_differ("--json", o.json, "--orders", word.substr(word.find('=') + 1));
    });
    return command;
}

/// A message may quote what was given: nothing of it breaks the line.
std::string one_line(std::string message) {
    for (char& c : message) {
        if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    return message;
}

int run(int count, char** words) {
    CLI::App app(
        "psad reranks recommendation lists: a semi-autoregressive teacher and the light student it trains.",
        "psad");
    app.require_subcommand(1);
    app.set_version_flag("--version", fmt::format("psad {} (vectors of {} bytes)", version,
                                                  psad::backend::Cpu<float>::vector_bytes()));
    TrainOptions train_options;
    EvaluateOptions evaluate_options;
    RerankOptions rerank_options;
    CostOptions cost_options;
    SimulateOptions simulate_options;
    CompareOptions compare_options;
    const CLI::App& train_command = add_train(app, train_options);
    const CLI::App& evaluate_command = add_evaluate(app, evaluate_options);
    const CLI::App& rerank_command = add_rerank(app, rerank_options);
    const CLI::App& cost_command = add_cost(app, cost_options);
    const CLI::App& simulate_command = add_simulate(app, simulate_options);
    add_compare(app, compare_options);

    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {  // --help, --version
            app.exit(e);
            flush_output();
            return 0;
        }
        std::string message = e.what();
        if (app.get_subcommands().empty()) {  // CLI11 would not name what stands there instead
            const auto unknown = app.remaining();
            message = fmt::format("found {}, wanted train, evaluate, rerank, cost, simulate or compare",
                                  unknown.empty() ? "no command" : unknown[0]);
        }
        fmt::print(stderr, "psad: {}; see psad --help\n", one_line(message));
        return wrong_usage;
    }
    if (train_command)
        train(train_options);
    else if (evaluate_command)
        evaluate(evaluate_options);
    else if (rerank_command)
        rerank(rerank_options);
    else if (cost_command)
        cost(cost_options);
    else if (simulate_command)
        simulate(simulate_options);
    else
        compare(compare_options);
    flush_output();
    return 0;
}

}  // namespace

int main(int count, char** words) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error like any other
    hold_standard_streams();
    try {
        return run(count, words);
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "psad: memory: found too little, wanted enough for the data and the model\n");
        return 1;
    } catch (const psad::SettingError& e) {  // a flag's value that only the command itself could judge
        fmt::print(stderr, "psad: {}\n", one_line(e.what()));
        return 2;
    } catch (const std::exception& e) {
        fmt::print(stderr, "psad: {}\n", one_line(e.what()));
        return 1;
    }
}
