// A model that is replaced while threads answer with it: each answer is that of one model.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <thread>
#include <vector>

#include "psad/serve/live_model.hpp"
#include "support/model_files.hpp"
#include "support/small_model.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Network = StudentOf<Psad<small>>;
using Live = serve::LiveModel<Network>;

std::vector<float> scores(const serve::Reranked& out) {
    return {out.scores.begin(), out.scores.end()};
}
std::vector<float> scores(const Model<Network>& model, const Request& r) {
    const backend::Cpu<float> cpu;
    auto workspace = serve::Reranker(cpu, model).workspace();
    return scores(serve::Reranker(cpu, model)(r, workspace));
}

}  // namespace

TEST_CASE("a reader answers by the model that is in place") {
    const auto owned = toy_request(3, 9, 5);
    const Request r = owned.view();
    Live live(shaken<Network>(7));
    Live::Reader reader = live.reader();
    serve::UserCache<backend::Cpu<float>, Network> cache;
    const auto of_7 = scores(shaken<Network>(7), r), of_8 = scores(shaken<Network>(8), r);
    REQUIRE(of_7 != of_8);
    CHECK(scores(reader(r)) == of_7);
    CHECK(scores(reader(r, cache)) == of_7);
    live.replace(shaken<Network>(8));
    CHECK(live.retired() == 1);  // the reader has not answered since
    CHECK(scores(reader(r, cache)) == of_8);
    CHECK(scores(reader(r)) == of_8);
    CHECK(live.retired() == 0);
    Live::Reader other = std::move(reader);
    CHECK(scores(other(r)) == of_8);
    CHECK(scores(reader(r)) == of_8);  // moved from: it asks again
    other.release();
    live.replace(shaken<Network>(7));
    reader.release();
    CHECK(live.retired() == 0);
    CHECK(scores(reader(r, cache)) == of_7);
}

TEST_CASE("what cannot be loaded, or does not answer the trial, leaves the old model in place") {
    const auto owned = toy_request(3, 9, 5);
    const Request r = owned.view();
    const ModelFile good(shaken<Network>(8)), bad(shaken<Network>(8));
    Live live(shaken<Network>(7));
    Live::Reader reader = live.reader();
    const auto of_7 = scores(reader(r));
    bad.replace("no model");
    CHECK_THROWS_AS(live.load(bad.path()), ModelFileError);
    CHECK_THROWS_AS(live.load(good.path().parent_path() / "nothing"), ModelFileError);
    Model<Network> huge = shaken<Network>(8);
    for (std::size_t i = 0; i < huge.registry.dense_size; ++i) huge.parameters.dense.data()[i] = 1e30f;
    CHECK_THROWS_AS(live.replace(std::move(huge), std::span(&r, 1)), ModelFileError);
    const Request empty;
    CHECK_THROWS_AS(live.replace(shaken<Network>(8), std::span(&empty, 1)), RequestError);
    CHECK(scores(reader(r)) == of_7);
    live.load(good.path(), std::span(&r, 1));
    CHECK(scores(reader(r)) == scores(shaken<Network>(8), r));
}

TEST_CASE("threads answer while models are swapped, and no answer mixes two of them") {
    constexpr int threads = 3, swaps = 60;
    const auto owned = toy_request(3, 9, 5);
    const Request r = owned.view();
    const std::vector<std::vector<float>> wanted{scores(shaken<Network>(7), r), scores(shaken<Network>(8), r)};
    Live live(shaken<Network>(7));
    std::atomic<bool> done = false;
    std::atomic<std::int64_t> answers = 0, wrong = 0;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&] {
            Live::Reader reader = live.reader();
            serve::UserCache<backend::Cpu<float>, Network> cache;
            while (!done) {
                const auto found = answers % 2 == 0 ? scores(reader(r)) : scores(reader(r, cache));
                wrong += found != wanted[0] && found != wanted[1] ? 1 : 0;
                ++answers;
            }
        });
    }
    for (int s = 0; s < swaps; ++s) {
        const std::int64_t before = answers;
        live.replace(shaken<Network>(s % 2 == 0 ? 8 : 7));
        while (answers < before + threads) std::this_thread::yield();
    }
    done = true;
    for (std::thread& t : all) t.join();
    CHECK(wrong == 0);
    CHECK(answers >= swaps);
    live.replace(shaken<Network>(7));
    CHECK(live.retired() == 0);
}
