// psad train --device thrust-tbb.
#include "devices.hpp"
#include "psad/backend/thrust/tbb.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train_on_thrust_tbb(const TrainOptions& o) {
    train_on<DeviceVariants>(backend::ThrustTbb<float>(o.threads), o);
}

}  // namespace psad::cli
