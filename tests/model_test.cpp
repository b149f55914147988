// Teacher and student as wholes: generation, and what must not change a result.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/backend/reference.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

constexpr Spec with_block(int block, int positions = 5) {
    Spec s = small;
    s.block = block;
    s.positions = positions;
    return s;
}

// GeneratedLists down once more, plainly: one place after the other, the whole decoder run anew for the list so far.
template <class Network>
std::vector<int> plain_autoregressive(const Model<Network>& m, const Request& request) {
    const backend::Reference<float> device;
    Batch<float> batch;
    m.encoder.encode(std::span(&request, 1), Network::spec.positions, batch);
    const Inputs<float> in = batch.view();
    const int n = in.layout.items.rows, positions = in.layout.positions.rows;
    std::vector<int> list;
    while (static_cast<int>(list.size()) < positions) {
        std::vector<int> order = list;  // what is not placed yet follows in any order: later places are not seen
        for (int i = 0; i < n; ++i) {
            if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
        }
        PrefixStorage prefix;
        prefix.add(order, positions, 0, n, 1);
        Arena<> arena;
        Inference ctx(device, m.parameters, in.layout, arena);
        const auto logits = m.network.teacher.logits(ctx, m.network.teacher.encode(ctx, in), prefix.view());
        const float* row = logits.data + list.size() * static_cast<std::size_t>(n);
        int best = -1;
        for (int i = 0; i < n; ++i) {
            const bool placed = std::find(list.begin(), list.end(), i) != list.end();
            if (!placed && (best < 0 || row[i] > row[best])) best = i;
        }
        list.push_back(best);
    }
    return list;
}

template <class Network>
std::vector<int> teacher_list(const Model<Network>& m, const Request& r) {
    std::vector<int> order = eval::teacher_orders(backend::Cpu<float>{}, m, std::span(&r, 1))[0];
    order.resize((std::min)(order.size(), static_cast<std::size_t>(Network::spec.positions)));
    return order;
}

bool is_permutation_of(const std::vector<int>& order, std::size_t n) {
    return order.size() == n && std::set<int>(order.begin(), order.end()).size() == n &&
           *std::min_element(order.begin(), order.end()) == 0 &&
           *std::max_element(order.begin(), order.end()) == static_cast<int>(n) - 1;
}

}  // namespace

TEST_CASE("K = 1 writes what a plain autoregressive decoder writes") {
    const auto m = shaken<Psad<with_block(1)>>();
    for (std::uint64_t key = 0; key < 40; ++key) {
        const auto r = toy_request(key, 1 + static_cast<int>(key % 9), static_cast<int>(key % 5));
        CHECK(teacher_list(m, r.view()) == plain_autoregressive(m, r.view()));
    }
    const auto plain = shaken<Psad<with_block(1), transition::Off>>();
    for (std::uint64_t key = 0; key < 20; ++key) {
        const auto r = toy_request(key, 1 + static_cast<int>(key % 9), static_cast<int>(key % 5));
        CHECK(teacher_list(plain, r.view()) == plain_autoregressive(plain, r.view()));
    }
}

TEST_CASE("K >= L writes in one shot: every K from L on gives the same list") {
    const auto l = shaken<Psad<with_block(5)>>();
    const auto more = shaken<Psad<with_block(7)>>();
    const auto less = shaken<Psad<with_block(1)>>();
    int differ = 0;
    for (std::uint64_t key = 0; key < 90; ++key) {
        const auto r = toy_request(key, 1 + static_cast<int>(key % 9), static_cast<int>(key % 5));
        CHECK(teacher_list(l, r.view()) == teacher_list(more, r.view()));
        differ += teacher_list(l, r.view()) != teacher_list(less, r.view()) ? 1 : 0;
    }
    CHECK(differ > 0);
}

