/// \file model.hpp
/// A network with all it needs to answer: the encoder of its requests and its numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/core/error.hpp"
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

    /// Takes over every number that `other` holds under a name of this model; what it does not hold stays. So
    /// training goes on where another ended: a student under a finished teacher, a click model after
    /// imitation. Both must encode alike: rows of tables are taken by number. Throws SettingError for one
    /// name with two shapes, before anything is taken.
    template <class Other>
    void start_from(const Model<Other>& other) {
        std::vector<std::pair<const ParameterInfo*, const ParameterInfo*>> taken;
        for (const ParameterInfo& from : other.list.parameters) {
            for (const ParameterInfo& to : list.parameters) {
                if (to.name != from.name) continue;
                if (to.rows != from.rows || to.cols != from.cols) {
                    const auto shape = [](const ParameterInfo& p) {
                        return std::to_string(p.rows) + " x " + std::to_string(p.cols);
                    };
                    throw SettingError("model", to.name, shape(from), shape(to));
                }
                taken.emplace_back(&from, &to);
            }
        }
        for (const auto& [from, to] : taken)
            std::copy_n(other.parameters.at(*from), from->size(), parameters.at(*to));
    }
};

}  // namespace psad
