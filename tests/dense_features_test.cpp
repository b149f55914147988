// Dense features: no unit matters, no single value ruins a column, and each is seen against its list.
#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/fit_encoder.hpp"

using namespace psad;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

// DrawnLists of candidates without ids, whose features are doubles.
struct DrawnLists {
    std::size_t features = 0;
    std::vector<std::size_t> sizes;
    std::vector<double> numbers;  // row after row
    std::vector<std::int32_t> items = std::vector<std::int32_t>(4096, -1);

    std::vector<Request> requests() const {
        std::vector<Request> out;
        std::size_t row = 0;
        for (const std::size_t n : sizes) {
            Request r;
            r.items = std::span(items).first(n);
            r.candidate_dense = FeatureRows(numbers.data() + row * features, n, features);
            out.push_back(r);
            row += n;
        }
        return out;
    }
    DrawnLists mapped(const std::function<double(double)>& f) const {
        DrawnLists out = *this;
        for (double& x : out.numbers) x = f(x);
        return out;
    }
};

// DrawnLists of differing lengths with a normal, a log-normal, a nearly always zero and a binary feature.
DrawnLists drawn(std::size_t lists, std::uint64_t key = 1) {
    DrawnLists out{.features = 4, .sizes = {}, .numbers = {}};
    rng::Stream draw(key);
    for (std::size_t l = 0; l < lists; ++l) {
        out.sizes.push_back(2 + draw.below(30));
        for (std::size_t i = 0; i < out.sizes.back(); ++i) {
            out.numbers.push_back(draw.normal());
            out.numbers.push_back(std::exp(3 + draw.normal()));
            out.numbers.push_back(draw.below(10) == 0 ? std::floor(std::exp(2 * draw.normal())) : 0);
            out.numbers.push_back(draw.below(4) == 0 ? 1 : 0);
        }
    }
    return out;
}

Schema schema_of(std::size_t features) {
    Schema schema;
    for (std::size_t f = 0; f < features; ++f) schema.candidate_dense.push_back({"f" + std::to_string(f)});
    return schema;
}

Batch<double> encoded(const Encoder& encoder, const std::vector<Request>& requests) {
    Batch<double> batch;
    encoder.encode(requests, 4, batch);
    return batch;
}

// Fitted to the lists that it encodes.
Batch<double> encoded(const DrawnLists& lists) {
    const std::vector<Request> requests = lists.requests();
    return encoded(fit_encoder(schema_of(lists.features), {}, requests), requests);
}

double largest_difference(const FeatureTable<double>& a, const FeatureTable<double>& b) {
    REQUIRE(a.numbers.size() == b.numbers.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.numbers.size(); ++i)
        largest = (std::max)(largest, std::abs(a.numbers[i] - b.numbers[i]));
    return largest;
}

}  // namespace

TEST_CASE("dense features: neither unit nor origin matters") {
    const DrawnLists lists = drawn(300);
    const Batch<double> plain = encoded(lists);
    for (const double unit : {1e-9, 1e9, 1e-30, 7.0, -1.0 * -3.0}) {
        INFO("times " << unit);
        const Batch<double> other = encoded(lists.mapped([=](double x) { return x * unit; }));
        CHECK(largest_difference(plain.dense, other.dense) < 1e-5);
        CHECK(largest_difference(plain.list_scale, other.list_scale) < 1e-2);
    }
    // Unix times a minute apart: a double tells them apart to a fraction of a microsecond.
    const Batch<double> times = encoded(lists.mapped([](double x) { return x * 60 + 1.79e9; }));
    CHECK(largest_difference(plain.dense, times.dense) < 1e-4);
    // Turned round, each value is its opposite, and each rank where no two values are alike.
    const Batch<double> opposite = encoded(lists.mapped([](double x) { return -x; }));
    const auto width = static_cast<std::size_t>(plain.dense.columns);
    double largest = 0;
    for (std::size_t i = 0; i < plain.dense.numbers.size(); ++i) {
        if (i % width < 6) largest = (std::max)(largest, std::abs(plain.dense.numbers[i] + opposite.dense.numbers[i]));
    }
    CHECK(largest < 0.05);  // but for quantiles, which are one element or its neighbour
}

