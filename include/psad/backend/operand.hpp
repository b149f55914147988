/// \file operand.hpp
/// How a pointwise function reads one argument: full rows, one number per row, or rows through an index.
#pragma once

#include "psad/core/config.hpp"

namespace psad {

/// Row r of the argument lies at data + row(r) * stride, where row(r) = row_of ? row_of[r] : r.
/// PerRow: the row holds a single number that meets every column. A stride of 0 repeats one row for all.
template <class T, bool PerRow = false>
struct Operand {
    const T* data;
    int stride;
    const int* row_of = nullptr;

    PSAD_HOST_DEVICE const T* row(int r) const {
        return data + static_cast<long>(row_of ? row_of[r] : r) * stride;
    }
    PSAD_HOST_DEVICE static T at(const T* row, int c) { return PerRow ? row[0] : row[c]; }
    static constexpr bool per_row = PerRow;
};

}  // namespace psad
