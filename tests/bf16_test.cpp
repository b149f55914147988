// Weights in bf16: the product against sums of rounded numbers, scores near those of fp32, the same orders
// but for near ties, and fp32 bit for bit where the processor is not to use bf16.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "psad/backend/cpu/bf16.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;
using backend::CpuBf16;

namespace {

// Nearest bf16, ties to even.
float rounded(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u);
}

std::vector<float> drawn(std::uint64_t key, int count) {
    std::vector<float> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(rng::normal(key, i));
    return out;
}

struct Scored {
    std::vector<int> order;
    std::vector<float> by_position;
};

// Every list's order and, by position, its scores; alone or in one batch.
template <class B, class Network>
std::vector<Scored> scored(const B& backend, const Model<Network>& m, std::span<const Request> requests,
                           bool in_a_batch) {
    const serve::Reranker reranker(backend, m);
    std::vector<Scored> out;
    const auto keep = [&](const serve::Reranked& r) {
        Scored s{{r.order.begin(), r.order.end()}, std::vector<float>(r.order.size())};
        for (std::size_t i = 0; i < r.order.size(); ++i)
            s.by_position[static_cast<std::size_t>(r.order[i])] = r.scores[i];
        out.push_back(std::move(s));
    };
    if (in_a_batch) {
        serve::BatchWorkspace<B> workspace;
        for (const serve::Reranked& r : reranker(requests, workspace)) keep(r);
    } else {
        serve::Workspace<B> workspace;
        for (const Request& r : requests) keep(reranker(r, workspace));
    }
    return out;
}

bool same_bits(const std::vector<Scored>& a, const std::vector<Scored>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Scored& x, const Scored& y) {
        return x.order == y.order && x.by_position == y.by_position;
    });
}

// A sorting student that has learned, with the lists that it learned from.
struct Trained {
    using Network = Psad<small, order::Sort>;
    std::vector<OwnedRequest> owned;
    std::vector<Request> lists;
    Model<Network> model;

    Trained() : owned(toys()), lists(views(owned)), model(toy_encoder(lists)) {
        train::Settings s;
        s.steps = 60;
        s.batch = 25;
        s.patience = 0;
        train::train(backend::Cpu<float>(), model, std::span<const Request>(lists), s,
                     [](const Model<Network>&) { return train::ValidationScore{}; });
    }

    static std::vector<OwnedRequest> toys() {
        std::vector<OwnedRequest> out;
        for (std::uint64_t key = 0; key < 100; ++key)
            out.push_back(toy_request(key, 2 + static_cast<int>(key * 7 % 22), static_cast<int>(key % 10)));
        return out;
    }
};

}  // namespace

TEST_CASE("numbers become bf16 and products are theirs, whatever the shape") {
    if (!backend::runs_bf16()) {
        MESSAGE("SKIPPED: the processor lacks AVX-512 BF16");
        return;
    }
    for (const int rows : {1, 2, 7, 20, 150}) {
        for (const std::pair<int, int>& parts : {std::pair{2, 0}, {34, 2}, {64, 66}, {130, 0}, {1024, 1024}}) {
            const int depth = parts.first, other = parts.second;
            for (const int columns : {1, 5, 16, 64, 83}) {
                ParameterRegistry registry;
                registry.add("odd", Part::student, 3, 3, {}, false);
                const std::size_t at = registry.add("w", Part::student, depth + other, columns, {}, false);
                Parameters<float> parameters(registry);
                const auto w = drawn(1, (depth + other) * columns);
                std::copy(w.begin(), w.end(), parameters.dense.data() + at);
                const auto x = drawn(2, rows * depth), y = drawn(3, rows * other), b = drawn(4, columns);
                const Matrix<const float> weight{parameters.dense.data() + at, depth + other, columns, columns};
                const CpuBf16 cpu(registry, parameters, 1, CpuBf16::Where::possible);
                std::vector<float> out(static_cast<std::size_t>(rows * columns), -1.0f);
                const Matrix<float> to{out.data(), rows, columns, columns};
                const Factor<float> first{{x.data(), rows, depth, depth}, weight.row_range(0, depth)};
                if (other == 0)
                    cpu.affine({first}, {b.data(), 0}, Relu{}, to);
                else
                    cpu.affine({first, {{y.data(), rows, other, other}, weight.row_range(depth, other)}}, {b.data(), 0},
                               Relu{}, to);
                double worst = 0;
                for (int r = 0; r < rows; ++r) {
                    for (int c = 0; c < columns; ++c) {
                        const auto bias = static_cast<double>(b[static_cast<std::size_t>(c)]);
                        double sum = bias, size = std::abs(bias);
                        const auto add = [&](float u, float v) {
                            const double p = static_cast<double>(rounded(u)) * static_cast<double>(rounded(v));
                            sum += p, size += std::abs(p);
                        };
                        for (int k = 0; k < depth; ++k) add(x[static_cast<std::size_t>(r * depth + k)], weight(k, c));
                        for (int k = 0; k < other; ++k)
                            add(y[static_cast<std::size_t>(r * other + k)], weight(depth + k, c));
                        worst =
                            (std::max)(worst, std::abs((std::max)(sum, 0.0) - static_cast<double>(to(r, c))) / size);
                    }
                }
                CHECK_MESSAGE(worst < 1e-6, rows, " x ", depth, " + ", other, " x ", columns);
            }
        }
    }
}

