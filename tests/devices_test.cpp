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
#include "psad/train/adam.hpp"
#include "psad/train/trainer.hpp"
#include "support/devices.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

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
}

// Joint training of one batch in double.
class InDouble {
  public:
    using Network = Psad<small, gate::PerUser>;  // an item enters a gate per item shielded

    InDouble()
        : owned_(toy_requests(3)),
          encoder_(toy_encoder(views(owned_))),
          network_(Scope(list_), TableSizes::of(encoder_.statistics())),
          parameters_(list_) {
        parameters_.initialise(list_, 2);
        for (std::size_t i = 0; i < list_.dense_size; ++i)
            parameters_.dense.data()[i] += 0.2 * rng::normal(10, i);
        lessons_.prepare(encoder_, views(owned_), small.slots, small.block, 1, target::Set{});
    }

    template <class Ctx>
    auto loss(Ctx& ctx, const Inputs<double>& in, const LossWeights& weights) {
        return joint_loss(ctx, network_, parameters_, in, lessons_.prefix(), lessons_.labels(), weights,
                          imitation_)
            .total;
    }

    // Without lessons: central differences would see through their shields.
    template <class B>
    auto checked(const B& device) {
        const Inputs<double> in = lessons_.inputs();
        return check_gradients(
            device, list_, parameters_, in.layout,
            [&](auto& ctx) {
                return loss(ctx, in, {1, 0, 1});
            },
            4, DropoutDraw{0.1f, 5});
    }

    // The loss of each step.
    template <class B>
    std::vector<double> train(const B& device, int steps) {
        Adam<double> adam(list_, {});
        Arena<typename B::Memory> arena;
        std::vector<double> out, grad(list_.dense_size);
        for (int s = 0; s < steps; ++s) {
            arena.reset();
            std::fill(grad.begin(), grad.end(), 0.0);
            const Inputs<double> in = lessons_.inputs();
            Tape tape(device, parameters_, in.layout, arena, grad.data());
            const auto total = loss(tape, in, {1, 1, 1});
            tape.backward(total, 1.0);
            double sum = 0;
            for (int l = 0; l < total.rows; ++l) sum += total.data[l];
            out.push_back(sum);
            const std::array<double*, 1> dense{grad.data()};
            const std::array<const SparseGradient<double>*, 1> sparse{tape.sparse_gradients()};
            adam.step(device, parameters_, std::span<double* const>(dense),
                      std::span<const SparseGradient<double>* const>(sparse), 0.2, 1e-2);
        }
        return out;
    }

  private:
    std::vector<OwnedRequest> owned_;
    Encoder encoder_;
    ParameterList list_;
    Network network_;
    Parameters<double> parameters_;
    Lessons<double> lessons_;
    Imitation<double> imitation_;
};

double worst_gap(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        worst = (std::max)(worst, std::abs(a[i] - b[i]) / std::abs(b[i]));
    return worst;
}

struct Trained {
    std::vector<double> losses;
    std::vector<float> numbers;
};

template <class Device>
Trained trained_on(const Device& device, int steps) {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 25; ++key)
        owned.push_back(toy_request(key, 1 + static_cast<int>(key * 7 % 13), static_cast<int>(key % 10)));
    const auto lists = views(owned);
    Model<Psad<small>> m(toy_encoder(lists));
    TrainSettings s;
    s.steps = steps;
    s.batch = 11;
    s.shard = 3;
    const auto report =
        train(device, m, std::span<const Request>(lists), s, [](const auto&) { return ValidationScore{}; });
    Trained out;
    for (const StepRecord& r : report.steps) out.losses.push_back(r.loss);
    for (const auto* block : {&m.parameters.dense, &m.parameters.tables})
        out.numbers.insert(out.numbers.end(), block->data(), block->data() + block->size());
    return out;
}

}  // namespace

TEST_CASE_TEMPLATE("a device writes the lists of the reference", Device, PSAD_TEST_DEVICES(float)) {
    check_lists<Psad<small>, Device>();
    check_lists<Psad<one_by_one, order::Sort, context::SelfAttention>, Device>();
}

TEST_CASE_TEMPLATE("a device's gradient of the joint loss is that of central differences", Device,
                   PSAD_TEST_DEVICES(double)) {
    InDouble bench;
    const auto result = bench.checked(Device{});
    INFO("parameter " << result.parameter << "[" << result.index << "]: tape " << result.by_tape
                      << ", difference " << result.by_difference);
    CHECK(result.worst < 1e-6);
}

TEST_CASE_TEMPLATE("a device trains as the reference does: 20 steps in double", Device,
                   PSAD_TEST_DEVICES(double)) {
    const auto wanted = InDouble().train(backend::Reference<double>{}, 20);
    const auto found = InDouble().train(Device{}, 20);
    CHECK(worst_gap(found, wanted) < 1e-10);
    CHECK(found.back() < found.front());
}

TEST_CASE_TEMPLATE("a device trains as the reference does: 30 steps in float", Device,
                   PSAD_TEST_DEVICES(float)) {
    CHECK(worst_gap(trained_on(Device{}, 30).losses, trained_on(backend::Reference<float>{}, 30).losses) <
          1e-4);
}

#if defined(PSAD_TEST_THRUST)
TEST_CASE_TEMPLATE("a device of Thrust trains to the same bits on any number of threads", Device,
                   PSAD_TEST_DEVICES(float)) {
    const Trained one = trained_on(Device(1), 7);
    for (const int threads : {2, 4}) {
        const Trained other = trained_on(Device(threads), 7);
        CHECK(other.losses == one.losses);
        CHECK(other.numbers == one.numbers);
    }
}
#endif
