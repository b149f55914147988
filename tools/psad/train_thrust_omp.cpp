// psad train --device thrust-omp.
#include "device_variants.hpp"
#include "devices.hpp"
#include "psad/backend/thrust/omp.hpp"
#include "train.hpp"

namespace psad::cli {

void train_on_thrust_omp(const TrainOptions& o) {
    visit_device_variant<DeviceVariants>(
        o, [&](auto variant) { train_on<typename decltype(variant)::type>(backend::ThrustOmp<float>(o.threads), o); });
}

}  // namespace psad::cli
