// Whitened columns: what the matrix does, and that a model without them is the same.
#include "psad/features/whitening.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/features/fit_encoder.hpp"
#include "psad/model/fold_whitening.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"
#include "support/files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = Psad<small>;

/// Three numbers of which two are nearly the same: size, and size with a little of something else.
std::vector<double> a_row(std::uint64_t key, std::uint64_t i) {
    const auto normal = [&](std::uint64_t c) { return static_cast<double>(rng::normal(rng::derive(key, c), i)); };
    const double size = normal(0);
    return {size + 3, size + 0.3 * normal(1), normal(2)};
}

std::vector<OwnedRequest> toy_lists(int count) {
    std::vector<OwnedRequest> out;
    for (int i = 0; i < count; ++i) out.push_back(toy_request(static_cast<std::uint64_t>(i) + 70, 3 + i % 5, i % 7));
    return out;
}

}  // namespace

TEST_CASE("whitening: the inverse root of the covariance and the floor") {
    for (const double floor : {1e-6, 0.05}) {
        CAPTURE(floor);
        Covariance covariance(3);
        std::vector<double> mean(3), c(9);
        const std::size_t n = 4000;
        for (std::size_t i = 0; i < n; ++i) {
            const auto x = a_row(5, i);
            covariance.add(x.data());
            for (std::size_t k = 0; k < 3; ++k) mean[k] += x[k] / static_cast<double>(n);
        }
        for (std::size_t i = 0; i < n; ++i) {
            const auto x = a_row(5, i);
            for (std::size_t e = 0; e < 9; ++e)
                c[e] += (x[e / 3] - mean[e / 3]) * (x[e % 3] - mean[e % 3]) / static_cast<double>(n);
        }
        for (std::size_t k = 0; k < 3; ++k) c[4 * k] += floor;
        CHECK(covariance.rows() == n);
        const std::vector<double> w = covariance.whitening(floor);
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = 0; j < 3; ++j) {
                double product = 0;  // of W C W
                for (std::size_t a = 0; a < 9; ++a) product += w[3 * i + a / 3] * c[a] * w[3 * (a % 3) + j];
                CHECK(product == doctest::Approx(i == j ? 1 : 0).epsilon(1e-4));
                CHECK(w[3 * i + j] == doctest::Approx(w[3 * j + i]));
            }
        }
    }
}

TEST_CASE("whitening: the values times the matrix stand behind all other columns") {
    const auto owned = toy_lists(100);
    const std::vector<Request> train = views(owned);
    Encoder plain = toy_encoder(train), whitened = plain;
    REQUIRE(whiten(whitened, train));
    REQUIRE(whitened.candidates().features() == 2);
    CHECK(whitened.candidates().whitened() == 2);
    CHECK(whitened.input_sizes().item_columns == plain.input_sizes().item_columns + 2);
    const std::vector<float>& w = whitened.candidates().whitening();
    Batch<float> a, b;
    plain.encode(std::span(train).first(3), 1, a);
    whitened.encode(std::span(train).first(3), 1, b);
    const auto before = static_cast<std::size_t>(a.dense.columns), after = before + 2;
    for (std::size_t row = 0; row * before < a.dense.numbers.size(); ++row) {
        const float *x = a.dense.numbers.data() + row * before, *y = b.dense.numbers.data() + row * after;
        CHECK(std::equal(x, x + before, y));
        for (std::size_t k = 0; k < 2; ++k)
            CHECK(y[before + k] == doctest::Approx(w[2 * k] * x[0] + w[2 * k + 1] * x[1]).epsilon(1e-5));
    }
    whitened.set_whitening({});
    CHECK(whitened.input_sizes().item_columns == plain.input_sizes().item_columns);
}

TEST_CASE("whitening: 50 lists a feature are enough, and no fewer") {
    const auto owned = toy_lists(100);
    const std::vector<Request> train = views(owned);
    Encoder encoder = toy_encoder(train);
    CHECK(!whiten(encoder, std::span(train).first(99)));  // of two features
    CHECK(encoder.candidates().whitened() == 0);
    CHECK(whiten(encoder, train));
    CHECK(encoder.candidates().whitened() == 2);
}

