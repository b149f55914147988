/// \file whitening.hpp
/// Dense features that rise and fall together, made independent for the time of training.
///
/// Counts of one thing (shown, played, liked) are nearly multiples of each other, and what tells is how they differ: a
/// ratio. Such a direction has a small deviation, so gradient steps hardly move along it. Training therefore sees the
/// features a second time, whitened; as the first layer is linear, what it learned of them becomes a part of the
/// weights of the features themselves when it ends (fold_whitening), and serving costs nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/core/version.hpp"
#include "psad/features/encoder.hpp"

namespace psad::inline PSAD_ABI {

/// The second moments of rows of numbers.
class Covariance {
  public:
    explicit Covariance(std::size_t width) : width_(width), sum_(width), products_(width * width) {}

    template <class T>
    void add(const T* row) {
        for (std::size_t i = 0; i < width_; ++i) {
            const auto x = static_cast<double>(row[i]);
            sum_[i] += x;
            for (std::size_t j = 0; j <= i; ++j) products_[i * width_ + j] += x * static_cast<double>(row[j]);
        }
        ++rows_;
    }

    std::size_t rows() const { return rows_; }
    /// (C + floor I)^(-1/2), C the covariance: the map to uncorrelated numbers of deviation 1 that stay the nearest to
    /// what they were (ZCA; Kessy, Lewin and Strimmer 2018). Directions of less deviation than the root of `floor` stay
    /// small. [width x width]
    std::vector<double> whitening(double floor) const {
        std::vector<double> a(width_ * width_);
        const double n = static_cast<double>(rows_);
        for (std::size_t i = 0; i < width_; ++i) {
            for (std::size_t j = 0; j <= i; ++j) {
                const double c = products_[i * width_ + j] / n - sum_[i] / n * (sum_[j] / n);
                a[i * width_ + j] = a[j * width_ + i] = c + (i == j ? floor : 0.0);
            }
        }
        return inverse_root(a);
    }

  private:
    std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b) const {
        std::vector<double> out(width_ * width_);
        for (std::size_t i = 0; i < width_; ++i) {
            for (std::size_t k = 0; k < width_; ++k) {
                const double x = a[i * width_ + k];
                for (std::size_t j = 0; j < width_; ++j) out[i * width_ + j] += x * b[k * width_ + j];
            }
        }
        return out;
    }
    /// The coupled iteration of Newton and Schulz (Higham 2008, chapter 6).
    std::vector<double> inverse_root(std::vector<double> y) const {
        double bound = 0;  // of the largest eigenvalue
        for (std::size_t i = 0; i < width_; ++i) {
            double row = 0;
            for (std::size_t j = 0; j < width_; ++j) row += std::abs(y[i * width_ + j]);
            bound = (std::max)(bound, row);
        }
        std::vector<double> z(width_ * width_);
        for (double& x : y) x /= bound;
        for (std::size_t i = 0; i < width_; ++i) z[i * width_ + i] = 1;
        for (int step = 0; step < 40; ++step) {
            std::vector<double> t = product(z, y);
            double off = 0;
            for (std::size_t i = 0; i < width_; ++i) {
                for (std::size_t j = 0; j < width_; ++j) {
                    double& x = t[i * width_ + j];
                    off = (std::max)(off, std::abs(x - (i == j ? 1.0 : 0.0)));
                    x = ((i == j ? 3.0 : 0.0) - x) / 2;
                }
            }
            y = product(y, t);
            z = product(t, z);
            if (off < 1e-6) break;
        }
        for (double& x : z) x /= std::sqrt(bound);
        return z;
    }

    std::size_t width_;
    std::size_t rows_ = 0;
    std::vector<double> sum_, products_;
};

/// Gives the candidates of an encoder whitened columns, by its dense features on training lists; then, and not before,
/// a model may be made of it. Returns false and does nothing where there are fewer than 50 lists a feature, which would
/// teach the noise of directions in which features hardly vary, or fewer than two features.
inline bool whiten(Encoder& encoder, std::span<const Request> train) {
    constexpr double floor = 0.05;
    const std::size_t width = encoder.candidates().features();
    if (width < 2 || train.size() < 50 * width) return false;
    std::size_t all = 0;
    for (const Request& r : train) all += r.size();
    // More candidates do not change the matrix. Lists are drawn, so their candidates vary about that.
    const std::size_t enough = (std::max)(std::size_t{100'000}, 2 * width * width);
    const std::uint64_t every = (std::max)(all / enough, std::size_t{1});
    Covariance covariance(width);
    Batch<float> batch;
    for (std::size_t i = 0; i < train.size(); ++i) {
        if (rng::mix(i) % every != 0) continue;
        encoder.encode(train.subspan(i, 1), 1, batch);
        const auto columns = static_cast<std::size_t>(batch.dense.columns);
        for (std::size_t at = 0; at < batch.dense.numbers.size(); at += columns)
            covariance.add(batch.dense.numbers.data() + at);
    }
    const std::vector<double> matrix = covariance.whitening(floor);
    encoder.set_whitening({matrix.begin(), matrix.end()});
    return true;
}

}  // namespace psad
