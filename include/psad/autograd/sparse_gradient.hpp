/// \file sparse_gradient.hpp
/// Gradients of embedding tables: only of the rows that a batch read.
#pragma once

#include <cstddef>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Rows of an embedding table that a batch read, and the gradient of each: row r of `grad` belongs,
/// divided by the number of ids of r, to the table rows ids[offsets[r]] ... ids[offsets[r + 1] - 1] (to ids[r] when
/// offsets is null).
template <class T>
struct SparseGradient {
    std::size_t table = 0;  ///< offset in the table block
    int width = 0;
    int rows = 0;
    const int* offsets = nullptr;
    const int* ids = nullptr;
    const T* grad = nullptr;
    SparseGradient* next = nullptr;
    int count = 0;  ///< ids in all
};

}  // namespace psad
