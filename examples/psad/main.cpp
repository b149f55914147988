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
constexpr auto most_steps = static_cast<std::uint64_t>((std::numeric_limits<int>::max)());

// Else the first file to be opened would take the place of a closed standard stream and receive its text.
void hold_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(stream, F_GETFD) >= 0) continue;
        const int taken = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (taken >= 0 && taken != stream) close(taken);
    }
}

void add_setting(std::string& world, const std::string& setting) {
    world += (world.empty() ? "" : ",") + setting;
}

int run(int count, char** words) {
    CLI::App app(
        "psad reranks recommendation lists: a semi-autoregressive teacher and the light student it trains.",
        "psad");
    app.require_subcommand(1);
    app.set_version_flag("--version", fmt::format("psad {} (vectors of {} bytes)", version,
                                                  psad::backend::Cpu<float>::vector_bytes()));
    const std::string variants = psad::cli::Variants::names();

    TrainOptions train_options;
    auto* train_command =
        app.add_subcommand("train", "Train teacher and student together on a folder of lists");
    train_command->add_option("--data", train_options.data, "Folder in the format psad-lists-1")
        ->check(path())
        ->default_val(PSAD_DEFAULT_DATA);
    train_command->add_option("--out", train_options.out, "Model file to write (safetensors)")
        ->required()
        ->check(path());
    train_command->add_option("--variant", train_options.variant, "One of " + variants)
        ->capture_default_str();
    train_command->add_option("--device", train_options.device, "One of " + psad::cli::device_names())
        ->capture_default_str();
    auto* epochs =
        train_command->add_option("--epochs", train_options.epochs, "Passes over the training lists")
            ->transform(whole(1, 1'000'000));
    train_command->add_option("--steps", train_options.steps, "Stop after so many steps instead")
        ->transform(whole(1, most_steps))
        ->excludes(epochs);
    train_command->add_option("--seed", train_options.seed, "Same seed, same bits")
        ->transform(whole(0, (std::numeric_limits<std::uint64_t>::max)()))
        ->capture_default_str();
    train_command->add_option("--threads", train_options.threads, "0 = all of the machine")
        ->transform(whole(0, 256))
        ->capture_default_str();
    train_command->add_option("--batch", train_options.batch, "Lists per step")
        ->transform(whole(1, most_steps));
    train_command
        ->add_option("--shard", train_options.shard,
                     "Lists worked on at once; changes what is dropped, not what is learned")
        ->transform(whole(1, most_steps));
    train_command->add_option("--rate", train_options.rate, "Peak learning rate")
        ->transform(number(1e-9, 10));
    train_command
        ->add_option("--weight-decay", train_options.weight_decay,
                     "Weight decay of AdamW; fewer lists want more")
        ->transform(number(0, 100));
    train_command
        ->add_option("--dropout", train_options.dropout, "Share of hidden numbers dropped in training")
        ->transform(number(0, 0.9));
    train_command
        ->add_option("--distillation", train_options.distillation,
                     "Weight of what the teacher tells the student")
        ->transform(number(0, 100));
    train_command->add_flag("--student-only", train_options.student_only,
                            "Save the student without its teacher");
    train_command
        ->add_option("--json", train_options.json, "Write losses, validation and settings to this file")
        ->check(path());

    EvaluateOptions evaluate_options;
    auto* evaluate_command =
        app.add_subcommand("evaluate", "Compare a model with the initial order and history first");
    evaluate_command->add_option("--model", evaluate_options.model, "Model file")->required()->check(path());
    evaluate_command->add_option("--data", evaluate_options.data, "Folder in the format psad-lists-1")
        ->check(path())
        ->default_val(PSAD_DEFAULT_DATA);
    evaluate_command->add_option("--split", evaluate_options.split, "train, valid or test")
        ->check(one_of({"train", "valid", "test"}))
        ->capture_default_str();
    evaluate_command->add_option("--json", evaluate_options.json, "Write the figures to this file")
        ->check(path());

    RerankOptions rerank_options;
    auto* rerank_command =
        app.add_subcommand("rerank", "Rerank requests: JSON Lines on stdin to JSON Lines on stdout");
    rerank_command->add_option("--model", rerank_options.model, "Model file")->required()->check(path());
    rerank_command
        ->add_option("--data", rerank_options.data, "Folder whose users and titles requests may name")
        ->check(path());
    rerank_command->add_option("--top", rerank_options.top, "Places to fill; all candidates when absent")
        ->transform(whole(1, most_steps));
    rerank_command->add_flag("--explain", rerank_options.explain, "Say why each item stands where it stands");

    CostOptions cost_options;
    auto* cost_command =
        app.add_subcommand("cost", "Parameters, FLOPs and bytes of a variant, without running it");
    cost_command->add_option("--variant", cost_options.variant, "One of " + variants)->capture_default_str();
    cost_command->add_option("--items", cost_options.items, "Candidates")
        ->transform(whole(1, 10'000))
        ->capture_default_str();
    cost_command->add_option("--history", cost_options.history, "History events")
        ->transform(whole(0, 100'000))
        ->capture_default_str();

    SimulateOptions simulate_options;
    std::string interaction;
    std::uint64_t world_seed = 1;
    const std::string world_words = "Settings of the world, e.g. slots=6,logger=mixture";
    auto* simulate_command = app.add_subcommand("simulate", "Write logs of a world whose truth is known");
    simulate_command->add_option("--out", simulate_options.out, "New folder for lists and truth")
        ->required()
        ->check(path());
    simulate_command->add_option("--lists", simulate_options.lists, "Training lists")
        ->transform(whole(1, 10'000'000))
        ->capture_default_str();
    simulate_command->add_option("--valid", simulate_options.valid_lists, "Validation lists")
        ->transform(whole(0, 1'000'000))
        ->capture_default_str();
    simulate_command->add_option("--test", simulate_options.test_lists, "Test lists")
        ->transform(whole(0, 1'000'000))
        ->capture_default_str();
    simulate_command->add_option("--world", simulate_options.world, world_words);
    auto* world_seed_option = simulate_command->add_option("--seed", world_seed, "seed=S of the world")
                                  ->transform(whole(0, (std::numeric_limits<std::uint64_t>::max)()));
    simulate_command
        ->add_option("--interaction", interaction, "variety and complement of the world: 0 0, 2 0 or 2 1")
        ->check(one_of({"none", "redundancy", "complements"}));
    simulate_command->add_option("--threads", simulate_options.threads, "0 = all of the machine")
        ->transform(whole(0, 256))
        ->capture_default_str();

    CompareOptions compare_options;
    auto* compare_command = app.add_subcommand("compare", "Train and judge many models under one protocol");
    auto* compare_data =
        compare_command->add_option("--data", compare_options.data, "Folder in the format psad-lists-1")
            ->check(path());
    auto* compare_world = compare_command->add_option("--world", compare_options.world, world_words);
    compare_command->add_option("--models", compare_options.models, "Names with , between; all when absent")
        ->delimiter(',');
    compare_command
        ->add_option(
            "--orders", compare_options.orders,
            "NAME=FILE: another program's orders of the test lists, lines as rerank's; may be repeated")
        ->expected(1)
        ->take_all();
    compare_command
        ->add_option("--json", compare_options.json, "Report to write; finished cells stand beside it")
        ->required()
        ->check(path());
    compare_command
        ->add_option("--report", compare_options.report, "Folder for tables and plots (needs matplotlib)")
        ->check(path());
    compare_command->add_option("--seeds", compare_options.seeds, "Trainings of each model")
        ->transform(whole(1, 100))
        ->capture_default_str();
    auto* compare_lists =
        compare_command->add_option("--lists", compare_options.lists, "Training lists of a world");
    compare_lists->transform(whole(1, 10'000'000))->capture_default_str();
    auto* compare_test =
        compare_command->add_option("--test", compare_options.test_lists, "Test lists of a world");
    compare_test->transform(whole(1, 1'000'000))->capture_default_str();
    compare_command->add_option("--epochs", compare_options.epochs, "Passes over the training lists")
        ->transform(whole(1, 1'000'000));
    compare_command->add_option("--batch", compare_options.batch, "Lists per step")
        ->transform(whole(1, most_steps));
    compare_command->add_option("--rate", compare_options.rate, "Peak learning rate")
        ->transform(number(1e-9, 10));
    compare_command
        ->add_option("--weight-decay", compare_options.weight_decay,
                     "Weight decay of AdamW; fewer lists want more")
        ->transform(number(0, 100));
    compare_command
        ->add_option("--dropout", compare_options.dropout, "Share of hidden numbers dropped in training")
        ->transform(number(0, 0.9));
    compare_command->add_option("--threads", compare_options.threads, "0 = all of the machine")
        ->transform(whole(0, 256))
        ->capture_default_str();
    compare_data->excludes(compare_world)->excludes(compare_lists)->excludes(compare_test);

    try {
        app.parse(count, words);
        must_differ("--json", train_options.json, "--out", train_options.out);
        must_differ("--json", evaluate_options.json, "--model", evaluate_options.model);
        must_be_outside("--out", train_options.out, train_options.data);
        must_be_outside("--json", train_options.json, train_options.data);
        must_be_outside("--json", evaluate_options.json, evaluate_options.data);
        if (*compare_command && compare_data->empty() && compare_world->empty())
            throw CLI::ValidationError("compare", "found neither --data nor --world, wanted one of them");
        must_be_outside("--json", compare_options.json, compare_options.data);
        for (const std::string& word : compare_options.orders)
            must_differ("--json", compare_options.json, "--orders", word.substr(word.find('=') + 1));
        if (interaction == "none") add_setting(simulate_options.world, "variety=0,complement=0");
        if (interaction == "redundancy") add_setting(simulate_options.world, "variety=2,complement=0");
        if (interaction == "complements") add_setting(simulate_options.world, "variety=2,complement=1");
        if (!world_seed_option->empty())
            add_setting(simulate_options.world, fmt::format("seed={}", world_seed));
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
        fmt::print(stderr, "psad: {}; see psad --help\n", message);
        return wrong_usage;
    }
    for (const std::string& name : {train_options.variant, cost_options.variant}) {
        if (!psad::cli::Variants::has(name)) {
            fmt::print(stderr, "psad: --variant: found {}, wanted one of {}\n", name, variants);
            return wrong_usage;
        }
    }
    if (*train_command)
        train(train_options);
    else if (*evaluate_command)
        evaluate(evaluate_options);
    else if (*rerank_command)
        rerank(rerank_options);
    else if (*cost_command)
        cost(cost_options);
    else if (*simulate_command)
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
        fmt::print(stderr, "psad: {}\n", e.what());
        return 2;
    } catch (const std::exception& e) {
        fmt::print(stderr, "psad: {}\n", e.what());
        return 1;
    }
}
