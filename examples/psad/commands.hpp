// The commands of the psad program, one source file each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "psad/eval/bootstrap.hpp"
#include "psad/train/train_settings.hpp"

namespace psad::cli {

/// How to learn, where it is not as usual.
struct LearningOptions {
    std::optional<int> epochs, batch;
    std::optional<double> rate, weight_decay, dropout;

    /// Throws SettingError for flags that do not go together.
    void apply_to(TrainSettings& settings) const;
};

struct TrainOptions {
    std::string data, out, variant = "default", device = "cpu", json;
    LearningOptions learning;
    int steps = 0;
    std::uint64_t seed = 1;
    int threads = 0;
    std::optional<int> shard;
    std::optional<double> distillation;
    bool student_only = false;
};

struct EvaluateOptions {
    std::string model, data, split = "test", json;
};

struct RerankOptions {
    std::string model, data;
    int top = 0;
    bool explain = false;
};

struct CostOptions {
    std::string variant = "default";
    int items = 20;
    int history = 50;
};

inline constexpr const char* version = "0.1.0";

struct SimulateOptions {
    std::string out, world;
    int lists = 10000, valid_lists = 1000, test_lists = 1000;
    int threads = 0;
};

struct CompareOptions {
    std::string data, world;          ///< a folder, or settings of a world
    std::vector<std::string> models;  ///< all when empty
    std::vector<std::string> orders;  ///< NAME=FILE: orders of the test lists that another program made
    std::string json, report;
    int seeds = 3;
    int lists = 20000, test_lists = 1000;  ///< of a world
    int threads = 0;
    LearningOptions learning;
};

void train(const TrainOptions& options);
void evaluate(const EvaluateOptions& options);
void rerank(const RerankOptions& options);
void cost(const CostOptions& options);
void simulate(const SimulateOptions& options);
void compare(const CompareOptions& options);

/// Throws ModelFileError unless the file can be written; an empty path stands for no file. Asked before long
/// work.
void check_writable(const std::filesystem::path& path);

/// Writes a JSON document to a file as a whole or not at all; an empty path stands for no file.
void write_json(const std::filesystem::path& path, const nlohmann::json& document);

/// [value, low, high]
inline nlohmann::json triple(const eval::Interval& x) {
    return {x.value, x.low, x.high};
}

/// Throws Error if what was printed has not reached standard output.
void flush_output();

}  // namespace psad::cli
