// The devices that the program was built with.
#pragma once

#include <string>
#include <vector>

#include "options.hpp"

namespace psad::cli {

struct Device {
    const char* name;
    void (*train)(const TrainOptions&);  ///< null: this build lacks it
};

void train_on_cpu(const TrainOptions& options);
void train_on_thrust_tbb(const TrainOptions& options);
void train_on_thrust_omp(const TrainOptions& options);
void train_on_cuda(const TrainOptions& options);

/// All that the program knows.
std::vector<Device> devices();

/// What --device takes.
std::string device_names();

}  // namespace psad::cli
