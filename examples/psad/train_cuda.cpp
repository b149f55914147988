// psad train --device cuda.
#include <string>

#include "devices.hpp"
#include "fit_cuda.hpp"
#include "psad/backend/thrust/cuda_stream.hpp"
#include "psad/core/error.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train_on_cuda(const TrainOptions& o) {
    if (o.threads > 0) {
        throw SettingError("--threads", "", std::to_string(o.threads) + " with --device cuda",
                           "none: a card has its own");
    }
    backend::require_card();  // before any work
    train_variant<DeviceVariants>(o, [](auto variant, const auto&... given) {
        return fit_on_cuda<typename decltype(variant)::type>(given...);
    });
}

}  // namespace psad::cli
