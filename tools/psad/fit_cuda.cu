// Training on a CUDA card.
#include "fit_cuda.hpp"

#include "device_variants.hpp"
#include "psad/backend/thrust/cuda.hpp"

namespace psad::cli {

template <class Network>
Fitted<Network> fit_on_cuda(const TrainingLists& lists, const train::Settings& settings,
                            const EncoderSettings& encoding, TrainingHooks<Network>& hooks) {
    return fit<Network>(backend::Cuda<float>(), lists, settings, encoding, hooks);
}

template Fitted<Default::type> fit_on_cuda(const TrainingLists&, const train::Settings&, const EncoderSettings&,
                                           TrainingHooks<Default::type>&);
template Fitted<Small::type> fit_on_cuda(const TrainingLists&, const train::Settings&, const EncoderSettings&,
                                         TrainingHooks<Small::type>&);

}  // namespace psad::cli