TEST_CASE("dense features: any increasing map leaves ranks within the list as they are") {
    DrawnLists lists = drawn(100);
    // No value is cut, and no two are too near for a float.
    for (double& x : lists.numbers) x = std::round(100 * (std::clamp)(x, -2.0, 10.0)) / 100;
    const Batch<double> a = encoded(lists);
    const Batch<double> b = encoded(lists.mapped([](double x) { return std::cbrt(x); }));
    const auto width = static_cast<std::size_t>(a.dense.columns);
    for (std::size_t i = 0; i < a.dense.numbers.size(); ++i) {
        if (i % width == 4 || i % width == 6) CHECK(a.dense.numbers[i] == doctest::Approx(b.dense.numbers[i]));
    }
}

TEST_CASE("dense features: what upstream systems write for a missing value leaves the others as they were") {
    const DrawnLists lists = drawn(300);
    const auto width = std::size_t{4};
    const Batch<double> plain = encoded(lists);
    for (const double sentinel :
         {missing, 0.0, -1.0, -999.0, -1e6, static_cast<double>(std::numeric_limits<float>::max())}) {
        INFO("one in ten is " << sentinel);
        DrawnLists holed = lists;
        for (std::size_t i = 0; i < holed.numbers.size() / width; i += 10) holed.numbers[i * width] = sentinel;
        const Batch<double> b = encoded(holed);
        const auto columns = static_cast<std::size_t>(b.dense.columns),
                   before = static_cast<std::size_t>(plain.dense.columns);
        double n = 0, xy = 0, xx = 0, yy = 0, x1 = 0, y1 = 0;
        for (std::size_t i = 0; i < holed.numbers.size() / width; ++i) {
            if (i % 10 == 0) continue;
            const double x = plain.dense.numbers[i * before], y = b.dense.numbers[i * columns];
            n += 1, xy += x * y, xx += x * x, yy += y * y, x1 += x, y1 += y;
        }
        const double correlation = (xy - x1 * y1 / n) / std::sqrt((xx - x1 * x1 / n) * (yy - y1 * y1 / n));
        CHECK(correlation > 0.99);
        CHECK((yy - y1 * y1 / n) / n > 0.3);  // of about the same deviation: not squeezed into one place
        for (const double v : b.dense.numbers) CHECK(std::isfinite(v));
    }
}

TEST_CASE("dense features: a missing value is the mean of its list, and flagged where training had some") {
    DrawnLists lists{.features = 2,
                     .sizes = {4, 3, 1},
                     .numbers = {1, 5, missing, 6, 3, 7, 2, 8, missing, 1, missing, 2, missing, 3, 4, 4}};
    const std::vector<Request> requests = lists.requests();
    const Encoder encoder = fit_encoder(schema_of(2), {}, requests);
    CHECK(encoder.statistics().candidate_dense.missing[0] == doctest::Approx(0.5));
    CHECK(encoder.statistics().candidate_dense.missing[1] == 0);
    const Batch<double> b = encoded(encoder, requests);
    REQUIRE(b.dense.columns == 2 * 2 + 4 + 1);
    const auto at = [&](std::size_t row, std::size_t column) { return b.dense.numbers[row * 9 + column]; };
    CHECK(at(1, 0) == doctest::Approx((at(0, 0) + at(2, 0) + at(3, 0)) / 3));
    for (std::size_t row = 0; row < 8; ++row) CHECK(at(row, 8) == (row == 1 || (row >= 4 && row <= 6) ? 1 : 0));
    for (std::size_t row = 4; row < 7; ++row) {  // nothing is known of the second list
        CHECK(at(row, 0) == 0);
        CHECK(at(row, 2) == 0);
    }
    CHECK(b.list_scale.numbers[2] == 0);
    CHECK(b.counts.missing_numbers == 4);
}

TEST_CASE("dense features: lists of one candidate and constant columns give 0") {
    DrawnLists lists = drawn(50);
    lists.sizes.push_back(1);
    lists.numbers.insert(lists.numbers.end(), {0.5, 20, 3, 1});
    for (std::size_t i = 3; i < lists.numbers.size(); i += 4) lists.numbers[i] = 1e9 / 3;
    const Batch<double> b = encoded(lists);
    const auto width = static_cast<std::size_t>(b.dense.columns);
    const double* one = b.dense.numbers.data() + b.dense.numbers.size() - width;
    for (std::size_t f = 0; f < 4; ++f) {
        CHECK(one[4 + f] == 0);
        CHECK(b.list_scale.numbers[b.list_scale.numbers.size() - 4 + f] == 0);
    }
    for (std::size_t i = 3; i < b.dense.numbers.size(); i += width) {
        CHECK(b.dense.numbers[i] == 0);
        CHECK(b.dense.numbers[i + 4] == 0);
    }
}

