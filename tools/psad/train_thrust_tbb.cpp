// psad train --device thrust-tbb.
#include "device_variants.hpp"
#include "devices.hpp"
#include "psad/backend/thrust/tbb.hpp"
#include "train.hpp"

namespace psad::cli {

void train_on_thrust_tbb(const TrainOptions& o) {
    visit_device_variant<DeviceVariants>(
        o, [&](auto variant) { train_on<typename decltype(variant)::type>(backend::ThrustTbb<float>(o.threads), o); });
}

}  // namespace psad::cli
