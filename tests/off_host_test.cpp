// A device with memory of its own gives the lists and the gradients of one on the host, and the host never
// touches that memory nor the device the host's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "psad/autograd/tape.hpp"
#include "psad/backend/reference.hpp"
#include "psad/eval/orders.hpp"
#include "psad/input/upload.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/lessons.hpp"
#include "psad/train/objectives.hpp"
#include "psad/train/trainer.hpp"
#include "support/fenced.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// The largest difference, relative above 1: the compiler may round other products in other places.
template <class Values>
double worst_gap(const Values& a, const Values& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        worst = (std::max)(worst, std::abs(x - y) / (1 + std::abs(y)));
    }
    return worst;
}

template <class Network>
void check_lists() {
    const auto m = shaken<Network>();
    const auto owned = toy_requests(11);
    const auto requests = views(owned);
    const backend::Reference<float> reference;
    const Fenced<float> fenced;
    const auto teacher = eval::teacher_orders(reference, m, requests);
    CHECK(eval::teacher_orders(fenced, m, requests) == teacher);
    CHECK(eval::student_orders(fenced, m, requests) != teacher);

    const serve::Reranker on_host(reference, m);
    const serve::Reranker off_host(fenced, m);
    serve::Workspace<backend::Reference<float>> host_room;
    serve::Workspace<Fenced<float>> room;
    serve::BatchWorkspace<Fenced<float>> batch;
    const auto lists = off_host(requests, batch);
    for (std::size_t l = 0; l < requests.size(); ++l) {
        const serve::Reranked wanted = on_host(requests[l], host_room), found = off_host(requests[l], room);
        CHECK(std::ranges::equal(found.order, wanted.order));
        CHECK(worst_gap(found.scores, wanted.scores) < 1e-5);
        CHECK(std::ranges::equal(lists[l].order, wanted.order));
        CHECK(worst_gap(lists[l].scores, wanted.scores) < 1e-5);
    }
}

// The gradient of the joint loss by all parameters, on a device.
template <class Network, class B>
std::vector<double> gradient(const B& device) {
    const auto owned = toy_requests(3);
    const Encoder encoder = toy_encoder(views(owned));
    ParameterList list;
    const Network network(Scope(list), TableSizes::of(encoder.statistics()));
    Parameters<double> host_parameters(list), grad(list);
    host_parameters.initialise(list, 2);
    Lessons<double> lessons;
    using Target = typename Network::template policy<target::kind_tag, target::Set>;
    lessons.prepare(encoder, views(owned), small.slots, small.block, 1, Target{});

    const auto parameters = on_device(device, host_parameters);
    Buffer<double, typename B::Memory> dense(list.dense_size);
    device.upload(grad.dense.data(), list.dense_size * sizeof(double), dense.data());
    Arena<typename B::Memory> arena;
    const Lesson<double> host = lessons.view(), lesson = on_device(device, host, arena);
    Tape tape(device, *parameters, lesson.in.layout, arena, dense.data(), {0.1f, 5});
    Imitation<double> imitation;
    const auto loss = joint_loss(tape, network, *parameters, lesson.in, lesson.prefix, lesson.labels,
                                 LossWeights{}, imitation);
    tape.backward(loss.total, 1.0);
    device.download(dense.data(), list.dense_size * sizeof(double), grad.dense.data());
    std::vector<double> out(grad.dense.data(), grad.dense.data() + list.dense_size);

    for (const auto* s = tape.sparse_gradients(); s != nullptr; s = s->next) {
        std::vector<double> rows(static_cast<std::size_t>(s->rows * s->width));
        device.download(s->grad, rows.size() * sizeof(double), rows.data());
        out.insert(out.end(), rows.begin(), rows.end());
    }
    return out;
}

template <class Network>
void check_gradient() {
    const auto wanted = gradient<Network>(backend::Reference<double>{});
    CHECK(worst_gap(gradient<Network>(Fenced<double>{}), wanted) < 1e-11);
    CHECK(std::ssize(wanted) - std::count(wanted.begin(), wanted.end(), 0.0) > 500);
}

}  // namespace

TEST_CASE("a device with memory of its own trains as the reference does") {
    const auto trained = [](const auto& device) {
        std::vector<OwnedRequest> owned;
        for (std::uint64_t key = 0; key < 25; ++key)
            owned.push_back(toy_request(key, 1 + static_cast<int>(key * 7 % 13), static_cast<int>(key % 10)));
        const auto lists = views(owned);
        Model<Psad<small>> m(toy_encoder(lists));
        TrainSettings s;
        s.epochs = 8;
        s.batch = 11;
        s.shard = 3;
        s.patience = 0;
        int epoch = 0;
        const auto report =
            train(device, m, std::span<const Request>(lists), s, [&](const Model<Psad<small>>&) {
                ++epoch;
                return ValidationScore{double(epoch), double(epoch)};
            });
        std::vector<double> numbers;
        for (const StepRecord& r : report.steps) numbers.insert(numbers.end(), {r.loss, r.gradient_norm});
        for (const ParameterInfo& p : m.list.parameters) {  // all that learned, and what did not
            double sum = 0;
            for (std::size_t i = 0; i < p.size(); ++i)
                sum += std::abs(static_cast<double>(m.parameters.at(p)[i]));
            numbers.push_back(sum);
        }
        return numbers;
    };
    const auto wanted = trained(backend::Reference<float>{}), found = trained(Fenced<float>{});
    CHECK(worst_gap(found, wanted) < 1e-2);  // of biases that matter little, only noise is learned
}

#if defined(__GNUC__) && !defined(__clang__)
TEST_CASE("the fence tells pointers to the host from others") {
    struct Given {
        int count;
        const int* numbers;
    };
    const int here[2] = {1, 2};
    const auto* there = static_cast<const int*>(FencedMemory::allocate(8));
    CHECK(FencedMemory::points_to_host(Given{2, here}));
    CHECK(FencedMemory::points_to_host(&here[1]));
    CHECK(!FencedMemory::points_to_host(Given{2, there}));
    CHECK(!FencedMemory::points_to_host(Given{2, nullptr}));
}
#endif

TEST_CASE("a device with memory of its own has the gradients of the reference") {
    check_gradient<Psad<small>>();
    check_gradient<
        Psad<small, distill::Hard, supervise::ListNet, penalty::Unlikelihood, context::SelfAttention>>();
    check_gradient<Psad<small, distill::Mutual, supervise::ClicksAlongList, target::Exposure, pool::Mean,
                        order::Sort>>();
}

TEST_CASE("a device with memory of its own writes the lists of the reference") {
    check_lists<Psad<small>>();
    check_lists<Psad<small, order::Sort, context::SelfAttention, pool::Mean, transition::Off>>();
    check_lists<Psad<small, decode::OptimalAssignment, transition::Off, pool::PerUser, gate::PerUser>>();
}
