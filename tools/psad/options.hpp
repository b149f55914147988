// The options of each command, as its flags set them.
#pragma once

#include <string>

#include "psad/train/settings.hpp"

namespace psad::cli {

struct TrainOptions {
    std::string data, out, variant, device = "cpu", json;
    train::Settings settings;
    int threads = 0;
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
    std::string variant;
    int items = 20;
    int history = 50;
};

struct SimulateOptions {
    std::string out, world;
    int lists = 10000, valid_lists = 1000, test_lists = 1000;
    int threads = 0;
};

}  // namespace psad::cli
