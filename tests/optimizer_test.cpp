// The optimizer: AdamW against a plain double-precision reimplementation, and a rule of one's own.
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
#include "psad/train/optimizer.hpp"

using namespace psad;

namespace {

constexpr int rows = 6, width = 3;

struct StepSettings {
    double learning_rate = 1e-2, weight_decay = 0.05, clip = 1;
};

// A matrix longer than one task of the optimiser, a weight of one row, a bias, two tables.
struct Problem {
    ParameterRegistry registry;
    Problem() {
        const Scope scope(registry);
        scope.weight<100, 90>("matrix", Init::gaussian(1));
        scope.weight<1, 5>("row", Init::gaussian(1));
        scope.weight<1, 5>("bias", Init::value(1));
        scope.table<width>("table", rows, Init::gaussian(1));
        scope.table<width>("other", rows, Init::gaussian(1));
    }
    const ParameterInfo& at(const char* name) const {
        return *std::find_if(registry.parameters.begin(), registry.parameters.end(),
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
        shard.assign(problem.registry.dense_size, 0.0);
        for (const ParameterInfo& p : problem.registry.parameters) {
            for (std::size_t i = 0; i < p.size() && !p.table; ++i) shard[p.offset + i] = draw();
        }
    }
    for (const std::size_t r : {0u, 1u, 2u}) {
        g.sparse[r].resize((r == 2 ? 2 : 3) * width);
        for (double& x : g.sparse[r]) x = draw();
    }
    return g;
}

template <class T, class Rule>
double step(const Problem& problem, train::Optimizer<backend::Cpu<T>, Rule>& optimizer, Parameters<T>& parameters,
            const Gradient& g, double scale, const StepSettings& settings, int threads) {
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
    return optimizer.step(backend::Cpu<T>(threads), parameters, shards, records, scale,
                          {settings.learning_rate, settings.weight_decay, settings.clip});
}

// The textbook, one number after the other.
class Plain {
  public:
    Plain(const Problem& problem, const train::AdamW& rule) : problem_(problem), rule_(rule) {
        for (const ParameterInfo& p : problem.registry.parameters) m_[id(p)].assign(p.size(), 0.0);
        v_ = m_;
    }

    double step(Parameters<double>& parameters, const Gradient& g, double scale, const StepSettings& s) {
        ++t_;
        std::vector<Number> updated;
        for (const ParameterInfo& p : problem_.registry.parameters) {
            if (p.table) continue;
            for (std::size_t i = 0; i < p.size(); ++i) {
                const double sum = g.dense[0][p.offset + i] + g.dense[1][p.offset + i];
                updated.push_back({&p, i, scale * sum});
            }
        }
        const ParameterInfo &table = problem_.at("table"), &other = problem_.at("other");
        for (int c = 0; c < width; ++c) {
            const auto at = [&](std::size_t record, int row) {
                return g.sparse[record][static_cast<std::size_t>(row * width + c)];
            };
            const auto add = [&](const ParameterInfo& p, int row, double sum) {
                updated.push_back({&p, static_cast<std::size_t>(row * width + c), scale * sum});
            };
            add(table, 4, at(0, 0) / 2 + at(0, 2));
            add(table, 1, at(0, 0) / 2 + at(1, 0) + at(1, 1));
            add(table, 5, at(1, 2));
            add(other, 0, at(2, 0));
            add(other, 3, at(2, 1));
        }
        double squares = 0;
        for (const Number& n : updated) squares += n.gradient * n.gradient;
        const double norm = std::sqrt(squares);
        const double shrink = s.clip > 0 && norm > s.clip ? s.clip / norm : 1;
        for (const Number& n : updated) {
            const double gradient = n.gradient * shrink;
            double &m = m_[id(*n.p)][n.i], &v = v_[id(*n.p)][n.i], &x = parameters.at(*n.p)[n.i];
            m = rule_.beta1 * m + (1 - rule_.beta1) * gradient;
            v = rule_.beta2 * v + (1 - rule_.beta2) * gradient * gradient;
            const double m_hat = m / (1 - std::pow(rule_.beta1, t_)), v_hat = v / (1 - std::pow(rule_.beta2, t_));
            const double decay = n.p->decays() ? s.weight_decay : 0;
            x -= s.learning_rate * (m_hat / (std::sqrt(v_hat) + rule_.epsilon) + decay * x);
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
        return static_cast<std::size_t>(&p - problem_.registry.parameters.data());
    }

    const Problem& problem_;
    train::AdamW rule_;
    std::array<std::vector<double>, 5> m_, v_;  // by parameter
    int t_ = 0;
};

template <class T>
double difference(const Problem& problem, const Parameters<T>& a, const Parameters<double>& b) {
    double worst = 0;
    for (const ParameterInfo& p : problem.registry.parameters) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            worst = (std::max)(worst, std::abs(static_cast<double>(a.at(p)[i]) - b.at(p)[i]));
        }
    }
    return worst;
}

template <class T>
train::Optimizer<backend::Cpu<T>> adamw(const Problem& problem, const train::AdamW& rule = {}) {
    return {backend::Cpu<T>(1), problem.registry, rule};
}

template <class T>
void compare(const train::AdamW& rule, const StepSettings& settings, double size, double tolerance, bool clipped) {
    const Problem problem;
    Parameters<T> fast(problem.registry);
    Parameters<double> plain(problem.registry);
    fast.initialise(problem.registry, 1);
    plain.initialise(problem.registry, 1);
    auto optimizer = adamw<T>(problem, rule);
    Plain reference(problem, rule);
    for (std::uint64_t t = 0; t < 20; ++t) {
        const Gradient g = gradient_of(problem, t, size);
        StepSettings now = settings;
        now.learning_rate /= static_cast<double>(t + 1);
        const double norm = step(problem, optimizer, fast, g, 0.25, now, 1);
        const double wanted = reference.step(plain, g, 0.25, now);
        CHECK(norm == doctest::Approx(wanted).epsilon(1e-5));  // of the unclipped gradient
        CHECK((wanted > settings.clip && settings.clip > 0) == clipped);
    }
    CHECK(difference(problem, fast, plain) < tolerance);
    Parameters<double> start(problem.registry);
    start.initialise(problem.registry, 1);
    CHECK(difference(problem, start, plain) > 1e-2);
    CHECK(optimizer.steps() == 20);
}

// Plain gradient descent: an update rule that keeps nothing.
struct Sgd {
    static constexpr int moments = 0;

