// The devices that the program was built with.
#pragma once

#include <string>
#include <vector>

#include "commands.hpp"
#include "psad/core/error.hpp"
#include "psad/model/variant_set.hpp"
#include "variants.hpp"

namespace psad::cli {

struct ThrustDevice {
    const char* name;
    void (*train)(const TrainOptions&);
};

#if defined(PSAD_CLI_THRUST)
void train_on_thrust_tbb(const TrainOptions& options);
void train_on_thrust_omp(const TrainOptions& options);
#endif

/// Systems of Thrust; none where the build found no Thrust.
inline std::vector<ThrustDevice> thrust_devices() {
    return {
#if defined(PSAD_CLI_THRUST)
        {"thrust-tbb", train_on_thrust_tbb},
#if PSAD_CLI_THRUST_OMP
            {"thrust-omp", train_on_thrust_omp},
#endif
#endif
    };
}

/// What --device takes.
inline std::string device_names() {
    std::string names = "cpu";
    for (const ThrustDevice& device : thrust_devices()) names += std::string(", ") + device.name;
    return names;
}

/// The variants of the other devices: enough to compare them, at half a minute of compiling each.
using ThrustVariants = VariantSet<Default, Small>;

}  // namespace psad::cli
