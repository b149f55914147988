// psad train --device cuda.
#include <string>

#include "device_variants.hpp"
#include "devices.hpp"
#include "fit_cuda.hpp"
#include "psad/backend/thrust/cuda_stream.hpp"
#include "psad/core/error.hpp"
#include "train.hpp"

namespace psad::cli {

void train_on_cuda(const TrainOptions& o) {
    if (o.threads > 0) {
        throw SettingError("--threads", "", std::to_string(o.threads) + " with --device cuda",
                           "none: a card has its own");
    }
    backend::require_card();  // before any work
    visit_device_variant<DeviceVariants>(o, [&](auto variant) {
        using Network = typename decltype(variant)::type;
        train_with<Network>(o, fit_on_cuda<Network>);
    });
}

}  // namespace psad::cli
