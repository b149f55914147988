/// \file optional_layer.hpp
/// Layers of a network that a policy may leave out.
#pragma once

#include <type_traits>

#include "psad/autograd/parameters.hpp"

namespace psad::inline PSAD_ABI {

/// Stands where a policy leaves a layer out: it has no parameters.
struct NoLayer {
    template <class... Sizes>
    explicit NoLayer(const Scope&, const Sizes&...) {}
};
template <bool Wanted, class Layer>
using LayerIf = std::conditional_t<Wanted, Layer, NoLayer>;

}  // namespace psad
