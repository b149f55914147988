// Training on a CUDA card.
#include "fit_cuda.hpp"

#include "psad/backend/thrust/cuda.hpp"
#include "variants.hpp"

namespace psad::cli {

template <class Network>
Fitted<Network> fit_on_cuda(const data::Dataset& dataset, const TrainSettings& settings,
                            const EncoderSettings& encoding, const TrainHooks& hooks) {
    return fit<Network>(backend::Cuda<float>(), dataset, settings, encoding, hooks);
}

template Fitted<Default::type> fit_on_cuda(const data::Dataset&, const TrainSettings&, const EncoderSettings&,
                                           const TrainHooks&);
template Fitted<Small::type> fit_on_cuda(const data::Dataset&, const TrainSettings&, const EncoderSettings&,
                                         const TrainHooks&);

}  // namespace psad::cli
