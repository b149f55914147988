// Compiled for each program of these objects: what it defines says which devices that one has.
#include "devices.hpp"

namespace psad::cli {

std::vector<Device> devices() {
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

std::string device_names() {
    std::string names;
    for (const Device& device : devices()) {
        if (device.train != nullptr) names += (names.empty() ? "" : ", ") + std::string(device.name);
    }
    return names;
}

}  // namespace psad::cli