TEST_CASE("parts of odd width, and what is no weight, are multiplied in fp32") {
    ParameterRegistry registry;
    const std::size_t at = registry.add("w", Part::student, 6, 4, {}, false);
    Parameters<float> parameters(registry);
    const auto w = drawn(1, 24), x = drawn(2, 30);
    std::copy(w.begin(), w.end(), parameters.dense.data() + at);
    const CpuBf16 cpu(registry, parameters, 1, CpuBf16::Where::possible);
    const backend::Cpu<float> plain;
    const auto same = [&](const float* from, int first, int depth) {
        std::vector<float> a(20), b(20);
        const Factor<float> f[1] = {{{x.data(), 5, depth, 6}, {from + first * 4, depth, 4, 4}}};
        cpu.affine(f, {nullptr, 0}, Identity{}, Matrix<float>{a.data(), 5, 4, 4});
        plain.affine(f, {nullptr, 0}, Identity{}, Matrix<float>{b.data(), 5, 4, 4});
        return a == b;
    };
    const float* weight = parameters.dense.data() + at;
    CHECK(same(weight, 0, 3));
    CHECK(same(weight, 1, 2));
    CHECK(same(w.data(), 0, 6));
    CHECK(same(weight, 0, 6) == !backend::runs_bf16());
}

TEST_CASE("what is too deep, or a window of columns, is multiplied in fp32; many rows keep their own start") {
    ParameterRegistry registry;
    const std::size_t deep = registry.add("deep", Part::student, 2050, 4, {}, false),
                      wide = registry.add("wide", Part::student, 2048, 8, {}, false);
    Parameters<float> parameters(registry);
    parameters.initialise(registry, 1);
    for (std::size_t i = 0; i < registry.dense_size; ++i)
        parameters.dense.data()[i] = 0.1f * static_cast<float>(rng::normal(3, i));
    const CpuBf16 cpu(registry, parameters, 1, CpuBf16::Where::possible);
    const backend::Cpu<float> plain;
    const auto x = drawn(4, 40 * 2050), rows = drawn(5, 40 * 8);
    const Matrix<const float> deep_weight{parameters.dense.data() + deep, 2050, 4, 4},
        wide_weight{parameters.dense.data() + wide, 2048, 8, 8};
    const auto gap = [&](Matrix<const float> w, Operand<float> start) {
        std::vector<float> a(static_cast<std::size_t>(40 * w.cols)), b(a);
        const Factor<float> f[1] = {{{x.data(), 40, w.rows, 2050}, w}};
        cpu.affine(f, start, Identity{}, Matrix<float>{a.data(), 40, w.cols, w.cols});
        plain.affine(f, start, Identity{}, Matrix<float>{b.data(), 40, w.cols, w.cols});
        float worst = 0;
        for (std::size_t i = 0; i < a.size(); ++i) worst = (std::max)(worst, std::abs(a[i] - b[i]));
        return worst;
    };
    CHECK(gap(deep_weight, {nullptr, 0}) == 0);
    CHECK(gap(wide_weight.columns(0, 4), {nullptr, 0}) == 0);
    const float with_starts = gap(wide_weight, {rows.data(), 8});  // sums of 2,048 products of about 0.1
    CHECK(with_starts < 0.2f);
    CHECK((with_starts > 0) == backend::runs_bf16());
}

TEST_CASE("a student in bf16: near its scores of fp32, one by one as in a batch") {
    const Trained trained;
    const backend::Cpu<float> plain;
    const CpuBf16 cpu(trained.model, 1, CpuBf16::Where::possible);
    const auto wanted = scored(plain, trained.model, trained.lists, false);
    const auto got = scored(cpu, trained.model, trained.lists, false);
    CHECK(same_bits(got, scored(cpu, trained.model, trained.lists, true)));
    CHECK(same_bits(got, wanted) == !backend::runs_bf16());

    double largest = 0, off = 0;
    std::size_t pairs = 0, reordered = 0;
    for (std::size_t l = 0; l < wanted.size(); ++l) {
        const auto& a = wanted[l].by_position;
        const auto& b = got[l].by_position;
        for (std::size_t i = 0; i < a.size(); ++i) {
            largest = (std::max)(largest, std::abs(static_cast<double>(a[i])));
            off = (std::max)(off, std::abs(static_cast<double>(a[i] - b[i])));
            for (std::size_t j = 0; j < i; ++j) ++pairs, reordered += (a[i] < a[j]) != (b[i] < b[j]);
        }
    }
    CHECK(off < 0.02 * largest);
    CHECK(pairs > 5000);
    CHECK(static_cast<double>(reordered) <= 0.01 * static_cast<double>(pairs));
}

TEST_CASE("a backend in bf16 serves its own model alone, as it was") {
    Model<StudentOf<Psad<small>>> m = shaken<StudentOf<Psad<small>>>();
    const auto copy = m;
    const CpuBf16 cpu(m);
    const serve::Reranker reranker(cpu, m);
    CHECK_THROWS_AS(serve::Reranker(cpu, copy), SettingError);
    const auto owned = toy_request(3, 5, 2);
    auto workspace = reranker.workspace();
    CHECK(reranker(owned.view(), workspace).order.size() == 5);
    m.warm_start(copy);  // other numbers at the same place
    CHECK_THROWS_WITH_AS(reranker(owned.view(), workspace),
                         "backend: found weights of another model, or of this one before it changed, wanted a backend "
                         "that is made of this model",
                         SettingError);
}

TEST_CASE("where bf16 gains nothing, scores are those of fp32 bit for bit") {
    const auto m = shaken<Psad<small>>();
    const auto owned = toy_requests(3);
    const auto lists = views(owned);
    const CpuBf16 cpu(m);
    CHECK(CpuBf16::multiplies_bf16() <= CpuBf16::multiplies_bf16(CpuBf16::Where::possible));
    CHECK(same_bits(scored(cpu, m, lists, false), scored(backend::Cpu<float>(), m, lists, false)) ==
          !CpuBf16::multiplies_bf16());
}
