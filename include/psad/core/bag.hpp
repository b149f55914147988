/// \file bag.hpp
/// A jagged list of row numbers: several values of a categorical field, several events on one candidate.
#pragma once

#include "psad/core/config.hpp"

namespace psad {

/// Row r holds ids[first(r)] ... ids[last(r) - 1]; ids[r] alone when bag is null.
struct Bag {
    const int* bag = nullptr;
    const int* ids = nullptr;
    int count = 0;  ///< ids in all, for who can't read the bag

    PSAD_HOST_DEVICE int first(int r) const { return bag ? bag[r] : r; }
    PSAD_HOST_DEVICE int last(int r) const { return bag ? bag[r + 1] : r + 1; }
};

}  // namespace psad
