// Training on a CUDA card, declared for what a host compiler compiles; fit_cuda.cu is nvcc's.
#pragma once

#include "psad/train/fit.hpp"

namespace psad::cli {

template <class Network>
Fitted<Network> fit_on_cuda(const data::Dataset& dataset, const TrainSettings& settings,
                            const EncoderSettings& encoding, const TrainHooks& hooks);

}  // namespace psad::cli
