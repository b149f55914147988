/// \file columns.hpp
/// Columns of a data set as xtensor arrays: made from vectors, seen through spans.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#if __has_include(<xtensor/containers/xtensor.hpp>)  // from xtensor 0.26 on
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::data {

/// The values [begin, begin + count) of a column, seen and not copied.
template <class T>
std::span<const T> slice(const xt::xtensor<T, 1>& column, std::int64_t begin, std::int64_t count) {
    assert(begin >= 0 && count >= 0 && static_cast<std::size_t>(begin + count) <= column.size());
    return {column.data() + begin, static_cast<std::size_t>(count)};
}

/// The values as a column, [values.size()].
template <class T>
xt::xtensor<T, 1> to_column(const std::vector<T>& values) {
    auto column = xt::xtensor<T, 1>::from_shape({values.size()});
    std::copy(values.begin(), values.end(), column.data());
    return column;
}

/// The values, row after row, as a table [rows, width].
inline xt::xtensor<std::int32_t, 2> to_rows(const std::vector<std::int32_t>& values, std::size_t rows,
                                            std::size_t width) {
    assert(values.size() == rows * width);
    auto table = xt::xtensor<std::int32_t, 2>::from_shape({rows, width});
    std::copy(values.begin(), values.end(), table.data());
    return table;
}

}  // namespace psad::data
