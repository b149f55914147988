/// \file dense_row.hpp
/// What a row of numbers is made of: derived numbers, and dense features of what stands alone (a user, a request, an
/// event).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "psad/features/batch.hpp"
#include "psad/features/dense_transform.hpp"
#include "psad/features/feature_rows.hpp"

namespace psad::inline PSAD_ABI::dense_row {

/// A number by its inverse deviation; outliers are cut, so that one of them can't drown the rest of a sum.
template <class T>
T scaled(float x, float inv_std) {
    return static_cast<T>((std::max)(-8.0f, (std::min)(8.0f, x * inv_std)));
}
/// The numbers of a struct of dense_features.hpp, scaled (as they are where `inv_std` is null). Returns the end of what
/// it wrote.
template <class Row, class T>
T* put(const Row& row, const float* inv_std, T* out) {
    Row::for_each_number([&](const char*, float x) { *out++ = scaled<T>(x, inv_std ? *inv_std++ : 1.0f); }, row);
    return out;
}

// The transformed values, a missing one as 0, then 1 where a value is missing, of the features that had missing values
// in training. Each returns the end of what it wrote.

inline int columns(const DenseTransforms& t) {
    return static_cast<int>(t.size()) +
           static_cast<int>(std::ranges::count_if(t.missing, [](float share) { return share > 0; }));
}
template <class T>
T* mark_missing(const DenseTransforms& t, T* out, EncodingCounts& counts) {
    T* flag = out + t.size();
    for (std::size_t c = 0; c < t.size(); ++c) {
        const bool missing = std::isnan(out[c]);
        if (missing) out[c] = T(0), ++counts.missing_numbers;
        counts.cut_numbers += std::abs(out[c]) >= T(DenseTransforms::bound) ? 1 : 0;
        if (t.missing[c] > 0) *flag++ = missing ? T(1) : T(0);
    }
    return flag;
}
template <class T>
T* add(const double* x, const DenseTransforms& t, T* out, EncodingCounts& counts) {
    if (x != nullptr)
        t.apply(x, 0, 1, 0, t.size(), FeatureMatrix<T>{out, 1, t.size()});
    else
        std::fill_n(out, t.size(), std::numeric_limits<T>::quiet_NaN());
    return mark_missing(t, out, counts);
}
template <class T>
T* add(const FeatureRows& rows, std::size_t row, const DenseTransforms& t, T* out, EncodingCounts& counts) {
    if (rows.empty()) return add(nullptr, t, out, counts);
    rows.visit_row(row, [&](const auto* x) {
        t.apply(x, 0, rows.column_stride(), 0, t.size(), FeatureMatrix<T>{out, 1, t.size()});
    });
    return mark_missing(t, out, counts);
}

}  // namespace psad::dense_row
