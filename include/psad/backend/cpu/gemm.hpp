/// \file gemm.hpp
/// One register-blocked matrix product for the shapes of a reranker: few rows, widths of 16 to 512, operands
/// in cache. C = start + A B with B and C row-major and A at any pair of strides, so A^T costs nothing extra.
#pragma once

#include "psad/backend/cpu/simd.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/matrix.hpp"

namespace psad::backend::gemm_detail {

/// A at (row, depth) = data[row * row_stride + depth * depth_stride].
template <class T>
struct Strided {
    const T* data;
    long row_stride;
    long depth_stride;
};

/// Rows x (Vectors * Lanes) numbers of C, kept in registers over the whole depth.
template <int Rows, int Vectors, int Lanes, class T>
inline void tile(int depth, Strided<T> a, const T* b, long b_stride, const T* const* start, T* c,
                 long c_stride) {
    using V = simd::Vector<T, Lanes>;
    V acc[Rows][Vectors];
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v)
            acc[i][v] = start[i] ? simd::load<Lanes>(start[i] + v * Lanes) : V{};
    }
    for (int k = 0; k < depth; ++k) {
        V row[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) row[v] = simd::load<Lanes>(b + k * b_stride + v * Lanes);
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i) {
            const T x = a.data[i * a.row_stride + k * a.depth_stride];
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) acc[i][v] += x * row[v];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) simd::store<Lanes>(c + i * c_stride + v * Lanes, acc[i][v]);
    }
}

inline constexpr int tile_rows = 6;
inline constexpr int tile_vectors = simd::registers == 32 ? 4 : 2;

/// All rows of the columns [column, column + Vectors * Lanes).
template <int Vectors, int Lanes, class T>
inline void column_panel(int column, int depth, Strided<T> a, Matrix<const T> b, Operand<T> start,
                         Matrix<T> c) {
    const T* from[tile_rows];
    int r = 0;
    const auto at = [&](int count) {
        for (int i = 0; i < count; ++i) from[i] = start.data ? start.row(r + i) + column : nullptr;
    };
    const auto rows = [&](int i) {
        return Strided<T>{a.data + i * a.row_stride, a.row_stride, a.depth_stride};
    };
    for (; r + tile_rows <= c.rows; r += tile_rows) {
        at(tile_rows);
        tile<tile_rows, Vectors, Lanes>(depth, rows(r), b.data + column, b.stride, from, c.row(r) + column,
                                        c.stride);
    }
    for (; r + 2 <= c.rows; r += 2) {
        at(2);
        tile<2, Vectors, Lanes>(depth, rows(r), b.data + column, b.stride, from, c.row(r) + column, c.stride);
    }
    if (r < c.rows) {
        at(1);
        tile<1, Vectors, Lanes>(depth, rows(r), b.data + column, b.stride, from, c.row(r) + column, c.stride);
    }
}

/// C = start + A B. A null start counts as zero; start may be C itself.
template <class T>
void multiply(int depth, Strided<T> a, Matrix<const T> b, Operand<T> start, Matrix<T> c) {
    constexpr int wide = simd::lanes<T>;
    int column = 0;
    for (; column + tile_vectors * wide <= c.cols; column += tile_vectors * wide) {
        column_panel<tile_vectors, wide>(column, depth, a, b, start, c);
    }
    if constexpr (tile_vectors > 2) {
        for (; column + 2 * wide <= c.cols; column += 2 * wide)
            column_panel<2, wide>(column, depth, a, b, start, c);
    }
    for (; column + wide <= c.cols; column += wide) column_panel<1, wide>(column, depth, a, b, start, c);
    if constexpr (wide > 4) {
        for (; column + 4 <= c.cols; column += 4) column_panel<1, 4>(column, depth, a, b, start, c);
    }
    for (; column < c.cols; ++column) column_panel<1, 1>(column, depth, a, b, start, c);
}

}  // namespace psad::backend::gemm_detail
