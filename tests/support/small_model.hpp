// Models small enough to compile and to differentiate one parameter at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "psad/core/rng.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"
#include "support/toy.hpp"

namespace psad::test {

inline constexpr Spec small{.width = 8,
                            .heads = 2,
                            .block = 2,
                            .positions = 5,
                            .encoder_layers = 1,
                            .decoder_layers = 1,
                            .feed_forward = 8,
                            .gate = 4,
                            .transition_rank = 3,
                            .student_hidden1 = 8,
                            .student_hidden2 = 4,
                            .student_rank = 3};

// A model far from its neutral start: gates open and closed, transitions strong.
template <class Network>
Model<Network> shaken(std::uint64_t seed = 7) {
    const auto owned = toy_requests(seed);
    Model<Network> m(toy_encoder(views(owned)), seed);
    for (std::size_t i = 0; i < m.registry.dense_size; ++i) {
        m.parameters.dense.data()[i] += 0.3f * static_cast<float>(rng::normal(seed + 1, i));
    }
    return m;
}

}  // namespace psad::test