TEST_CASE("dense features: long lists are ranked as short ones are") {
    DrawnLists lists{.features = 1, .sizes = {700}, .numbers = {}};
    rng::Stream draw(3);
    for (int i = 0; i < 700; ++i) lists.numbers.push_back(draw.below(40));
    const Batch<double> b = encoded(lists);
    std::vector<double> below(700, 0.0);
    for (std::size_t i = 0; i < 700; ++i) {
        for (const double x : lists.numbers) below[i] += x < lists.numbers[i] ? 1 : 0;
    }
    const double mean = std::accumulate(below.begin(), below.end(), 0.0) / 700;
    for (std::size_t i = 0; i < 700; i += 13)
        CHECK(b.dense.numbers[i * 6 + 1] == doctest::Approx(std::sqrt(12.0) * (below[i] - mean) / 700));
}

TEST_CASE("dense features: rows in any layout, of float or double") {
    const DrawnLists lists = drawn(1);
    const std::size_t n = lists.sizes[0];
    const std::vector<Request> one = lists.requests();
    const Encoder encoder = fit_encoder(schema_of(4), {}, drawn(40).requests());
    const Batch<double> wanted = encoded(encoder, one);
    const auto same = [&](const FeatureRows& rows, double tolerance) {
        Request r = one[0];
        r.candidate_dense = rows;
        encoder.check(r);
        CHECK(largest_difference(encoded(encoder, {r}).dense, wanted.dense) <= tolerance);
    };
    using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const RowMajor> map(lists.numbers.data(), static_cast<Eigen::Index>(n), 4);
    same(FeatureRows(map), 0);
    const Eigen::MatrixXd by_columns = map;
    same(FeatureRows(by_columns), 0);
    const Eigen::MatrixXf floats = map.cast<float>();
    same(FeatureRows(floats), 1e-4);
    RowMajor wide = RowMajor::Constant(static_cast<Eigen::Index>(n), 9, missing);
    wide.middleCols(3, 4) = map;
    same(FeatureRows(wide.middleCols(3, 4)), 0);
    same(FeatureRows(wide.data() + 3, n, 4, 9), 0);
}

TEST_CASE("dense features: score and aux among the others, or as columns of their own") {
    DrawnLists lists = drawn(40);
    Schema schema = schema_of(4);
    schema.candidate_dense[1].name = "score";
    schema.candidate_dense[3].name = "aux";
    const std::vector<Request> whole = lists.requests();
    const Encoder encoder = fit_encoder(schema, {}, whole);
    const std::size_t n = lists.sizes[0];
    std::vector<double> scores, others;
    std::vector<float> aux;
    for (std::size_t i = 0; i < n; ++i) {
        scores.push_back(lists.numbers[4 * i + 1]);
        aux.push_back(static_cast<float>(lists.numbers[4 * i + 3]));
        others.push_back(lists.numbers[4 * i]);
        others.push_back(lists.numbers[4 * i + 2]);
    }
    Request r = whole[0];
    r.candidate_dense = FeatureRows(others.data(), n, 2);
    r.scores = scores;
    r.aux = aux;
    encoder.check(r);
    CHECK(largest_difference(encoded(encoder, {r}).dense, encoded(encoder, {whole[0]}).dense) == 0);
    r.candidate_dense = whole[0].candidate_dense;  // which of the two would count?
    CHECK_THROWS_AS(encoder.check(r), RequestError);
}

TEST_CASE("dense features: designated initialisers of some members compile without a warning") {
    const std::vector<std::int32_t> items{1, 2};
    const std::vector<float> price{3, 4};
    const Request r{.items = items, .candidate_dense = FeatureRows(price.data(), 2, 1), .weight = 2};
    CHECK(r.candidate_dense(1, 0) == 4);
    CHECK(!r.has_labels());
}

TEST_CASE("dense features: of many lists of one length each position is in the sample") {
    FeatureSample sample;
    for (int i = 0; i < 70'000 * 32; ++i) sample.add(i % 32);
    DenseTransforms t;
    sample.fit_transform(t);
    CHECK(t.transformed(0, 0) == doctest::Approx(-1.3).epsilon(0.1));
    CHECK(t.transformed(0, 15.5) == doctest::Approx(0).epsilon(0.1));
    CHECK(t.transformed(0, 31) == doctest::Approx(1.3).epsilon(0.1));
}
