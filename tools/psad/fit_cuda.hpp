// Training on a CUDA card, declared for what a host compiler compiles; fit_cuda.cu is nvcc's.
#pragma once

#include "psad/train/fit.hpp"
#include "training_hooks.hpp"

namespace psad::cli {

template <class Network>
Fitted<Network> fit_on_cuda(const TrainingLists& lists, const train::Settings& settings,
                            const EncoderSettings& encoding, TrainingHooks<Network>& hooks);

}  // namespace psad::cli