TEST_CASE("K >= L without transitions is the best free candidate of one decoder pass, place by place") {
    using Network = Psad<with_block(9), transition::Off>;
    const auto m = shaken<Network>();
    for (std::uint64_t key = 0; key < 20; ++key) {
        const auto owned = toy_request(key, 6, 3);
        const Request r = owned.view();
        const backend::Reference<float> device;
        Batch<float> batch;
        m.encoder.encode(std::span(&r, 1), Network::spec.positions, batch);
        const Inputs<float> in = batch.view();
        Arena<> arena;
        Inference ctx(device, m.parameters, in.layout, arena);
        std::vector<int> any(6);
        std::iota(any.begin(), any.end(), 0);
        PrefixStorage prefix;
        prefix.add(any, 5, 0, 6, 9);
        const auto logits = m.network.teacher.logits(ctx, m.network.teacher.encode(ctx, in), prefix.view());
        std::vector<int> list;
        for (int t = 0; t < 5; ++t) {
            int best = -1;
            for (int i = 0; i < 6; ++i) {
                const bool placed = std::find(list.begin(), list.end(), i) != list.end();
                if (!placed && (best < 0 || logits.data[t * 6 + i] > logits.data[t * 6 + best])) best = i;
            }
            list.push_back(best);
        }
        CHECK(teacher_list(m, r) == list);
    }
}

TEST_CASE("10,000 requests: always a permutation of the candidates, from teacher and student") {
    const auto greedy = shaken<Psad<small>>();
    const auto sort = shaken<Psad<with_block(3), transition::Off, decode::ByConfidence, order::Sort>>();
    const auto assigned = shaken<Psad<with_block(4), transition::Off, decode::OptimalAssignment>>();
    const auto contrastive = shaken<Psad<with_block(2), transition::Off, decode::Contrastive>>();
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 2000; ++key) {
        owned.push_back(toy_request(key + 50, 1 + static_cast<int>(key % 23), static_cast<int>(key % 9), key % 3 != 0,
                                    key % 4 != 0));
    }
    const auto requests = views(owned);
    const backend::Cpu<float> cpu;
    std::size_t checked = 0;
    const auto all = [&](const std::vector<eval::Order>& orders) {
        for (std::size_t i = 0; i < orders.size(); ++i) {
            REQUIRE(is_permutation_of(orders[i], requests[i].size()));
            ++checked;
        }
    };
    all(eval::teacher_orders(cpu, greedy, requests));
    all(eval::student_orders(cpu, greedy, requests));
    all(eval::student_orders(cpu, greedy, requests, 1000));
    all(eval::teacher_orders(cpu, sort, requests));
    all(eval::student_orders(cpu, sort, requests));
    all(eval::teacher_orders(cpu, assigned, requests));
    all(eval::teacher_orders(cpu, contrastive, requests));
    CHECK(checked == 14000);
}

TEST_CASE("the order of users in a batch, and who else is in it, does not matter") {
    const auto m = shaken<Psad<small>>();
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 90; ++key)
        owned.push_back(toy_request(key, 1 + static_cast<int>(key % 12), static_cast<int>(key % 7)));
    const auto requests = views(owned);
    const std::vector<Request> reversed(requests.rbegin(), requests.rend());
    const backend::Cpu<float> cpu;
    const auto teacher = eval::teacher_orders(cpu, m, requests), teacher_back = eval::teacher_orders(cpu, m, reversed);
    const auto student = eval::student_orders(cpu, m, requests), student_back = eval::student_orders(cpu, m, reversed);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        CHECK(teacher[i] == teacher_back[requests.size() - 1 - i]);
        CHECK(student[i] == student_back[requests.size() - 1 - i]);
        CHECK(student[i] == eval::student_orders(cpu, m, std::span(&requests[i], 1))[0]);
    }
}

TEST_CASE("both backends write the same lists") {
    const auto m = shaken<Psad<small>>();
    const auto owned = toy_requests(11);
    const auto requests = views(owned);
    CHECK(eval::teacher_orders(backend::Cpu<float>{}, m, requests) ==
          eval::teacher_orders(backend::Reference<float>{}, m, requests));
    CHECK(eval::student_orders(backend::Cpu<float>{}, m, requests) ==
          eval::student_orders(backend::Reference<float>{}, m, requests));
}

