// The options of each command, as its flags set them.
#pragma once

#include <string>
#include <vector>

#include "psad/features/fit_encoder.hpp"
#include "psad/train/settings.hpp"

namespace psad::cli {

/// Names of files, of folders or of columns.
using Words = std::vector<std::string>;

/// Tables beside files of requests.
struct TableOptions {
    Words items, users, events;
};

struct TrainOptions {
    std::string data, out, variant, device = "cpu", json;
    Words train, valid;
    TableOptions tables;
    std::string schema, format, valid_from, test_from, teacher_scores;
    train::Settings settings;
    EncoderSettings encoding;
    std::string of_teacher;  ///< a flag that was given and says how the student learns from a teacher
    int threads = 0;
    bool student_only = false;
};

/// A model, and lists that it has not seen.
struct TestOptions {
    std::string model, data, split = "test", format, test_from;
    Words test;
    TableOptions tables;
    bool strict = false;
};

struct EvaluateOptions : TestOptions {
    std::string json, per_list, segment, revenue;
    Words orders, labels;  ///< orders: NAME=FILE
    double min_propensity = 0.01;
};

struct EncodeOptions : TestOptions {
    std::string out;
};

struct RerankOptions {
    std::string model, data;
    TableOptions tables;
    int top = 0;
    bool explain = false, strict = false, counts = false;
};

/// What --strict refuses, and what is taken without it.
inline RequestRules rules(bool strict) {
    return {.refuse_unknown = strict, .refuse_late_events = strict, .take_missing_columns = !strict};
}

struct CostOptions {
    std::string variant;
    int items = 20;
    int history = 50;
};

struct SchemaOptions {
    Words lists;
    TableOptions tables;
    std::string format, out;
};

struct ConvertOptions {
    Words lists;
    TableOptions tables;
    std::string schema, format, out;
};

struct SimulateOptions {
    std::string out, world;
    int lists = 10000, valid_lists = 1000, test_lists = 1000;
    int threads = 0;
};

}  // namespace psad::cli
