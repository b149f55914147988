// psad: train, evaluate and serve rerankers from the command line.
// Exit codes: 0 good, 2 wrong usage, 1 anything else with one line on stderr.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <exception>

#include "commands.hpp"
#include "psad/io/atomic_file.hpp"
#include "variants.hpp"

namespace psad::cli {

void write_json(const std::filesystem::path& path, const nlohmann::json& document) {
    const std::string text = document.dump(2) + "\n";
    io::AtomicFile file(path);
    file.write(text.data(), text.size());
    file.commit();
}

}  // namespace psad::cli

namespace {

using namespace psad::cli;

constexpr int wrong_usage = 2;

int run(int count, char** words) {
    CLI::App app(
        "psad reranks recommendation lists: a semi-autoregressive teacher and the light student it trains.",
        "psad");
    app.require_subcommand(1);
    app.set_version_flag("--version", "psad 0.1.0");
    const std::string variants = psad::cli::Variants::names();

    TrainOptions train_options;
    auto* train_command =
        app.add_subcommand("train", "Train teacher and student together on a folder of lists");
    train_command->add_option("--data", train_options.data, "Folder in the format psad-lists-1")
        ->default_val(PSAD_DEFAULT_DATA)
        ->check(CLI::ExistingDirectory);
    train_command->add_option("--out", train_options.out, "Model file to write (safetensors)")->required();
    train_command->add_option("--variant", train_options.variant, "One of " + variants)
        ->capture_default_str();
    auto* epochs =
        train_command->add_option("--epochs", train_options.epochs, "Passes over the training lists")
            ->check(CLI::PositiveNumber);
    train_command->add_option("--steps", train_options.steps, "Stop after so many steps instead")
        ->check(CLI::PositiveNumber)
        ->excludes(epochs);
    train_command->add_option("--seed", train_options.seed, "Same seed, same bits")->capture_default_str();
    train_command->add_option("--threads", train_options.threads, "0 = all of the machine")
        ->check(CLI::Range(0, 256))
        ->capture_default_str();
    train_command->add_option("--batch", train_options.batch, "Lists per step")->check(CLI::PositiveNumber);
    train_command->add_option("--rate", train_options.rate, "Peak learning rate")->check(CLI::PositiveNumber);
    train_command
        ->add_option("--dropout", train_options.dropout, "Share of hidden numbers dropped in training")
        ->check(CLI::Range(0.0, 0.9));
    train_command
        ->add_option("--distillation", train_options.distillation,
                     "Weight of what the teacher tells the student")
        ->check(CLI::Range(0.0, 100.0));
    train_command->add_flag("--student-only", train_options.student_only,
                            "Save the student without its teacher");
    train_command->add_option("--json", train_options.json,
                              "Write losses, validation and settings to this file");

    EvaluateOptions evaluate_options;
    auto* evaluate_command =
        app.add_subcommand("evaluate", "Compare a model with the initial order and history first");
    evaluate_command->add_option("--model", evaluate_options.model, "Model file")
        ->required()
        ->check(CLI::ExistingFile);
    evaluate_command->add_option("--data", evaluate_options.data, "Folder in the format psad-lists-1")
        ->default_val(PSAD_DEFAULT_DATA)
        ->check(CLI::ExistingDirectory);
    evaluate_command->add_option("--split", evaluate_options.split, "train, valid or test")
        ->check(CLI::IsMember({"train", "valid", "test"}))
        ->capture_default_str();
    evaluate_command->add_option("--json", evaluate_options.json, "Write the figures to this file");

    RerankOptions rerank_options;
    auto* rerank_command =
        app.add_subcommand("rerank", "Rerank requests: JSON Lines on stdin to JSON Lines on stdout");
    rerank_command->add_option("--model", rerank_options.model, "Model file")
        ->required()
        ->check(CLI::ExistingFile);
    rerank_command
        ->add_option("--data", rerank_options.data, "Folder whose users and titles requests may name")
        ->check(CLI::ExistingDirectory);
    rerank_command->add_option("--top", rerank_options.top, "Places to fill; all candidates when absent")
        ->check(CLI::PositiveNumber);
    rerank_command->add_flag("--explain", rerank_options.explain, "Say why each item stands where it stands");

    CostOptions cost_options;
    auto* cost_command =
        app.add_subcommand("cost", "Parameters, FLOPs and bytes of a variant, without running it");
    cost_command->add_option("--variant", cost_options.variant, "One of " + variants)->capture_default_str();
    cost_command->add_option("--items", cost_options.items, "Candidates")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    cost_command->add_option("--history", cost_options.history, "History events")
        ->check(CLI::Range(0, 100000))
        ->capture_default_str();

    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : wrong_usage;
    }
    for (const std::string& name : {train_options.variant, cost_options.variant}) {
        if (!psad::cli::Variants::has(name)) {
            fmt::print(stderr, "--variant: found {}, wanted one of {}\n", name, variants);
            return wrong_usage;
        }
    }
    if (std::isnan(train_options.rate) || std::isnan(train_options.dropout) ||
        std::isnan(train_options.distillation)) {
        fmt::print(stderr, "--rate, --dropout, --distillation: found nan, wanted a number\n");
        return wrong_usage;
    }
    if (*train_command)
        train(train_options);
    else if (*evaluate_command)
        evaluate(evaluate_options);
    else if (*rerank_command)
        rerank(rerank_options);
    else
        cost(cost_options);
    return 0;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(count, words);
    } catch (const std::exception& e) {
        fmt::print(stderr, "psad: {}\n", e.what());
        return 1;
    }
}
