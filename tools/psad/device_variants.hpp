// The variants that train on every device.
#pragma once

#include "psad/model/psad_model.hpp"
#include "psad/model/variant_set.hpp"

namespace psad::cli {

struct Default {
    static constexpr const char* name = "default";
    using type = Psad<>;
};
/// Half as wide, one layer each: for small data and small machines.
struct Small {
    static constexpr const char* name = "small";
    using type = Psad<Spec{.width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64, .gate = 16}>;
};
/// The variants of the devices beyond the CPU: enough to compare them, at half a minute of compiling each.
using DeviceVariants = VariantSet<Default, Small>;

}  // namespace psad::cli
