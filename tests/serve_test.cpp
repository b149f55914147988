// One request in, an order out: the student's order, without memory from the heap, from many threads.
#include <doctest/doctest.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/orders.hpp"
#include "psad/serve/reranker.hpp"
#include "support/allocations.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Device = backend::Cpu<float>;

// 100 requests of 1 to 23 candidates and 0 to 9 events, some without scores or aux.
std::vector<OwnedRequest> many() {
    std::vector<OwnedRequest> out;
    for (std::uint64_t key = 0; key < 100; ++key) {
        out.push_back(toy_request(key, 1 + static_cast<int>(key * 7 % 23), static_cast<int>(key % 10), key % 3 != 0,
                                  key % 4 != 0));
    }
    return out;
}

struct Answer {
    std::vector<int> order;
    std::vector<float> scores;
    bool operator==(const Answer&) const = default;
};

template <class Network>
Answer ask(const serve::Reranker<Device, Network>& reranker, const Request& r, serve::Workspace<Device>& workspace,
           int top = 0) {
    const auto reranked = reranker(r, workspace, top);
    return {{reranked.order.begin(), reranked.order.end()}, {reranked.scores.begin(), reranked.scores.end()}};
}

template <class Network>
void check_no_allocation() {
    const auto m = shaken<Network>();
    const auto owned = many();
    const auto requests = views(owned);
    const Device cpu;
    const serve::Reranker reranker(cpu, m, serve::already_checked), checking(cpu, m);
    serve::Workspace<Device> workspace;
    OwnedRequest largest = toy_request(1000, 23, 9);  // in field values (two genres each) and matches too
    std::fill(largest.items.begin(), largest.items.end(), 2);
    std::fill(largest.history_items.begin(), largest.history_items.end(), 2);
    CHECK(allocations_of([&] { reranker(largest.view(), workspace); }) > 0);
    double sum = 0;
    const std::size_t more = allocations_of([&] {
        for (const Request& r : requests) {
            for (const int top : {0, 3}) sum += static_cast<double>(checking(r, workspace, top).scores[0]);
        }
        reranker(largest.view(), workspace);
    });
    CHECK(more == 0);
    CHECK(sum != 0);
}

}  // namespace

TEST_CASE("scores that are not finite are refused by the name of the model") {
    auto m = shaken<Psad<small>>();
    const OwnedRequest request = toy_request(1, 5, 3);
    const Device cpu;
    {
        const serve::Reranker reranker(cpu, m);
        auto workspace = reranker.workspace();
        CHECK_NOTHROW(serve::check_scores(reranker(request.view(), workspace), "good.safetensors"));
    }
    for (float& x : std::span(m.parameters.dense.data(), m.registry.dense_size)) x *= 1e30f;
    const serve::Reranker reranker(cpu, m);
    auto workspace = reranker.workspace();
    CHECK_THROWS_WITH_AS(serve::check_scores(reranker(request.view(), workspace), "huge.safetensors"),
                         doctest::Contains("huge.safetensors: found numbers so large"), ModelFileError);
}

TEST_CASE("a reranker gives the student's order") {
    const auto m = shaken<Psad<small>>();
    const auto owned = many();
    const auto requests = views(owned);
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    const auto wanted = eval::student_orders(cpu, m, requests, 1000);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const Answer a = ask(reranker, requests[i], workspace);
        CHECK(a.order == wanted[i]);
        CHECK(a.scores.size() == a.order.size());
        moved += std::is_sorted(a.order.begin(), a.order.end()) ? 0 : 1;
    }
    CHECK(moved > 50);
}

TEST_CASE("top: the first places of the whole answer") {
    const auto m = shaken<Psad<small>>();
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    for (const OwnedRequest& owned : many()) {
        const Answer all = ask(reranker, owned.view(), workspace);
        const int n = static_cast<int>(owned.items.size());
        for (const int top : {1, 2, n, n + 5}) {
            const auto places = static_cast<std::ptrdiff_t>((std::min)(top, n));
            CHECK(ask(reranker, owned.view(), workspace, top) ==
                  Answer{{all.order.begin(), all.order.begin() + places},
                         {all.scores.begin(), all.scores.begin() + places}});
        }
    }
}

TEST_CASE("a sorting student's scores fall along its order") {
    const auto m = shaken<Psad<small, order::Sort>>();
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    for (const OwnedRequest& owned : many()) {
        const Answer a = ask(reranker, owned.view(), workspace);
        CHECK(std::is_sorted(a.scores.rbegin(), a.scores.rend()));
    }
}

TEST_CASE("a warm reranker takes no memory from the heap") {
    check_no_allocation<Psad<small>>();
    check_no_allocation<Psad<small, order::Sort, list_context::SelfAttention, fade::None>>();
}

