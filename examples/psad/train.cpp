// psad train: the device is chosen here. Those beyond the CPU are compiled each in a file of its own.
#include "devices.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/error.hpp"
#include "train_on.hpp"
#include "variants.hpp"

namespace psad::cli {

void train_on_cpu(const TrainOptions& o) {
    train_on<Variants>(backend::Cpu<float>(o.threads), o);
}

void train(const TrainOptions& o) {
    for (const Device& device : devices()) {
        if (o.device != device.name) continue;
        if (device.train != nullptr) return device.train(o);
        throw SettingError("--device", "", o.device + ", which this build of psad lacks",
                           "one of " + device_names());
    }
    throw SettingError("--device", "", o.device, "one of " + device_names());
}

}  // namespace psad::cli
