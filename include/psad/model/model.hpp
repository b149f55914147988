/// \file model.hpp
/// A network with all it needs to serve: the encoder of its requests and its parameters.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/core/error.hpp"
#include "psad/features/encoder.hpp"
#include "psad/model/embeddings.hpp"

namespace psad::inline PSAD_ABI {

/// A number that no two models of a program have, nor one model before and after its parameters changed: what was
/// computed with the one must not be used with the other. A copy is another model and gets a number of its own.
class Generation {
  public:
    Generation() = default;
    Generation(const Generation&) noexcept {}
    Generation& operator=(const Generation&) noexcept {
        renew();
        return *this;
    }
    /// To be called when parameters have changed.
    void renew() { number_ = next(); }
    std::uint64_t number() const { return number_; }

  private:
    static std::uint64_t next() {
        static std::atomic<std::uint64_t> last = 0;
        return ++last;
    }
    std::uint64_t number_ = next();
};

/// A value: copies share nothing. Const use is thread-safe. The encoder's columns must stay what they were when the
/// model was made (check_sizes): what may change then is the catalog, by set_catalog.
template <class Network>
struct Model {
    using NetworkType = Network;

    Encoder encoder;
    ParameterRegistry registry;
    Network network;
    Parameters<float> parameters;
    Generation generation;

    /// All parameters at their starting values.
    explicit Model(Encoder e, std::uint64_t seed = 1)
        : encoder(std::move(e)), network(Scope(registry), encoder.input_sizes()), parameters(registry) {
        parameters.initialise(registry, seed);
    }

    /// A copy that knows other items, or more of them: ids stay what they were. Throws SettingError for a catalog that
    /// does not fit the schema.
    Model with_catalog(Catalog catalog) const {
        Model out = *this;
        out.set_catalog(std::move(catalog));
        return out;
    }
    /// The same of this model itself, which is another one then: what was cached of users is computed again.
    void set_catalog(Catalog catalog) {
        encoder = std::move(encoder).with_catalog(std::move(catalog));
        generation.renew();
    }

    /// Copies every parameter of `other` that this model has under the same name; the others stay. So training goes on
    /// where another ended: a student under a frozen teacher, a click model after imitation. Both must have the same
    /// encoder: rows of tables are copied by number. Throws SettingError for one name with two shapes, before anything
    /// is copied.
    template <class Other>
    void warm_start(const Model<Other>& other) {
        std::vector<std::pair<const ParameterInfo*, const ParameterInfo*>> taken;
        for (const ParameterInfo& from : other.registry.parameters) {
            for (const ParameterInfo& to : registry.parameters) {
                if (to.name != from.name) continue;
                if (to.rows != from.rows || to.cols != from.cols) {
                    const auto shape = [](const ParameterInfo& p) {
                        return std::to_string(p.rows) + " x " + std::to_string(p.cols);
                    };
                    raise(SettingError("model", to.name, shape(from), shape(to)));
                }
                taken.emplace_back(&from, &to);
            }
        }
        for (const auto& [from, to] : taken) std::copy_n(other.parameters.at(*from), from->size(), parameters.at(*to));
        generation.renew();
    }
};

/// Throws SettingError where the encoder has other columns, or tables of other sizes, than the network was made for.
template <class Network>
void check_sizes(const Model<Network>& model) {
    ParameterRegistry wanted;
    const Network made_now(Scope(wanted), model.encoder.input_sizes());
    for (std::size_t p = 0; p < wanted.parameters.size(); ++p) {
        const ParameterInfo &found = model.registry.parameters[p], &now = wanted.parameters[p];
        if (found.rows == now.rows && found.cols == now.cols) continue;
        raise(SettingError("model", found.name, std::to_string(found.rows) + " rows",
                           std::to_string(now.rows) + ", by its encoder: it changed after the model was made"));
    }
}

}  // namespace psad