TEST_CASE("threads share one const model, each with a workspace of its own") {
    const auto m = shaken<Psad<small>>();
    const auto owned = many();
    const auto requests = views(owned);
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    std::vector<Answer> wanted;
    serve::Workspace<Device> workspace;
    for (const Request& r : requests) wanted.push_back(ask(reranker, r, workspace));
    std::vector<std::size_t> wrong(4, requests.size());
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            serve::Workspace<Device> mine;
            std::size_t differing = 0;
            for (int round = 0; round < 3; ++round) {
                for (std::size_t i = 0; i < requests.size(); ++i) {
                    const std::size_t at = (i + 25 * t) % requests.size();
                    if (!(ask(reranker, requests[at], mine) == wanted[at])) ++differing;
                }
            }
            wrong[t] = differing;
        });
    }
    for (std::thread& t : threads) t.join();
    CHECK(wrong == std::vector<std::size_t>(4, 0));
}

TEST_CASE("a batch is what its requests are one by one, for any number of threads") {
    const auto m = shaken<Psad<small>>();
    const auto owned = many();
    const auto requests = views(owned);
    const Device one;
    const serve::Reranker reranker(one, m);
    for (const int top : {0, 3}) {
        for (const int threads : {1, 3}) {
            const Device cpu(threads);
            const serve::Reranker many_at_once(cpu, m);
            serve::BatchWorkspace<Device> batch;
            serve::Workspace<Device> workspace;
            for (const std::size_t count : {requests.size(), std::size_t{1}, std::size_t{0}, std::size_t{17}}) {
                const auto lists = many_at_once(std::span(requests).first(count), batch, top);
                REQUIRE(lists.size() == count);
                for (std::size_t l = 0; l < count; ++l) {
                    const serve::Reranked wanted = reranker(requests[l], workspace, top);
                    CHECK(std::ranges::equal(lists[l].order, wanted.order));
                    CHECK(std::ranges::equal(lists[l].scores, wanted.scores));
                }
            }
        }
    }
    serve::BatchWorkspace<Device> batch;
    reranker(requests, batch);
    CHECK(allocations_of([&] { reranker(requests, batch); }) == 0);
}

TEST_CASE("a known user's lists are those of the whole request, whatever is another") {
    using Network = Psad<small>;
    const auto m = shaken<Network>(), other_model = shaken<Network>(8);
    const Device cpu;
    const serve::Reranker reranker(cpu, m), of_other_model(cpu, other_model);
    serve::Workspace<Device> workspace;
    serve::UserCache<Device, Network> user;
    // Says what the whole request says, and then knows it.
    const auto check = [&](const Request& r) {
        const Answer whole = ask(reranker, r, workspace);
        for (int turn = 0; turn < 2; ++turn) {
            const serve::Reranked found = reranker(r, user, workspace);
            CHECK(std::ranges::equal(found.order, whole.order));
            CHECK(std::ranges::equal(found.scores, whole.scores));
        }
        CHECK(allocations_of([&] { reranker(r, user, workspace); }) == 0);
    };
    for (const OwnedRequest& owned : many()) {
        const Request r = owned.view();
        user.invalidate();
        check(r);
        serve::UserCache<Device, Network> moved = std::move(user);
        CHECK(std::ranges::equal(reranker(r, moved, workspace).scores, ask(reranker, r, workspace).scores));
        user = std::move(moved);
        check(r);

        // Another list for the same history, which may or may not hold a candidate of it.
        OwnedRequest other_list = owned;
        for (std::int32_t& item : other_list.items) item = (item + 3) % toy_items;
        check(other_list.view());
        check(r);

        OwnedRequest changed = owned;
        changed.user[0] = changed.user[0] == 0 ? 1 : 0;
        check(changed.view());
        changed = owned;
        changed.context[0] = changed.context[0] == 0 ? 1 : 0;
        check(changed.view());
        if (owned.history_items.empty()) continue;
        changed = owned;
        changed.history_items.front() = (changed.history_items.front() + 1) % toy_items;
        check(changed.view());
        changed = owned;
        changed.history_times.front() -= 1000;
        check(changed.view());
        if (!owned.history_feedback.empty()) {
            changed = owned;
            changed.history_feedback.back() = changed.history_feedback.back() == 0 ? 1 : 0;
            check(changed.view());
        }
        Request earlier = r;
        earlier.history_items = r.history_items.first(r.history_items.size() - 1);
        earlier.history_times = r.history_times.first(r.history_times.size() - 1);
        if (!r.history_feedback.empty())
            earlier.history_feedback = r.history_feedback.first(r.history_feedback.size() - 1);
        check(earlier);
        Request late = r;  // its last event is not before it, and is not read
        late.time = r.history_times.back();
        check(late);
        check(r);
        const Answer by_other = ask(of_other_model, r, workspace);
        CHECK(std::ranges::equal(of_other_model(r, user, workspace).scores, by_other.scores));
    }
}

