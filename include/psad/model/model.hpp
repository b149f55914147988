/// \file model.hpp
/// A network with all it needs to answer: the encoder of its requests and its numbers.
#pragma once

#include <cstdint>
#include <utility>

#include "psad/autograd/parameters.hpp"
#include "psad/input/encoder.hpp"
#include "psad/model/features.hpp"

namespace psad {

/// A value: copies share nothing. Const use is thread-safe.
template <class Network>
struct Model {
    using NetworkType = Network;

    Encoder encoder;
    ParameterList list;
    Network network;
    Parameters<float> parameters;

    /// All parameters at their starting values.
    explicit Model(Encoder e, std::uint64_t seed = 1)
        : encoder(std::move(e)),
          network(Scope(list), TableSizes::of(encoder.statistics())),
          parameters(list) {
        parameters.initialise(list, seed);
    }
};

}  // namespace psad
