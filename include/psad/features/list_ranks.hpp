/// \file list_ranks.hpp
/// The rank of each candidate's dense features within the list.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "psad/core/math.hpp"
#include "psad/features/feature_rows.hpp"

namespace psad::inline PSAD_ABI {

namespace list_ranks {

inline constexpr std::size_t few = 8;  ///< features that are worked on column by column
inline constexpr std::size_t lanes = 16, compared = 256, at_once = 4;

/// Of features [first, first + count): how many candidates have a smaller value, by comparing all pairs in vector
/// instructions over `lanes` features.
template <class T>
void count_below(FeatureMatrix<T> rows, std::size_t f, std::size_t first, std::size_t count) {
    using Bits = decltype(math::ordered_bits(T()));
    Bits bits[compared][lanes];
    for (std::size_t i = 0; i < rows.count; ++i) {
        for (std::size_t k = 0; k < count; ++k) bits[i][k] = math::ordered_bits(rows[i][first + k]);
        for (std::size_t k = count; k < lanes; ++k) bits[i][k] = 0;
    }
    for (std::size_t i = 0; i < rows.count; i += at_once) {
        Bits own[at_once][lanes], below[at_once][lanes] = {};
        for (std::size_t r = 0; r < at_once; ++r) std::copy_n(bits[(std::min)(i + r, rows.count - 1)], lanes, own[r]);
        for (std::size_t j = 0; j < rows.count; ++j) {
            for (std::size_t r = 0; r < at_once; ++r) {
                for (std::size_t k = 0; k < lanes; ++k) below[r][k] += bits[j][k] < own[r][k] ? 1 : 0;
            }
        }
        for (std::size_t r = 0; r < (std::min)(at_once, rows.count - i); ++r)
            for (std::size_t k = 0; k < count; ++k) rows[i + r][f + first + k] = static_cast<T>(below[r][k]);
    }
}

/// From counts to shares less their mean, of about deviation 1.
template <class T>
void centre(FeatureMatrix<T> rows, std::size_t f, std::vector<T>& scratch) {
    const T n = static_cast<T>(rows.count), unit = static_cast<T>(3.4641016151377544) / n;  // sqrt 12
    scratch.assign(f, T(0));
    for (std::size_t i = 0; i < rows.count; ++i) {
        for (std::size_t c = 0; c < f; ++c) scratch[c] += rows[i][f + c];
    }
    for (std::size_t c = 0; c < f; ++c) scratch[c] /= n;
    for (std::size_t i = 0; i < rows.count; ++i) {
        T* const rank = rows[i] + f;
        for (std::size_t c = 0; c < f; ++c) rank[c] = (rank[c] - scratch[c]) * unit;
    }
}

/// Share of the list with a smaller value, less the mean of these shares. Up to `compared` candidates all pairs are
/// compared; beyond, sorting is faster.
template <class T>
void add(FeatureMatrix<T> rows, std::size_t f, std::vector<T>& scratch) {
    const std::size_t n = rows.count;
    std::size_t c = 0;
    if (n <= compared) {
        for (; f - c >= few; c += (std::min)(lanes, f - c)) count_below(rows, f, c, (std::min)(lanes, f - c));
    }
    for (; c < f; ++c) {
        rows.copy_column(c, scratch);
        if (n > compared) std::ranges::sort(scratch);
        for (std::size_t i = 0; i < n; ++i) {
            const T own = rows[i][c];
            int below = 0;
            if (n > compared)
                below = static_cast<int>(std::lower_bound(scratch.begin(), scratch.end(), own) - scratch.begin());
            else
                for (std::size_t j = 0; j < n; ++j) below += scratch[j] < own ? 1 : 0;
            rows[i][f + c] = static_cast<T>(below);
        }
    }
    centre(rows, f, scratch);
}

}  // namespace list_ranks
}  // namespace psad