TEST_CASE("where a workspace or a cache finds no memory, there is none") {
    using Network = Psad<small>;
    const auto m = shaken<Network>();
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    std::size_t k = 1;
    for (; lacks_memory(k, [&] { const auto made = reranker.workspace(); }); ++k) CHECK(k < 1000);
    CHECK(k > 1);
    for (k = 1; lacks_memory(k, [&] { const auto made = reranker.user_cache(); }); ++k) CHECK(k < 1000);
}

TEST_CASE("a cache that finds no memory is empty, not wrong; so is one that was moved from") {
    using Network = StudentOf<Psad<small>>;
    const auto m = shaken<Network>();
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    const auto owned_a = toy_request(3, 9, 2), owned_b = toy_request(4, 9, 6);
    const Request a = owned_a.view(), b = owned_b.view();
    const Answer of_a = ask(reranker, a, workspace);
    reranker(b, workspace);
    for (std::size_t k = 1;; ++k) {
        auto cache = reranker.user_cache();
        reranker(a, cache, workspace);
        const bool failed = lacks_memory(k, [&] { reranker(b, cache, workspace); });
        const auto again = reranker(a, cache, workspace);
        CHECK(Answer{{again.order.begin(), again.order.end()}, {again.scores.begin(), again.scores.end()}} == of_a);
        if (!failed) break;
        REQUIRE(k < 1000);
    }
    auto cache = reranker.user_cache();
    reranker(a, cache, workspace);
    auto taken = std::move(cache);
    CHECK(taken.matches(m, a, true) != taken.matches(m, a, false));
    CHECK(!cache.matches(m, a, true));
    CHECK(!cache.matches(m, a, false));
}

TEST_CASE("a known user stays known beside an empty catalog of new items, and is a stranger to another catalog") {
    using Network = Psad<small>;
    auto m = shaken<Network>();
    Catalog none;
    none.fields.resize(m.encoder.catalog().fields.size());
    serve::UserCache<Device, Network> user;
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    const std::vector<OwnedRequest> requests = many();
    Request r = requests[0].view();
    r.new_items = &none;
    reranker(r, user, workspace);
    const bool has_interacted = workspace.batch.has_interacted[0] != 0;
    CHECK(user.matches(m, r, has_interacted));
    m.set_catalog(Catalog(m.encoder.catalog()));
    CHECK(!user.matches(m, r, has_interacted));
}

TEST_CASE("a reranker checks requests, by the caller's rules, unless it is told that they are checked") {
    const auto m = shaken<Psad<small>>();
    const Device cpu;
    OwnedRequest owned = toy_request(3, 5, 4);
    const Answer good = [&] {
        const serve::Reranker reranker(cpu, m, serve::already_checked);
        serve::Workspace<Device> workspace;
        return ask(reranker, owned.view(), workspace);
    }();
    const serve::Reranker reranker(cpu, m), strict(cpu, m, {.refuse_unknown = true});
    auto workspace = reranker.workspace();
    auto many_at_once = reranker.batch_workspace();
    auto cache = reranker.user_cache();
    CHECK(ask(reranker, owned.view(), workspace) == good);
    owned.items[1] = 5000;
    CHECK_NOTHROW(reranker(owned.view(), workspace));
    CHECK_THROWS_AS(strict(owned.view(), workspace), RequestError);
    owned.items[1] = owned.items[0];
    const Request twice = owned.view();
    CHECK_THROWS_AS(reranker(twice, workspace), RequestError);
    CHECK_THROWS_AS(reranker(twice, cache, workspace), RequestError);
    CHECK_THROWS_AS(reranker(std::span(&twice, 1), many_at_once), RequestError);
}

#if defined(__x86_64__)
TEST_CASE("a host that flushes denormals to zero, or rounds in another direction, gets the same orders") {
    const auto m = shaken<StudentOf<Psad<small>>>();
    const Device cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<Device> workspace;
    const auto owned = many();
    const unsigned usual = _mm_getcsr();
    for (const unsigned mode : {usual | 0x8040U, (usual & ~0x6000U) | 0x2000U, (usual & ~0x6000U) | 0x6000U}) {
        for (const OwnedRequest& o : owned) {
            _mm_setcsr(usual);
            const Answer wanted = ask(reranker, o.view(), workspace);
            _mm_setcsr(mode);
            const Answer found = ask(reranker, o.view(), workspace);
            _mm_setcsr(usual);
            CHECK(found.order == wanted.order);
            for (std::size_t t = 0; t < wanted.scores.size(); ++t)
                CHECK(std::abs(found.scores[t] - wanted.scores[t]) <= 1e-4f * (1 + std::abs(wanted.scores[t])));
        }
    }
}
#endif
