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
inline std::vector<Device> devices() {
    std::vector<Device> all{{"cpu", train_on_cpu}, {"thrust-tbb", nullptr}, {"thrust-omp", nullptr}, {"cuda", nullptr}};
#if defined(PSAD_CLI_THRUST)
    all[1].train = train_on_thrust_tbb;
#if PSAD_CLI_THRUST_OMP
    all[2].train = train_on_thrust_omp;
#endif
#endif
#if defined(PSAD_CLI_CUDA)
    all[3].train = train_on_cuda;
#endif
    return all;
}

/// What --device takes.
inline std::string device_names() {
    std::string names;
    for (const Device& device : devices()) {
        if (device.train != nullptr) names += (names.empty() ? "" : ", ") + std::string(device.name);
    }
    return names;
}

}  // namespace psad::cli
