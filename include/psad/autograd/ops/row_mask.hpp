/// \file row_mask.hpp
/// Which candidates a position of the output list may still choose.
#pragma once

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Which keys a query row may still choose: key i is allowed for row r when placed_at[i] >= limit[r].
/// A null placed_at allows every key.
struct RowMask {
    const int* placed_at = nullptr;  ///< [keys] the position at which a candidate was placed, or never_placed
    const int* limit = nullptr;      ///< [queries]

    static constexpr int never_placed = 1 << 30;
    PSAD_HOST_DEVICE bool allows(int query, int key) const { return !placed_at || placed_at[key] >= limit[query]; }
};

}  // namespace psad
