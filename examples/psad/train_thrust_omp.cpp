// psad train --device thrust-omp.
#include "devices.hpp"
#include "psad/backend/thrust/omp.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train_on_thrust_omp(const TrainOptions& o) {
    train_on<DeviceVariants>(backend::ThrustOmp<float>(o.threads), o);
}

}  // namespace psad::cli
