// The flags of each command. Devices beyond the CPU are compiled each in a file of its own.
#include "commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "devices.hpp"
#include "flags.hpp"
#include "inputs.hpp"
#include "psad/core/error.hpp"
#include "psad/model_file/model_file.hpp"
#include "variant_programs.hpp"

namespace psad::cli {

void train_on_cpu(const TrainOptions& o) {
    variant_program(o.variant).train(o);
}

namespace {

void add_strict(CLI::App& command, bool& strict) {
    command.add_flag("--strict", strict,
                     "Refuse requests with unknown items or values, with events that are not before them, or without "
                     "columns that all training lists had");
}

void add_tables(CLI::App& command, TableOptions& tables) {
    command.add_option("--items,--catalog", tables.items, "Tables of items (CSV, TSV or JSON Lines)")->check(path());
    command.add_option("--users", tables.users, "Tables of users")->check(path());
    command.add_option("--events", tables.events, "Tables of events: those of a user before a request are its history")
        ->check(path());
}
void add_format(CLI::App& command, std::string& format) {
    command
        .add_option("--format", format,
                    "Of the files of requests: " + std::string("jsonl, csv, tsv, letor, npy") + "; else by ending")
        ->check(one_of({"jsonl", "csv", "tsv", "letor", "npy"}));
}
/// Throws CLI::ValidationError unless there is a folder or there are files, and not both.
void must_have_one(const std::string& data, const char* flag, const Words& files) {
    if (data.empty() == files.empty())
        throw CLI::ValidationError(
            fmt::format("found {} --data and {}, wanted one of them", data.empty() ? "neither" : "both", flag));
}
/// Throws CLI::ValidationError for flags of files beside a folder of lists, and for those of a folder beside files.
void must_not_stand_beside_data(const CLI::App& command) {
    const auto given = [&](const std::string& flag) {
        // get_option_no_throw() ends the program where memory ends.
        return std::ranges::any_of(command.get_options(), [&](const CLI::Option* option) {
            return !option->empty() && std::ranges::count(option->get_lnames(), flag.substr(2)) > 0;
        });
    };
    const bool folder = given("--data");
    for (const char* flag : {"--valid", "--valid-from", "--test-from", "--schema", "--teacher-scores", "--items",
                             "--users", "--events", "--format", "--labels"}) {
        if (folder && given(flag)) throw CLI::ValidationError(flag, "found --data beside it, wanted files");
    }
    if (!folder && given("--split")) throw CLI::ValidationError("--split", "found no --data, wanted it");
}
/// Throws CLI::ValidationError if a file that will be written is among those that are read.
void must_not_be_read(const char* flag, const std::string& written, const Words& files, const TableOptions& tables,
                      const std::string& schema = {}) {
    must_differ(flag, written, "--schema", schema);
    for (const Words* names : {&files, &tables.items, &tables.users, &tables.events}) {
        for (const std::string& name : *names) {
            must_differ(flag, written, "the data", name);
            must_be_outside(flag, written, name);
        }
    }
}

/// What evaluate and encode read.
void add_test(CLI::App& command, TestOptions& o) {
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    add_data(command, o.data);
    command.add_option("--test", o.test, "Files or folders of requests, instead of --data")->check(path());
    command.add_option("--test-from", o.test_from, "Only requests from this time on (unix seconds or ISO 8601)")
        ->check(time());
    add_tables(command, o.tables);
    add_format(command, o.format);
    command.add_option("--split", o.split, "Of --data: train, valid or test")
        ->check(one_of({"train", "valid", "test"}))
        ->capture_default_str();
    add_strict(command, o.strict);
    add_limits(command);
}

void train(const TrainOptions& o) {
    for (const Device& device : devices()) {
        if (o.device != device.name) continue;
        if (device.train != nullptr) return device.train(o);
        throw SettingError("--device", "", o.device + ", which this build of psad lacks", "one of " + device_names());
    }
    throw SettingError("--device", "", o.device, "one of " + device_names());
}

}  // namespace

Command add_train(CLI::App& app) {
    struct Parsed {
        TrainOptions options;
        SettingFlags<train::Settings> settings;
        SettingFlags<EncoderSettings> encoding;
    };
    const auto p = std::make_shared<Parsed>();
    TrainOptions& o = p->options;
    o.variant = variant_programs().front().name;
    CLI::App& command = *app.add_subcommand("train", "Train teacher and student together on lists of requests");
    add_data(command, o.data);
    command.add_option("--train", o.train, "Files or folders of training requests, instead of --data")->check(path());
    command.add_option("--valid", o.valid, "Files of validation requests; else a part of the training requests")
        ->check(path());
    command
        .add_option("--valid-from", o.valid_from,
                    "Training requests from this time on (unix seconds or ISO 8601) are validation requests")
        ->check(time());
    command.add_option("--test-from", o.test_from, "Training requests from this time on are left out")->check(time());
    add_tables(command, o.tables);
    command.add_option("--schema", o.schema, "What the columns mean (psad schema); else it is guessed")->check(path());
    add_format(command, o.format);
    command
        .add_option("--teacher-scores", o.teacher_scores,
                    "Column of candidates with another ranker's scores, as one more teacher: no input of the model")
        ->check(name());
    command.add_option("--out", o.out, "Model file to write (safetensors)")->required()->check(path());
    add_variant(command, o.variant, variant_names());
    command
        .add_option("--device", o.device,
                    "One of " + device_names() + "; on cuda a batch is one shard unless --shard says otherwise")
        ->capture_default_str();
    p->settings.add_to(command);
    p->encoding.add_to(command);
    p->settings.option("steps")->excludes(p->settings.option("epochs"));
    add_threads(command, o.threads);
    command.add_flag("--student-only", o.student_only, "Save the student without its teacher");
    command.add_option("--json", o.json, "Write losses, validation and settings to this file")->check(path());
    add_limits(command);
    command.callback([&o, &command] {
        must_have_one(o.data, "--train", o.train);
        must_not_stand_beside_data(command);
        if (!o.test_from.empty() && o.valid_from.empty())
            throw CLI::ValidationError("--test-from", "found no --valid-from, wanted both");
        if (!o.valid_from.empty() && (o.train.empty() || !o.valid.empty()))
            throw CLI::ValidationError("--valid-from", "found --data or --valid beside it, wanted --train alone");
        must_differ("--json", o.json, "--out", o.out);
        must_be_outside("--out", o.out, o.data);
        must_be_outside("--json", o.json, o.data);
        for (const Words* files : {&o.train, &o.valid}) {
            must_not_be_read("--out", o.out, *files, o.tables, o.schema);
            must_not_be_read("--json", o.json, *files, o.tables, o.schema);
        }
    });
    return {&command, [p] {
                TrainOptions& options = p->options;
                p->settings.apply_to(options.settings);
                p->encoding.apply_to(options.encoding);
                if (options.device == "cuda" && !p->settings.has("shard"))
                    options.settings.shard = (std::numeric_limits<int>::max)();  // a card is fastest with all at once
                for (const char* name : {"distillation", "distill_from", "distill_full", "temperature", "bag"}) {
                    if (p->settings.has(name)) options.of_teacher = p->settings.option(name)->get_lnames().front();
                }
                if (!options.teacher_scores.empty()) options.of_teacher = "teacher-scores";
                train::check(options.settings);  // before anything is read
                train(options);
            }};
}

Command add_evaluate(CLI::App& app) {
    const auto p = std::make_shared<EvaluateOptions>();
    EvaluateOptions& o = *p;
    CLI::App& command = *app.add_subcommand("evaluate", "Compare a model with orders that need no training");
    add_test(command, o);
    command.add_option("--json", o.json, "Write the figures to this file")->check(path());
    command.add_option("--orders", o.orders,
                       "NAME=FILE: another program's orders of the same lists, {\"order\": [...]} a line");
    command.add_option("--per-list", o.per_list, "Write orders and figures of each list to this file, a line each")
        ->check(path());
    command
        .add_option("--labels", o.labels,
                    "Columns of --test to judge by, each alone; when absent each kind of feedback of the schema")
        ->delimiter(',')
        ->check(name());
    command
        .add_option("--revenue", o.revenue,
                    "Sum this dense feature of candidates or items over the positives that come first")
        ->check(name());
    command
        .add_option("--min-propensity", o.min_propensity,
                    "Where lists have propensities, estimates divide by no smaller ones")
        ->transform(between(1e-6, 1.0, "a number"))
        ->capture_default_str();
    command.add_option("--segment", o.segment, "Show the figures by the values of this field of users or context");
    command.callback([&o, &command] {
        must_have_one(o.data, "--test", o.test);
        must_not_stand_beside_data(command);
        must_not_be_read("--json", o.json, o.test, o.tables);
        must_not_be_read("--per-list", o.per_list, o.test, o.tables);
        must_differ("--per-list", o.per_list, "--model", o.model);
        must_differ("--per-list", o.per_list, "--json", o.json);
        for (const std::string& words : o.orders) {
            const std::string file = words.substr((std::min)(words.find('=') + 1, words.size()));
            must_differ("--json", o.json, "--orders", file);
            must_differ("--per-list", o.per_list, "--orders", file);
        }
        must_be_outside("--per-list", o.per_list, o.data);
        must_differ("--json", o.json, "--model", o.model);
        must_be_outside("--json", o.json, o.data);
    });
    return {&command, [p] {
                const model_file::TensorFile file = model_file::read_model_file(p->model);
                variant_program(file).evaluate(*p, file);
            }};
}

Command add_encode(CLI::App& app) {
    const auto p = std::make_shared<EncodeOptions>();
    EncodeOptions& o = *p;
    CLI::App& command = *app.add_subcommand(
        "encode", "Write what a model reads of each candidate as NumPy arrays: to train other rankers on the same");
    add_test(command, o);
    command.add_option("--out", o.out, "New folder")->required()->check(path());
    command.callback([&o, &command] {
        must_have_one(o.data, "--test", o.test);
        must_not_stand_beside_data(command);
        must_not_be_read("--out", o.out, o.test, o.tables);
        must_be_outside("--out", o.out, o.data);
    });
    return {&command, [p] { encode(*p); }};
}

Command add_rerank(CLI::App& app) {
    const auto p = std::make_shared<RerankOptions>();
    RerankOptions& o = *p;
    CLI::App& command = *app.add_subcommand("rerank", "Rerank requests: JSON Lines on stdin to JSON Lines on stdout");
    command.add_option("--model", o.model, "Model file")->required()->check(path());
    command.add_option("--data", o.data, "Folder whose users requests may name, and whose titles answers show")
        ->check(path());
    add_tables(command, o.tables);
    command.add_option("--top", o.top, "Positions to fill; all candidates when absent")->transform(whole(1, max_int));
    command.add_flag("--explain", o.explain, "Say why each item stands where it stands");
    add_strict(command, o.strict);
    command.add_flag("--counts", o.counts, "At the end say what was not taken as it came, on standard error");
    add_limits(command);
    return {&command, [p] {
                const model_file::TensorFile file = model_file::read_model_file(p->model);
                variant_program(file).rerank(*p, file);
            }};
}

Command add_schema(CLI::App& app) {
    const auto p = std::make_shared<SchemaOptions>();
    SchemaOptions& o = *p;
    CLI::App& command = *app.add_subcommand("schema", "Guess what the columns of files mean: a schema to be edited");
    command.add_option("files", o.lists, "Files or folders of requests")->required()->check(path());
    add_tables(command, o.tables);
    add_format(command, o.format);
    command.add_option("--out", o.out, "Write the schema to this file instead of standard output")->check(path());
    add_limits(command);
    command.callback([&o] { must_not_be_read("--out", o.out, o.lists, o.tables); });
    return {&command, [p] { print_schema(*p); }};
}

Command add_convert(CLI::App& app) {
    const auto p = std::make_shared<ConvertOptions>();
    ConvertOptions& o = *p;
    CLI::App& command = *app.add_subcommand("convert", "Write files of requests as one folder that loads at once");
    command.add_option("files", o.lists, "Files or folders of requests")->required()->check(path());
    add_tables(command, o.tables);
    command.add_option("--schema", o.schema, "What the columns mean (psad schema); else it is guessed")->check(path());
    add_format(command, o.format);
    command.add_option("--out", o.out, "New folder")->required()->check(path());
    add_limits(command);
    command.callback([&o] { must_not_be_read("--out", o.out, o.lists, o.tables, o.schema); });
    return {&command, [p] { convert(*p); }};
}

Command add_cost(CLI::App& app) {
    const auto p = std::make_shared<CostOptions>();
    CostOptions& o = *p;
    o.variant = variant_programs().front().name;
    CLI::App& command = *app.add_subcommand("cost", "Parameters, FLOPs and bytes of a variant, without running it");
    add_variant(command, o.variant, variant_names());
    command.add_option("--items", o.items, "Candidates")->transform(whole(1, 10'000))->capture_default_str();
    command.add_option("--history", o.history, "History events")->transform(whole(0, 100'000))->capture_default_str();
    return {&command, [p] { variant_program(p->variant).cost(*p); }};
}

Command add_simulate(CLI::App& app) {
    const auto p = std::make_shared<SimulateOptions>();
    SimulateOptions& o = *p;
    CLI::App& command = *app.add_subcommand("simulate", "Write logs of a world whose truth is known");
    command.add_option("--out", o.out, "New folder for lists and truth")->required()->check(path());
    command.add_option("--lists", o.lists, "Training lists")->transform(whole(1, 10'000'000))->capture_default_str();
    command.add_option("--valid", o.valid_lists, "Validation lists")
        ->transform(whole(0, 1'000'000))
        ->capture_default_str();
    command.add_option("--test", o.test_lists, "Test lists")->transform(whole(0, 1'000'000))->capture_default_str();
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
            "none: variety=0,complement=0; redundancy: variety=2,complement=0; complements: variety=2,complement=1")
        ->check(one_of({"none", "redundancy", "complements"}));
    add_threads(command, o.threads);
    return {&command, [p] { simulate(*p); }};
}

}  // namespace psad::cli
