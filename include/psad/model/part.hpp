/// \file part.hpp
/// Parts of a network that a policy may leave out.
#pragma once

#include <type_traits>

#include "psad/autograd/parameters.hpp"

namespace psad {

/// Stands where a policy leaves a part out: it has no parameters.
struct NoPart {
    explicit NoPart(const Scope&) {}
};
template <bool Wanted, class Layer>
using PartIf = std::conditional_t<Wanted, Layer, NoPart>;

}  // namespace psad
