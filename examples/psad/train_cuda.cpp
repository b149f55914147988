// psad train --device cuda.
#include "devices.hpp"
#include "fit_cuda.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train_on_cuda(const TrainOptions& o) {
    check_card();  // before any work
    train_variant<DeviceVariants>(o, [](auto variant, const auto&... given) {
        return fit_on_cuda<typename decltype(variant)::type>(given...);
    });
}

}  // namespace psad::cli
