#include "libtorch.hpp"

#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>

#include <utility>

namespace psad::peers {

struct TorchModule::State {
    torch::jit::Module module;
    std::vector<torch::jit::IValue> inputs;
    torch::Tensor scores;
};

TorchModule::TorchModule(const std::string& file, const std::vector<Input>& inputs)
    : state_(std::make_unique<State>()) {
    at::set_num_threads(1);
    torch::jit::setGraphExecutorOptimize(true);
    state_->module = torch::jit::load(file);
    state_->module.eval();
    for (const Input& in : inputs) state_->inputs.push_back(torch::from_blob(in.data, in.shape));
}
TorchModule::~TorchModule() = default;

void TorchModule::run() {
    const c10::InferenceMode inference;
    state_->scores = state_->module.forward(state_->inputs).toTensor();
}

std::vector<float> TorchModule::scores() const {
    const float* data = state_->scores.data_ptr<float>();
    return {data, data + state_->scores.numel()};
}

std::string TorchModule::version() {
    return TORCH_VERSION;
}

}  // namespace psad::peers
