// Whole models on every device: the same lists, gradients that central differences confirm, the same
// training.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/autograd/gradient_check.hpp"
#include "psad/autograd/tape.hpp"
#include "psad/eval/orders.hpp"
#include "psad/features/on_device.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/optimizer.hpp"
#include "psad/train/trainer.hpp"
#include "support/devices.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// The largest difference, relative above 1: other devices add in other orders.
template <class Values>
double worst_gap(const Values& a, const Values& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        const double gap = std::abs(x - y) / (1 + std::abs(y));
        if (std::isnan(gap) || gap > worst) worst = gap;
    }
    return worst;
}

constexpr Spec one_by_one = [] {
    Spec s = small;
    s.block = 1;
    return s;
}();

template <class Network, class Device>
void check_lists() {
    const auto m = shaken<Network>();
    const auto owned = toy_requests(11);
    const auto requests = views(owned);
    const backend::Reference<float> reference;
    const Device device{};
    if constexpr (HasTeacher<Network>)
        CHECK(eval::teacher_orders(device, m, requests) == eval::teacher_orders(reference, m, requests));
    CHECK(eval::student_orders(device, m, requests) == eval::student_orders(reference, m, requests));

    const serve::Reranker wanted_by(reference, m);
    const serve::Reranker found_by(device, m);
    serve::Workspace<backend::Reference<float>> wanted_room;
    serve::Workspace<Device> workspace;
    serve::BatchWorkspace<Device> batch;
    const auto lists = found_by(requests, batch);
    for (std::size_t l = 0; l < requests.size(); ++l) {
        const serve::Reranked wanted = wanted_by(requests[l], wanted_room);
        for (const serve::Reranked& found : {lists[l], found_by(requests[l], workspace)}) {
            CHECK(std::ranges::equal(found.order, wanted.order));
            CHECK(worst_gap(found.scores, wanted.scores) < 1e-5);
        }
    }
}

template <class T>
struct Trained {
    std::vector<double> losses;
    std::vector<T> numbers;

    void keep(const Parameters<T>& parameters) {
        for (const auto* block : {&parameters.dense, &parameters.tables})
            numbers.insert(numbers.end(), block->data(), block->data() + block->size());
    }
};

// Joint training of one batch in double.
class InDouble {
  public:
    using Network = Psad<small, gate::PerUser>;  // an item enters a gate per item shielded

    InDouble()
        : owned_(toy_requests(3)),
          encoder_(toy_encoder(views(owned_))),
          network_(Scope(registry_), encoder_.input_sizes()),
          parameters_(registry_) {
        parameters_.initialise(registry_, 2);
        for (std::size_t i = 0; i < registry_.dense_size; ++i) parameters_.dense.data()[i] += 0.2 * rng::normal(10, i);
        builder_.build(encoder_, views(owned_), small.positions, small.block, 1, target::Set{},
                       label_groups<Network>());
        batch_ = builder_.view();
    }

    // Without distillation: central differences would see through its stop-gradients.
    template <class B>
    auto checked(const B& device) {
        return check_gradients(
            device, registry_, parameters_, batch_.in.layout,
            [&](auto& ctx) {
                return joint_loss(ctx, network_, parameters_, batch_, LossWeights{1, 0, 1}, greedy_targets_).total;
            },
            4, DropoutDraw{0.1f, 5});
    }