TEST_CASE("optimal assignment reaches the best total by enumeration") {
    for (std::uint64_t key = 0; key < 200; ++key) {
        const int n = 4 + static_cast<int>(key % 3), places = 1 + static_cast<int>(key % 4);
        LayoutStorage storage;
        storage.clear();
        storage.add(n, 0, places);
        const Layout layout = storage.view();
        std::vector<double> logits;
        for (int i = 0; i < n * places; ++i) logits.push_back(2 * rng::normal(key, static_cast<std::uint64_t>(i)));
        std::vector<int> placed_at(static_cast<std::size_t>(n), RowMask::never_placed),
            chosen(static_cast<std::size_t>(places));
        if (key % 2 == 0) placed_at[1] = 0;  // one candidate stands in an earlier block
        std::vector<double> score(static_cast<std::size_t>(places)), v(9), d(9), u(9), norm(9);
        std::vector<int> owner(9), previous(9), seen(9);
        const int zero = 0;
        const decode::DecodingState<double> state{layout.positions, layout.items, placed_at.data(), chosen.data(),
                                                  score.data()};
        const auto free_before = placed_at;
        decode::FillOptimally<double>{state,        {logits.data(), &zero, 0, places, 1},
                                      v.data(),     d.data(),
                                      owner.data(), previous.data(),
                                      seen.data(),  u.data(),
                                      norm.data()}(0);
        double found = 0;
        for (int t = 0; t < places; ++t)
            found += logits[static_cast<std::size_t>(t * n + chosen[static_cast<std::size_t>(t)])];
        double best = -1e9;  // a row's normaliser is the same whatever is chosen, so totals of logits decide
        std::vector<int> order(static_cast<std::size_t>(n));
        std::iota(order.begin(), order.end(), 0);
        do {
            double sum = 0;
            bool allowed = true;
            for (int t = 0; t < places; ++t) {
                const auto i = static_cast<std::size_t>(order[static_cast<std::size_t>(t)]);
                allowed = allowed && free_before[i] == RowMask::never_placed;
                sum += logits[static_cast<std::size_t>(t * n) + i];
            }
            if (allowed) best = (std::max)(best, sum);
        } while (std::next_permutation(order.begin(), order.end()));
        CHECK(found == doctest::Approx(best));
        CHECK(std::set<int>(chosen.begin(), chosen.end()).size() == static_cast<std::size_t>(places));
    }
}

TEST_CASE("by confidence places the largest probability first") {
    LayoutStorage storage;
    storage.clear();
    storage.add(3, 0, 2);
    const Layout layout = storage.view();
    const std::vector<float> logits{1.0f, 0.9f, 0.0f, 5.0f, 0.0f, 0.0f};  // the second place is sure of candidate 0
    std::vector<int> placed_at(3, RowMask::never_placed), chosen(2);
    std::vector<float> score(2), norm(2);
    const int zero = 0;
    const decode::DecodingState<float> state{layout.positions, layout.items, placed_at.data(), chosen.data(),
                                             score.data()};
    decode::FillByConfidence<float>{state, {logits.data(), &zero, 0, 2, 1}, norm.data()}(0);
    CHECK(chosen == std::vector<int>{1, 0});
    CHECK(score == std::vector<float>{0.9f, 5.0f});
}

TEST_CASE("ties keep the initial order") {
    Model<Psad<small, order::Sort>> m(toy_encoder());
    std::fill_n(m.parameters.dense.data(), m.parameters.dense.size(), 0.0f);
    const auto r = toy_request(5, 9, 4);
    const Request view = r.view();
    const auto order = eval::student_orders(backend::Cpu<float>{}, m, std::span(&view, 1), 9)[0];
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("without history the personalised item does not depend on the time") {
    const auto m = shaken<Psad<small>>();
    auto owned = toy_request(5, 9, 0);
    Request a = owned.view(), b = a;
    b.time += 123456789;
    const backend::Cpu<float> cpu;
    CHECK(eval::teacher_orders(cpu, m, std::span(&a, 1)) == eval::teacher_orders(cpu, m, std::span(&b, 1)));
}

TEST_CASE("weight decay draws weights and tables to 0, but no bias, scale or lone number") {
    const Model<Psad<small>> model(toy_encoder());
    std::size_t weights = 0, others = 0;
    for (const ParameterInfo& p : model.registry.parameters) {
        CAPTURE(p.name);
        if (p.name.ends_with("bias") || p.name.ends_with("logit") || p.name.ends_with("rate")) CHECK(!p.decays());
        if (p.name.ends_with("mass") || p.table) CHECK(p.decays());
        ++(p.decays() ? weights : others);
    }
    CHECK(weights > 10);
    CHECK(others > 10);
}
