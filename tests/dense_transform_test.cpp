// Transforms of dense features as users compile them: vector instructions round as others do.
#include "psad/features/dense_transform.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "psad/core/rng.hpp"

using namespace psad;

TEST_CASE("dense features: equal values are equal wherever they stand in a list, and next to however many features") {
    for (const std::size_t features : {1u, 3u, 7u, 8u, 16u, 20u}) {
        std::vector<double> column(64 * features);
        for (std::size_t i = 0; i < column.size(); ++i)
            column[i] = std::exp(2 * static_cast<double>(rng::normal(3, i))) - 1;
        for (std::size_t n = 1; n < 64; ++n) {
            CAPTURE(features);
            CAPTURE(n);
            DenseTransforms transforms;
            for (std::size_t f = 0; f < features; ++f) {
                FeatureSample sample;
                for (std::size_t i = 0; i < 64; ++i) sample.add(column[i * features + f]);
                sample.fit_transform(transforms);
            }
            std::vector<double> alike(n * features);  // rows that are all the same
            for (std::size_t i = 0; i < alike.size(); ++i) alike[i] = column[i % features];
            std::vector<float> rows(n * features), columns(n * features);
            transforms.apply(alike.data(), static_cast<std::ptrdiff_t>(features), 1, 0, features,
                             FeatureMatrix<float>{rows.data(), n, features});
            for (std::size_t f = 0; f < features; ++f)
                transforms.apply_column([&](std::size_t i) { return alike[i * features + f]; }, f, n,
                                        columns.data() + f, features);
            bool same = true;
            for (std::size_t i = 0; i < rows.size(); ++i)
                same = same && rows[i] == rows[i % features] && columns[i] == rows[i % features] &&
                       rows[i] == transforms.transformed(i % features, alike[i]);
            CHECK(same);
        }
    }
}