    // The loss of each step, and the numbers at the end.
    template <class B>
    Trained<double> train(const B& device, int steps) {
        train::Optimizer<B> optimizer(device, registry_);
        train::DeviceParameters<B> on_it(device, parameters_);
        Buffer<double, typename B::Memory> grad(registry_.dense_size);
        Arena<typename B::Memory> arena;
        Trained<double> out;
        for (int s = 0; s < steps; ++s) {
            arena.reset();
            device.fill(grad.data(), static_cast<int>(grad.size()), 0.0);
            const TrainingBatch<double> batch = on_device(device, batch_, arena);
            Tape<B> tape(device, *on_it, batch.in.layout, arena, grad.data());
            const auto loss = joint_loss(tape, network_, *on_it, batch, LossWeights{}, greedy_targets_);
            tape.backward(loss.total, 1.0);
            out.losses.push_back(train::trainer_detail::sum(tape.workspace(), loss.total));
            const std::array<double*, 1> dense{grad.data()};
            const std::array<const SparseGradient<double>*, 1> sparse{tape.sparse_gradients()};
            optimizer.step(device, *on_it, dense, sparse, 0.2, {1e-2, 0.05, 1});
        }
        on_it.download();
        out.keep(parameters_);
        return out;
    }

  private:
    std::vector<OwnedRequest> owned_;
    Encoder encoder_;
    ParameterRegistry registry_;
    Network network_;
    Parameters<double> parameters_;
    BatchBuilder<double> builder_;
    TrainingBatch<double> batch_;
    GreedyTargets<double> greedy_targets_;
};

template <class Device>
Trained<float> trained_on(const Device& device, int steps) {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 25; ++key)
        owned.push_back(toy_request(key, 1 + static_cast<int>(key * 7 % 13), static_cast<int>(key % 10)));
    const auto lists = views(owned);
    Model<Psad<small>> m(toy_encoder(lists));
    train::Settings s;
    s.steps = steps;
    s.batch = 11;
    s.shard = 3;
    const auto report = train::train(device, m, std::span<const Request>(lists), s,
                                     [](const auto&) { return train::ValidationScore{}; });
    Trained<float> out;
    for (const train::StepRecord& r : report.steps) out.losses.push_back(r.loss);
    out.keep(m.parameters);
    return out;
}

// The gradient of the joint loss by all parameters, on a device.
template <class Network, class B>
std::vector<double> gradient(const B& device) {
    const auto owned = toy_requests(3);
    const Encoder encoder = toy_encoder(views(owned));
    ParameterRegistry registry;
    const Network network(Scope(registry), encoder.input_sizes());
    Parameters<double> host_parameters(registry), grad(registry);
    host_parameters.initialise(registry, 2);
    BatchBuilder<double> builder;
    using Target = typename Network::template policy<target::kind_tag, target::Set>;
    builder.build(encoder, views(owned), small.positions, small.block, 1, Target{}, label_groups<Network>());
    const TrainingBatch<double> host = builder.view();

    const auto parameters = on_device(device, host_parameters);
    Buffer<double, typename B::Memory> dense(registry.dense_size);
    device.upload(grad.dense.data(), registry.dense_size * sizeof(double), dense.data());
    Arena<typename B::Memory> arena;
    const TrainingBatch<double> batch = on_device(device, host, arena);
    Tape tape(device, *parameters, batch.in.layout, arena, dense.data(), {0.1f, 5});
    GreedyTargets<double> greedy_targets;
    const auto loss = joint_loss(tape, network, *parameters, batch, LossWeights{}, greedy_targets);
    tape.backward(loss.total, 1.0);
    device.download(dense.data(), registry.dense_size * sizeof(double), grad.dense.data());
    std::vector<double> out(grad.dense.data(), grad.dense.data() + registry.dense_size);

    for (const auto* s = tape.sparse_gradients(); s != nullptr; s = s->next) {
        std::vector<double> rows(static_cast<std::size_t>(s->rows * s->width));
        device.download(s->grad, rows.size() * sizeof(double), rows.data());
        out.insert(out.end(), rows.begin(), rows.end());
    }
    return out;
}

template <class Network, class Device>
void check_gradient() {
    const auto wanted = gradient<Network>(backend::Reference<double>{});
    CHECK(worst_gap(gradient<Network>(Device{}), wanted) < 1e-11);
    CHECK(std::ssize(wanted) - std::count(wanted.begin(), wanted.end(), 0.0) > 500);
}

}  // namespace

