/// \file symmetric_system.hpp
/// Systems of linear equations with a symmetric positive definite matrix.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// A matrix as L L^T (Cholesky).
class SymmetricSystem {
  public:
    /// [width, width], of which the lower half is read.
    SymmetricSystem(std::vector<double> matrix, std::size_t width) : l_(std::move(matrix)), width_(width) {
        for (std::size_t i = 0; i < width_; ++i) {
            double* const row = l_.data() + i * width_;
            for (std::size_t j = 0; j <= i; ++j) {
                const double* const other = l_.data() + j * width_;
                double x = row[j];
                for (std::size_t k = 0; k < j; ++k) x -= row[k] * other[k];
                row[j] = i == j ? std::sqrt(x) : x / other[j];
            }
        }
    }

    /// x of matrix x = b.
    std::vector<double> solve(std::span<const double> b) const {
        std::vector<double> x(b.begin(), b.end());
        for (std::size_t i = 0; i < width_; ++i) {
            for (std::size_t k = 0; k < i; ++k) x[i] -= l_[i * width_ + k] * x[k];
            x[i] /= l_[i * width_ + i];
        }
        for (std::size_t left = width_; left > 0; --left) {
            const std::size_t i = left - 1;
            for (std::size_t k = i + 1; k < width_; ++k) x[i] -= l_[k * width_ + i] * x[k];
            x[i] /= l_[i * width_ + i];
        }
        return x;
    }

    /// Standard errors of a maximum, `matrix` its curvature: the roots of the diagonal of inverse(matrix), or, where
    /// those are larger, of inverse(matrix) S inverse(matrix), S the sum of the squares of the gradients, symmetric
    /// with its lower half given. The latter hold whatever the weights (White 1982), the former where few gradients are
    /// not 0.
    std::vector<double> deviations(std::span<const double> s) const {
        std::vector<double> out(width_), unit(width_);
        for (std::size_t i = 0; i < width_; ++i) {
            unit[i] = 1;
            const std::vector<double> row = solve(unit);
            unit[i] = 0;
            double sum = 0;
            for (std::size_t k = 0; k < width_; ++k) {
                sum += row[k] * row[k] * s[k * width_ + k];
                for (std::size_t j = 0; j < k; ++j) sum += 2 * row[k] * row[j] * s[k * width_ + j];
            }
            out[i] = std::sqrt((std::max)(sum, row[i]));
        }
        return out;
    }

  private:
    std::vector<double> l_;
    std::size_t width_;
};

}  // namespace psad