    template <class T>
    struct Step {
        T learning_rate, decay;
        void operator()(T grad, T decayed, T& p, train::Moments<T, 0>, std::size_t) const {
            p -= learning_rate * grad + decay * decayed * p;
        }
    };
    template <class T>
    Step<T> step(double learning_rate, double weight_decay, std::int64_t) const {
        return {static_cast<T>(learning_rate), static_cast<T>(learning_rate * weight_decay)};
    }
};

}  // namespace

TEST_CASE("AdamW: the textbook's numbers, clipped or not, with and without weight decay") {
    compare<double>({}, {}, 1, 1e-12, true);
    compare<double>({}, {}, 1e-2, 1e-12, false);
    compare<double>({}, {.clip = 0}, 1, 1e-12, false);
    compare<double>({}, {.weight_decay = 0}, 1, 1e-12, true);
    compare<double>({.beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3}, {.weight_decay = 0.5}, 1, 1e-12, true);
    compare<float>({}, {}, 1, 1e-5, true);
}

TEST_CASE("optimizer: decay takes weights and tables, not biases") {
    const Problem problem;
    Parameters<double> x(problem.registry), start(problem.registry);
    x.initialise(problem.registry, 1);
    start.initialise(problem.registry, 1);
    auto optimizer = adamw<double>(problem);
    Gradient none = gradient_of(problem, 0, 0);  // all zero: only decay is left
    CHECK(step(problem, optimizer, x, none, 1, {.learning_rate = 0.1, .weight_decay = 0.5}, 1) == 0);
    const auto ratio = [&](const char* name, std::size_t i) {
        return x.at(problem.at(name))[i] / start.at(problem.at(name))[i];
    };
    CHECK(ratio("matrix", 8999) == doctest::Approx(0.95));
    CHECK(ratio("row", 4) == doctest::Approx(0.95));
    CHECK(ratio("bias", 4) == 1);
    CHECK(ratio("table", 4 * width) == doctest::Approx(0.95));
}

TEST_CASE("optimizer: rows of a table that a step did not read stay as they are") {
    const Problem problem;
    Parameters<double> x(problem.registry), start(problem.registry);
    x.initialise(problem.registry, 1);
    start.initialise(problem.registry, 1);
    auto optimizer = adamw<double>(problem);
    for (std::uint64_t t = 0; t < 3; ++t) step(problem, optimizer, x, gradient_of(problem, t, 1), 1, {}, 1);
    const auto moved = [&](const char* name, int row) {
        const double *a = x.at(problem.at(name)) + row * width, *b = start.at(problem.at(name)) + row * width;
        return !std::equal(a, a + width, b);
    };
    for (int row = 0; row < rows; ++row) {
        CHECK(moved("table", row) == (row == 1 || row == 4 || row == 5));
        CHECK(moved("other", row) == (row == 0 || row == 3));
    }
}

TEST_CASE("optimizer: the number of threads does not change a bit") {
    const Problem problem;
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 4}) {
        Parameters<float> x(problem.registry);
        x.initialise(problem.registry, 1);
        auto optimizer = adamw<float>(problem);
        std::vector<float> out;
        for (std::uint64_t t = 0; t < 5; ++t) {
            out.push_back(static_cast<float>(
                step(problem, optimizer, x, gradient_of(problem, t, 1), 0.5, {.learning_rate = 1e-3}, threads)));
        }
        out.insert(out.end(), x.dense.data(), x.dense.data() + x.dense.size());
        out.insert(out.end(), x.tables.data(), x.tables.data() + x.tables.size());
        results.push_back(out);
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
}

TEST_CASE("optimizer: an update rule of one's own; gradients are summed, scaled and clipped before it") {
    const Problem problem;
    Parameters<double> x(problem.registry), start(problem.registry);
    x.initialise(problem.registry, 1);
    start.initialise(problem.registry, 1);
    train::Optimizer<backend::Cpu<double>, Sgd> optimizer(backend::Cpu<double>(1), problem.registry);
    const Gradient g = gradient_of(problem, 0, 1);
    const double norm = step(problem, optimizer, x, g, 0.25, {.learning_rate = 0.1, .weight_decay = 0, .clip = 1}, 1);
    CHECK(norm > 1);
    const ParameterInfo& matrix = problem.at("matrix");
    for (const std::size_t i : {std::size_t{0}, std::size_t{8999}}) {
        const double sum = g.dense[0][matrix.offset + i] + g.dense[1][matrix.offset + i];
        const double wanted = start.at(matrix)[i] - 0.1 * 0.25 * sum / norm;
        CHECK(x.at(matrix)[i] == doctest::Approx(wanted).epsilon(1e-12));
    }
    // Record 2 gives row 0 of "other" its first numbers.
    const double wanted = start.at(problem.at("other"))[0] - 0.1 * 0.25 * g.sparse[2][0] / norm;
    CHECK(x.at(problem.at("other"))[0] == doctest::Approx(wanted).epsilon(1e-12));
}
