/// \file operand.hpp
/// How kernels read their arguments: full rows, one number per row, rows through an index or a bag, products.
#pragma once

#include "psad/core/bag.hpp"
#include "psad/core/matrix.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Row r of the argument lies at data + row(r) * stride, where row(r) = row_of ? row_of[r] : r.
/// PerRow: the row holds a single number that meets every column. A stride of 0 repeats one row for all.
template <class T, bool PerRow = false>
struct Operand {
    const T* data;
    int stride;
    const int* row_of = nullptr;

    PSAD_HOST_DEVICE const T* row(int r) const { return data + static_cast<long>(row_of ? row_of[r] : r) * stride; }
    /// The same argument for rows from `first` on.
    Operand from_row(int first) const {
        if (!data) return *this;
        if (row_of) return {data, stride, row_of + first};
        return {data + static_cast<long>(first) * stride, stride};
    }
    PSAD_HOST_DEVICE static T at(const T* row, int c) { return PerRow ? row[0] : row[c]; }
    static constexpr bool per_row = PerRow;
};

/// Rows of a table by index: row index[r], none where that is negative; or row r itself.
template <class T>
struct RowSource {
    Matrix<const T> table;
    const int* index;
    bool identity = false;  ///< row r itself; `index` is not read

    PSAD_HOST_DEVICE int at(int r) const { return identity ? r : index[r]; }
};

/// A table of which each row takes the mean of a bag.
template <class T>
struct BagSource {
    const T* table;
    Bag bag;
};

/// One product x w of an affine sum.
template <class T>
struct Factor {
    Matrix<const T> x, w;
};

}  // namespace psad
