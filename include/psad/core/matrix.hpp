/// \file matrix.hpp
/// A row-major window into memory somebody else owns; what backends see of a value.
#pragma once

#include <type_traits>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// rows x cols numbers; row r starts at data + r * stride.
template <class T>
struct Matrix {
    T* data = nullptr;
    int rows = 0;
    int cols = 0;
    int stride = 0;

    PSAD_HOST_DEVICE constexpr T* row(int r) const { return data + static_cast<long>(r) * stride; }
    PSAD_HOST_DEVICE constexpr T& operator()(int r, int c) const { return row(r)[c]; }
    PSAD_HOST_DEVICE constexpr explicit operator bool() const { return data != nullptr; }
    constexpr bool contiguous() const { return stride == cols; }
    /// The window of `count` columns from column `first`.
    constexpr Matrix columns(int first, int count) const { return {data + first, rows, count, stride}; }
    /// The window of `count` rows from row `first`.
    constexpr Matrix row_range(int first, int count) const { return {row(first), count, cols, stride}; }
    template <class U>
    requires(std::is_same_v<U, const T> && !std::is_const_v<T>) constexpr operator Matrix<U>() const {
        return {data, rows, cols, stride};
    }
};

}  // namespace psad
