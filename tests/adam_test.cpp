// AdamW against a plain double-precision reimplementation.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/rng.hpp"
#include "psad/train/adam.hpp"

using namespace psad;

namespace {

constexpr int rows = 6, width = 3;

// A matrix longer than one task of the optimiser, a vector, two tables.
struct Problem {
    ParameterRegistry list;
    Problem() {
        const Scope scope(list);
        scope.weight<100, 90>("matrix", Init::gaussian(1));
        scope.weight<1, 5>("vector", Init::gaussian(1));
        scope.table<width>("table", rows, Init::gaussian(1));
        scope.table<width>("other", rows, Init::gaussian(1));
    }
    const ParameterInfo& at(const char* name) const {
        return *std::find_if(list.parameters.begin(), list.parameters.end(),
                             [&](const ParameterInfo& p) { return p.name == name; });
    }
};

// One step's gradient: two shards of dense numbers, and records of table rows.
struct Gradient {
    std::array<std::vector<double>, 2> dense;
    std::array<std::vector<double>, 3> sparse;  // rows x width each
};

// Records 0 and 1 are of "table", in shard 0; record 2 is of "other", in shard 1.
const std::vector<int> bag{0, 2, 2, 3}, bag_ids{4, 1, 4};  // row 0: ids 4 and 1; row 1: none; row 2: id 4
const std::vector<int> ids{1, 1, 5}, other_ids{0, 3};      // one row per id

Gradient gradient_of(const Problem& problem, std::uint64_t step, double size) {
    Gradient g;
    std::uint64_t c = 0;
    const auto draw = [&] { return size * rng::normal(step + 100, c++); };
    for (auto& shard : g.dense) {
        shard.assign(problem.list.dense_size, 0.0);
        for (const ParameterInfo& p : problem.list.parameters) {
            for (std::size_t i = 0; i < p.size() && !p.table; ++i) shard[p.offset + i] = draw();
        }
    }
    for (const std::size_t r : {0u, 1u, 2u}) {
        g.sparse[r].resize((r == 2 ? 2 : 3) * width);
        for (double& x : g.sparse[r]) x = draw();
    }
    return g;
}

template <class T>
double step(const Problem& problem, Adam<T>& adam, Parameters<T>& parameters, const Gradient& g, double scale,
            double rate, int threads) {
    std::array<std::vector<T>, 2> dense;
    std::array<std::vector<T>, 3> values;
    for (std::size_t s = 0; s < 2; ++s) dense[s].assign(g.dense[s].begin(), g.dense[s].end());
    for (std::size_t r = 0; r < 3; ++r) values[r].assign(g.sparse[r].begin(), g.sparse[r].end());
    const std::size_t table = problem.at("table").offset, other = problem.at("other").offset;
    SparseGradient<T> first{table, width, 3, bag.data(), bag_ids.data(), values[0].data(), nullptr};
    SparseGradient<T> second{table, width, 3, nullptr, ids.data(), values[1].data(), &first};
    SparseGradient<T> third{other, width, 2, nullptr, other_ids.data(), values[2].data(), nullptr};
    const std::array<T*, 2> shards{dense[0].data(), dense[1].data()};
    const std::array<const SparseGradient<T>*, 2> records{&second, &third};
    return adam.step(backend::Cpu<T>(threads), parameters, std::span<T* const>(shards),
                     std::span<const SparseGradient<T>* const>(records), scale, rate);
}

// The textbook, one number after the other.
class Plain {
  public:
    Plain(const Problem& problem, const AdamSettings& settings) : problem_(problem), s_(settings) {
        for (const ParameterInfo& p : problem.list.parameters) m_[id(p)].assign(p.size(), 0.0);
        v_ = m_;
    }

    double step(Parameters<double>& parameters, const Gradient& g, double scale, double rate) {
        ++t_;
        std::vector<Number> has_interacted;
        for (const ParameterInfo& p : problem_.list.parameters) {
            if (p.table) continue;
            for (std::size_t i = 0; i < p.size(); ++i) {
                const double sum = g.dense[0][p.offset + i] + g.dense[1][p.offset + i];
                has_interacted.push_back({&p, i, scale * sum});
            }
        }
        const ParameterInfo &table = problem_.at("table"), &other = problem_.at("other");
        for (int c = 0; c < width; ++c) {
            const auto at = [&](std::size_t record, int row) {
                return g.sparse[record][static_cast<std::size_t>(row * width + c)];
            };
            const auto add = [&](const ParameterInfo& p, int row, double sum) {
                has_interacted.push_back({&p, static_cast<std::size_t>(row * width + c), scale * sum});
            };
            add(table, 4, at(0, 0) / 2 + at(0, 2));
            add(table, 1, at(0, 0) / 2 + at(1, 0) + at(1, 1));
            add(table, 5, at(1, 2));
            add(other, 0, at(2, 0));
            add(other, 3, at(2, 1));
        }
        double squares = 0;
        for (const Number& n : has_interacted) squares += n.gradient * n.gradient;
        const double norm = std::sqrt(squares);
        const double shrink = s_.clip > 0 && norm > s_.clip ? s_.clip / norm : 1;
        for (const Number& n : has_interacted) {
            const double lr = s_.rate * rate, gradient = n.gradient * shrink;
            double &m = m_[id(*n.p)][n.i], &v = v_[id(*n.p)][n.i], &x = parameters.at(*n.p)[n.i];
            m = s_.beta1 * m + (1 - s_.beta1) * gradient;
            v = s_.beta2 * v + (1 - s_.beta2) * gradient * gradient;
            const double m_hat = m / (1 - std::pow(s_.beta1, t_)), v_hat = v / (1 - std::pow(s_.beta2, t_));
            const double decay = n.p->rows > 1 ? s_.weight_decay : 0;
            x -= lr * (m_hat / (std::sqrt(v_hat) + s_.epsilon) + decay * x);
        }
        return norm;
    }

