// psad train on the CPU's own kernels; the other devices are compiled each in a file of its own.
#include "devices.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train(const TrainOptions& o) {
    if (o.device == "cpu") {
        Variants::visit(o.variant, [&](auto variant) {
            train_on<typename decltype(variant)::type>(backend::Cpu<float>(o.threads), o);
        });
        return;
    }
    for (const ThrustDevice& device : thrust_devices()) {
        if (o.device != device.name) continue;
        if (!ThrustVariants::has(o.variant))
            throw SettingError("--variant", "", o.variant + " on " + o.device,
                               "one of " + ThrustVariants::names());
        return device.train(o);
    }
    throw SettingError("--device", "", o.device, "one of " + device_names());
}

}  // namespace psad::cli