TEST_CASE_TEMPLATE("a device writes the lists of the reference", Device,
                   PSAD_TEST_MODEL_DEVICES(float) PSAD_TEST_OFF_HOST(float)) {
    check_lists<Psad<small>, Device>();
    check_lists<Psad<one_by_one, order::Sort, list_context::SelfAttention, pool::Mean, transition::Off>, Device>();
    check_lists<Psad<small, decode::OptimalAssignment, transition::Off, pool::PerUser, gate::PerUser>, Device>();
}

TEST_CASE_TEMPLATE("a device has the gradients of the reference", Device,
                   PSAD_TEST_MODEL_DEVICES(double) PSAD_TEST_OFF_HOST(double)) {
    check_gradient<Psad<small>, Device>();
    check_gradient<
        Psad<small, distill::Hard, student_loss::ListNet, penalty::Unlikelihood, list_context::SelfAttention>,
        Device>();
    check_gradient<
        Psad<small, distill::Mutual, student_loss::ClicksAlongList, target::Exposure, pool::Mean, order::Sort>,
        Device>();
}

TEST_CASE("the gradient of the joint loss is that of central differences") {
    InDouble bench;
    const auto result = bench.checked(backend::Reference<double>{});
    INFO("parameter " << result.parameter << "[" << result.index << "]: tape " << result.by_tape << ", difference "
                      << result.by_difference);
    CHECK(result.worst < 1e-6);
}

TEST_CASE_TEMPLATE("a device trains as the reference does: 20 steps in double", Device,
                   PSAD_TEST_MODEL_DEVICES(double) PSAD_TEST_OFF_HOST(double)) {
    const auto wanted = InDouble().train(backend::Reference<double>{}, 20);
    const auto found = InDouble().train(Device{}, 20);
    CHECK(worst_gap(found.losses, wanted.losses) < 1e-10);
    CHECK(worst_gap(found.numbers, wanted.numbers) < 1e-7);
    CHECK(found.losses.back() < found.losses.front());
}

TEST_CASE_TEMPLATE("a device trains as the reference does: 30 steps in float, again the same bits", Device,
                   PSAD_TEST_MODEL_DEVICES(float)) {
    const Trained<float> found = trained_on(Device{}, 30), again = trained_on(Device{}, 30);
    CHECK(worst_gap(found.losses, trained_on(backend::Reference<float>{}, 30).losses) < 1e-4);
    CHECK(again.losses == found.losses);
    CHECK(again.numbers == found.numbers);
}

TEST_CASE_TEMPLATE("a device leaves as it is what is not learned", Device,
                   PSAD_TEST_MODEL_DEVICES(float) PSAD_TEST_OFF_HOST(float)) {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 9; ++key) owned.push_back(toy_request(key, 6, 3));
    const auto lists = views(owned);
    // A finished teacher, to which mutual distillation has a gradient.
    Model<FrozenTeacher<Psad<small, distill::Mutual>>> m(toy_encoder(lists));
    const Parameters<float> before = m.parameters;
    train::Settings s;
    s.steps = 5;
    train::train(Device{}, m, std::span<const Request>(lists), s, [](const auto&) { return train::ValidationScore{}; });
    int moved = 0;
    for (const ParameterInfo& p : m.registry.parameters) {
        const bool same = std::equal(before.at(p), before.at(p) + p.size(), m.parameters.at(p));
        if (p.name.starts_with("teacher"))
            CHECK_MESSAGE(same, p.name);
        else
            moved += same ? 0 : 1;
    }
    CHECK(moved > 10);
}

#if defined(PSAD_TEST_THRUST)
TEST_CASE_TEMPLATE("a device of Thrust trains to the same bits on any number of threads", Device,
                   psad::backend::ThrustTbb<float> PSAD_TEST_OMP(float)) {
    const Trained<float> one = trained_on(Device(1), 7);
    for (const int threads : {2, 4}) {
        const Trained<float> other = trained_on(Device(threads), 7);
        CHECK(other.losses == one.losses);
        CHECK(other.numbers == one.numbers);
    }
}
#endif
