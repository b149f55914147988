#include "libtorch.hpp"

#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>

#include <utility>

namespace psad_peers {

struct TorchModule::Room {
    torch::jit::Module module;
    std::vector<torch::jit::IValue> inputs;
    torch::Tensor scores;
};

TorchModule::TorchModule(const std::string& file, const std::vector<Input>& inputs)
    : room_(std::make_unique<Room>()) {
    at::set_num_threads(1);
    torch::jit::setGraphExecutorOptimize(true);
    room_->module = torch::jit::load(file);
    room_->module.eval();
    for (const Input& in : inputs) room_->inputs.push_back(torch::from_blob(in.data, in.shape));
}
TorchModule::~TorchModule() = default;

void TorchModule::run() {
    const c10::InferenceMode inference;
    room_->scores = room_->module.forward(room_->inputs).toTensor();
}

std::vector<float> TorchModule::scores() const {
    const float* data = room_->scores.data_ptr<float>();
    return {data, data + room_->scores.numel()};
}

std::string TorchModule::version() {
    return TORCH_VERSION;
}

}  // namespace psad_peers