  private:
    struct Number {
        const ParameterInfo* p;
        std::size_t i;
        double gradient;
    };
    std::size_t id(const ParameterInfo& p) const {
        return static_cast<std::size_t>(&p - problem_.list.parameters.data());
    }

    const Problem& problem_;
    AdamSettings s_;
    std::array<std::vector<double>, 4> m_, v_;
    int t_ = 0;
};

template <class T>
double difference(const Problem& problem, const Parameters<T>& a, const Parameters<double>& b) {
    double worst = 0;
    for (const ParameterInfo& p : problem.list.parameters) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            worst = (std::max)(worst, std::abs(static_cast<double>(a.at(p)[i]) - b.at(p)[i]));
        }
    }
    return worst;
}

template <class T>
void compare(const AdamSettings& settings, double size, double tolerance, bool clipped) {
    const Problem problem;
    Parameters<T> fast(problem.list);
    Parameters<double> plain(problem.list);
    fast.initialise(problem.list, 1);
    plain.initialise(problem.list, 1);
    Adam<T> adam(problem.list, settings);
    Plain reference(problem, settings);
    for (std::uint64_t t = 0; t < 20; ++t) {
        const Gradient g = gradient_of(problem, t, size);
        const double rate = 1.0 / static_cast<double>(t + 1);
        const double norm = step(problem, adam, fast, g, 0.25, rate, 1);
        const double wanted = reference.step(plain, g, 0.25, rate);
        CHECK(norm == doctest::Approx(wanted).epsilon(1e-5));  // of the unclipped gradient
        CHECK((wanted > settings.clip && settings.clip > 0) == clipped);
    }
    CHECK(difference(problem, fast, plain) < tolerance);
    Parameters<double> start(problem.list);
    start.initialise(problem.list, 1);
    CHECK(difference(problem, start, plain) > 1e-2);
}

}  // namespace

TEST_CASE("Adam: the textbook's numbers, clipped or not, with and without weight decay") {
    compare<double>({.rate = 1e-2}, 1, 1e-12, true);
    compare<double>({.rate = 1e-2}, 1e-2, 1e-12, false);
    compare<double>({.rate = 1e-2, .clip = 0}, 1, 1e-12, false);
    compare<double>({.rate = 1e-2, .weight_decay = 0}, 1, 1e-12, true);
    compare<double>({.rate = 1e-2, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.5}, 1,
                    1e-12, true);
    compare<float>({.rate = 1e-2}, 1, 1e-5, true);
}

TEST_CASE("Adam: decay takes matrices and tables, not vectors") {
    const Problem problem;
    Parameters<double> x(problem.list), start(problem.list);
    x.initialise(problem.list, 1);
    start.initialise(problem.list, 1);
    Adam<double> adam(problem.list, {.rate = 0.1, .weight_decay = 0.5});
    Gradient none = gradient_of(problem, 0, 0);  // all zero: only decay is left
    CHECK(step(problem, adam, x, none, 1, 1, 1) == 0);
    const auto ratio = [&](const char* name, std::size_t i) {
        return x.at(problem.at(name))[i] / start.at(problem.at(name))[i];
    };
    CHECK(ratio("matrix", 8999) == doctest::Approx(0.95));
    CHECK(ratio("vector", 4) == 1);
    CHECK(ratio("table", 4 * width) == doctest::Approx(0.95));
}

TEST_CASE("Adam: rows of a table that a step did not touch stay as they are") {
    const Problem problem;
    Parameters<double> x(problem.list), start(problem.list);
    x.initialise(problem.list, 1);
    start.initialise(problem.list, 1);
    Adam<double> adam(problem.list, {.rate = 0.1});
    for (std::uint64_t t = 0; t < 3; ++t) step(problem, adam, x, gradient_of(problem, t, 1), 1, 1, 1);
    const auto moved = [&](const char* name, int row) {
        const double *a = x.at(problem.at(name)) + row * width, *b = start.at(problem.at(name)) + row * width;
        return !std::equal(a, a + width, b);
    };
    for (int row = 0; row < rows; ++row) {
        CHECK(moved("table", row) == (row == 1 || row == 4 || row == 5));
        CHECK(moved("other", row) == (row == 0 || row == 3));
    }
}

TEST_CASE("Adam: the number of threads does not change a bit") {
    const Problem problem;
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 4}) {
        Parameters<float> x(problem.list);
        x.initialise(problem.list, 1);
        Adam<float> adam(problem.list, {});
        std::vector<float> out;
        for (std::uint64_t t = 0; t < 5; ++t) {
            out.push_back(
                static_cast<float>(step(problem, adam, x, gradient_of(problem, t, 1), 0.5, 1, threads)));
        }
        out.insert(out.end(), x.dense.data(), x.dense.data() + x.dense.size());
        out.insert(out.end(), x.tables.data(), x.tables.data() + x.tables.size());
        results.push_back(out);
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
}
