// psad train: flags, and the choice of the device. Devices beyond the CPU are compiled each in a file of its own.
#include <memory>

#include "commands.hpp"
#include "devices.hpp"
#include "flags.hpp"
#include "psad/core/error.hpp"

namespace psad::cli {

namespace {

void train_on_cpu(const TrainOptions& o) {
    variant_program(o.variant).train(o);
}

void train(const TrainOptions& o) {
    for (const Device& device : devices(train_on_cpu)) {
        if (o.device != device.name) continue;
        if (device.train != nullptr) return device.train(o);
        throw SettingError("--device", "", o.device + ", which this build of psad lacks",
                           "one of " + device_names());
    }
    throw SettingError("--device", "", o.device, "one of " + device_names());
}

}  // namespace

Command add_train(CLI::App& app) {
    struct Parsed {
        TrainOptions options;
        SettingFlags<train::Settings> settings;
    };
    const auto p = std::make_shared<Parsed>();
    TrainOptions& o = p->options;
    CLI::App& command = *app.add_subcommand("train", "Train teacher and student together on a folder of lists");
    add_data(command, o.data)->required();
    command.add_option("--out", o.out, "Model file to write (safetensors)")->required()->check(path());
    add_variant(command, o.variant, variant_names());
    command.add_option("--device", o.device, "One of " + device_names())->capture_default_str();
    p->settings.add_to(command);
    p->settings.option("steps")->excludes(p->settings.option("epochs"));
    add_threads(command, o.threads);
    command.add_flag("--student-only", o.student_only, "Save the student without its teacher");
    command.add_option("--json", o.json, "Write losses, validation and settings to this file")->check(path());
    command.callback([&o] {
        must_differ("--json", o.json, "--out", o.out);
        must_be_outside("--out", o.out, o.data);
        must_be_outside("--json", o.json, o.data);
    });
    return {&command, [p] {
                TrainOptions& options = p->options;
                p->settings.apply_to(options.settings);
                if (options.device == "cuda" && !p->settings.has("shard"))
                    options.settings.shard = options.settings.batch;  // a card is fastest with all at once
                train::check(options.settings, 1);  // before anything is read
                train(options);
            }};
}

}  // namespace psad::cli
