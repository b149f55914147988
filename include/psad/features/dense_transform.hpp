/// \file dense_transform.hpp
/// How dense features become numbers of about mean 0 and deviation 1, whatever their unit and their outliers.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "psad/core/math.hpp"
#include "psad/core/rng.hpp"
#include "psad/core/version.hpp"
#include "psad/features/feature_rows.hpp"

namespace psad::inline PSAD_ABI {

/// Transforms of several features, learned from training lists (fit_transform): feature f of value x becomes
///
///     v = scale sign(t) log(1 + curve |t|) + offset,    t = (x - center) inv_unit,
///
/// cut at +-bound. A small curve is nearly linear; a large one is a logarithm from `center` on. All of them follow the
/// quantiles of the column, so its unit and origin do not matter and no single value decides. A constant column has
/// inv_unit 0 and becomes 0. A missing value (NaN) stays one.
struct DenseTransforms {
    static constexpr float bound = 8;

    std::vector<double> center, inv_unit;
    std::vector<float> curve, scale, offset;
    std::vector<float> missing;  ///< share of the training values that were missing; above 0 the model sees which are

    std::size_t size() const noexcept { return center.size(); }

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit("center", self.center...);
        visit("inv_unit", self.inv_unit...);
        visit("curve", self.curve...);
        visit("scale", self.scale...);
        visit("offset", self.offset...);
        visit("missing", self.missing...);
    }

    /// out[i][c] = the transformed x[i * row_stride + c * stride], by the transform of feature first + c.
    template <class X, class T>
    void apply(const X* x, std::ptrdiff_t row_stride, std::ptrdiff_t stride, std::size_t first, std::size_t count,
               FeatureMatrix<T> out) const {
        const auto row = [=](std::size_t i) { return x + static_cast<std::ptrdiff_t>(i) * row_stride; };
        if (stride == 1)
            apply_rows([=](std::size_t i, std::size_t c) { return row(i)[c]; }, first, count, out);
        else
            apply_rows([=](std::size_t i, std::size_t c) { return row(i)[static_cast<std::ptrdiff_t>(c) * stride]; },
                       first, count, out);
    }

    /// out[i * stride] = the transformed x(i), all by the transform of one feature.
    template <class X, class T>
    void apply_column(X x, std::size_t feature, std::size_t count, T* out, std::size_t stride) const {
        in_blocks(count, [&](std::size_t begin, auto n) {
            transform<0>([&](std::size_t i) { return x(begin + i); }, feature, n,
                         [&](std::size_t i, float v) { out[(begin + i) * stride] = static_cast<T>(v); });
        });
    }

    /// The same of one value.
    float transformed(std::size_t feature, double x) const {
        float v = 0;
        apply(&x, 0, 1, feature, 1, FeatureMatrix<float>{&v, 1, 1});
        return v;
    }

  private:
    static constexpr std::size_t lanes = 16;

    /// Calls f(begin, how many) for all of `count` numbers. How many is a constant for all blocks but the last: loops
    /// of a length that compilers know become vector instructions alone.
    template <class F>
    static void in_blocks(std::size_t count, F f) {
        std::size_t begin = 0;
        for (; count - begin >= lanes; begin += lanes) f(begin, std::integral_constant<std::size_t, lanes>{});
        if (begin < count) f(begin, count - begin);
    }

    template <class X, class T>
    void apply_rows(X x, std::size_t first, std::size_t count, FeatureMatrix<T> out) const {
        in_blocks(count, [&](std::size_t begin, auto n) {
            for (std::size_t i = 0; i < out.count; ++i) {
                transform<1>([&](std::size_t c) { return x(i, begin + c); }, first + begin, n,
                             [&](std::size_t c, float v) { out[i][begin + c] = static_cast<T>(v); });
            }
        });
    }

    /// The first n values, value c by feature first + c * Step. Short loops without a comparison of floating point
    /// numbers: compilers make vector instructions of them.
    template <std::size_t Step, class X, class Count, class Store>
    void transform(X x, std::size_t first, Count n, Store store) const {
        const double *from = center.data() + first, *by = inv_unit.data() + first;
        const float *k = curve.data() + first, *a = scale.data() + first, *b = offset.data() + first;
        float t[lanes] = {}, y[lanes] = {}, absent[lanes] = {};
        for (std::size_t c = 0; c < n; ++c) {
            const auto value = x(c);
            t[c] = static_cast<float>((static_cast<double>(value) - from[c * Step]) * by[c * Step]);
            absent[c] = static_cast<float>(value - value);  // 0, or NaN
        }
        // The cut also keeps the product apart from the sum in log1p: as one instruction, which compilers make of it in
        // some of these loops, it rounds otherwise, and equal values would differ by where they stand.
        for (std::size_t c = 0; c < n; ++c) y[c] = cut(k[c * Step] * std::abs(t[c]), 1e30f);
        for (std::size_t c = 0; c < lanes; ++c) y[c] = math::log1p_of_finite(y[c]);
        for (std::size_t c = 0; c < n; ++c) {
            const float v = a[c * Step] * std::copysign(y[c], t[c]) + b[c * Step];
            y[c] = cut(v, bound) + absent[c];
        }
        for (std::size_t c = 0; c < n; ++c) store(c, y[c]);
    }