TEST_CASE("whitening: of whatever number of lists a sample is taken, the matrix is the same") {
    const auto owned = toy_lists(100);
    const std::vector<Request> owned_views = views(owned);
    std::vector<Request> train = owned_views;
    Encoder one = toy_encoder(train), many = one;
    CHECK(whiten(one, train));
    while (train.size() < 60'000)
        train.insert(train.end(), owned_views.begin(), owned_views.end());  // 300,000 candidates
    CHECK(whiten(many, train));
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(many.candidates().whitening()[i] == doctest::Approx(one.candidates().whitening()[i]).epsilon(0.05));
}

TEST_CASE(
    "whitening: an encoder that changes after its model was made is refused, and so are matrices of other sizes") {
    const auto owned = toy_lists(100);
    const std::vector<Request> train = views(owned);
    const backend::Cpu<float> cpu;
    Encoder encoder = toy_encoder(train);
    Model<Net> model(encoder);
    whiten(model.encoder, train);
    const auto wrong = doctest::Contains("by its encoder: it changed after the model was made");
    CHECK_THROWS_WITH_AS(fold_whitening(model), wrong, SettingError);
    CHECK_THROWS_WITH_AS(serve::Reranker(cpu, model), wrong, SettingError);
    CHECK_THROWS_WITH_AS((train::Trainer<backend::Cpu<float>, Net>(cpu, model, train, train::Settings{})), wrong,
                         SettingError);
    whiten(encoder, train);
    Model<Net> other(encoder);
    other.encoder.set_whitening({});
    const TempFolder folder;
    CHECK_THROWS_WITH_AS(model_file::save(folder / "m.st", other, "small"), wrong, SettingError);

    CHECK_THROWS_WITH_AS(encoder.set_whitening({1, 2, 3}), "encoder, whitening: found 3 numbers, wanted 4 or none",
                         SettingError);
    CHECK_THROWS_AS(encoder.set_scales({1}, {}), SettingError);
    CHECK_THROWS_AS(encoder.set_scales({}, {1}), SettingError);
    const InputSizes before = encoder.input_sizes();
    encoder.set_scales({}, {});  // and stays whitened
    CHECK(encoder.candidates().whitened() == 2);
    CHECK(encoder.input_sizes().item_columns == before.item_columns);
}

TEST_CASE("whitening: a model gives the same scores without the columns, and only then goes to a file") {
    const auto owned = toy_lists(100);
    const std::vector<Request> train = views(owned);
    Encoder encoder = toy_encoder(train);
    whiten(encoder, train);
    Model<Net> model(encoder, 3);
    for (std::size_t i = 0; i < model.registry.dense_size; ++i)
        model.parameters.dense.data()[i] += 0.3f * static_cast<float>(rng::normal(8, i));
    const TempFolder folder;
    CHECK_THROWS_WITH_AS(model_file::save(folder / "m.st", model, "small"), doctest::Contains("whitened columns"),
                         SettingError);
    const Model<Net> before = model;
    fold_whitening(model);
    CHECK(model.encoder.candidates().whitened() == 0);
    CHECK(model.registry.dense_size < before.registry.dense_size);
    CHECK_NOTHROW(model_file::save(folder / "m.st", model, "small"));

    const backend::Cpu<float> cpu;
    const serve::Reranker with(cpu, before), without(cpu, model);
    const auto scores = [](const auto& reranker, const Request& r) {
        auto workspace = reranker.workspace();
        const auto answer = reranker(r, workspace);
        std::vector<float> out(r.size());
        for (std::size_t i = 0; i < answer.order.size(); ++i)
            out[static_cast<std::size_t>(answer.order[i])] = answer.scores[i];
        return out;
    };
    for (const Request& r : train) {
        const std::vector<float> wanted = scores(with, r), found = scores(without, r);
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(wanted[i]).epsilon(1e-3));
    }
    Batch<float> a, b;
    before.encoder.encode(std::span(train), Net::spec.positions, a);
    model.encoder.encode(std::span(train), Net::spec.positions, b);
    const auto lists = [&](const Model<Net>& m, Batch<float>& batch) {
        const Inputs<float> in = batch.view();
        Arena<> arena;
        Inference ctx(cpu, m.parameters, in.layout, arena);
        const auto made = generate(ctx, m.network.teacher, in);
        return std::vector<int>(made.chosen, made.chosen + in.layout.positions.rows);
    };
    CHECK(lists(before, a) == lists(model, b));
    const std::vector<float> once(model.parameters.dense.data(),
                                  model.parameters.dense.data() + model.parameters.dense.size());
    fold_whitening(model);  // there is nothing left to fold
    CHECK(std::equal(once.begin(), once.end(), model.parameters.dense.data()));
}
