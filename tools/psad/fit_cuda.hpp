// Training on a CUDA card, declared for what a host compiler compiles; fit_cuda.cu is nvcc's.
#pragma once

#include "psad/train/fit.hpp"
#include "show_progress.hpp"

namespace psad::cli {

template <class Network>
Fitted<Network> fit_on_cuda(const TrainingLists& lists, const train::Settings& settings,
                            const EncoderSettings& encoding, ShowProgress& hooks);

}  // namespace psad::cli