    /// x between -limit and limit; limit for NaN.
    static float cut(float x, float limit) {
        const auto magnitude = (std::min)(std::bit_cast<std::int32_t>(std::abs(x)), std::bit_cast<std::int32_t>(limit));
        return std::copysign(std::bit_cast<float>(magnitude), x);
    }
};

/// A sample of the values of one feature: all of them, or `most` drawn at random (reservoir sampling, Vitter 1985), the
/// same ones each time. Evenly spaced ones would be those of one position wherever lists are of one length.
class FeatureSample {
  public:
    static constexpr std::size_t usual_size = std::size_t{1} << 17;
    FeatureSample() = default;
    explicit FeatureSample(std::size_t most) : most_(most) {}

    void add(double x) {
        if (std::isnan(x)) {
            ++missing_;
            return;
        }
        ++present_;
        if (values_.size() < most_) return values_.push_back(x);
        const std::size_t place = rng::mix(present_) % present_;
        if (place < most_) values_[place] = x;
    }

    /// Appends the transform of this feature.
    void fit_transform(DenseTransforms& to) {
        std::ranges::sort(values_);
        const Curve c = curve();
        to.center.push_back(c.center);
        to.inv_unit.push_back(c.unit >= (std::numeric_limits<double>::min)() ? 1 / c.unit : 0);
        to.curve.push_back(c.curve);
        to.scale.push_back(1);
        to.offset.push_back(0);
        const auto all = static_cast<double>(present_ + missing_);
        to.missing.push_back(all > 0 ? static_cast<float>(static_cast<double>(missing_) / all) : 0.0f);
        standardise(to);
    }

  private:
    struct Curve {
        double center = 0, unit = 0;
        float curve = 0.2f;
    };

    double quantile(double p) const {
        return values_[static_cast<std::size_t>(p * static_cast<double>(values_.size() - 1))];
    }

    /// Linear where the quartiles lie evenly about the median; else the logarithm from the point that makes them so,
    /// which for a log-normal column is 0. Where the quartiles are one value, the unit is the nearest spread beyond.
    Curve curve() const {
        if (values_.empty()) return {};
        const double median = quantile(0.5), below = median - quantile(0.25), above = quantile(0.75) - median;
        constexpr double even = 1.1;
        if (below > 0 && above > even * below) {
            const double unit = below / (1 - below / above);
            return {median - unit, unit, 9};
        }
        if (above > 0 && below > even * above) {
            const double unit = above / (1 - above / below);
            return {median + unit, unit, 9};
        }
        if (below > 0 && above > 0) return {median, (below + above) / 2, 0.2f};
        if (below + above > 0) return {median, below + above, 1};
        for (const double p : {0.1, 0.05, 0.02, 0.01, 0.005, 0.0}) {
            const double spread = quantile(1 - p) - quantile(p);
            if (spread > 0) return {median, spread, 1};
        }
        return {median, 0, 0};
    }

    /// Sets scale and offset of the last transform: quartiles as far apart as those of a normal distribution, the
    /// median at 0; mean 0 and deviation 1 where the quartiles are one value.
    void standardise(DenseTransforms& to) const {
        if (values_.empty() || to.inv_unit.back() == 0) {
            to.scale.back() = 0;
            return;
        }
        const auto transformed = [&](double x) { return static_cast<double>(to.transformed(to.size() - 1, x)); };
        // What the curve gives is far below the bound, but for outliers, until it is scaled.
        const double quartiles = transformed(quantile(0.75)) - transformed(quantile(0.25));
        double middle = transformed(quantile(0.5)), deviation = quartiles / 1.349;
        if (!(quartiles > 0)) {
            double sum = 0, squares = 0;
            for (const double x : values_) {
                const double v = transformed(x);
                sum += v, squares += v * v;
            }
            const auto n = static_cast<double>(values_.size());
            middle = sum / n;
            deviation = std::sqrt((std::max)(0.0, squares / n - middle * middle));
        }
        if (!(deviation > 0)) deviation = 1;
        to.scale.back() = static_cast<float>(1 / deviation);
        to.offset.back() = static_cast<float>(-middle / deviation);
    }

    std::vector<double> values_;
    std::size_t most_ = usual_size, present_ = 0, missing_ = 0;
};

}  // namespace psad
