// Every derivative rule against central differences, in double, over a jagged batch.
#include <doctest/doctest.h>

#include <type_traits>
#include <vector>

#include "psad/autograd/gradient_check.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/autograd/ops/attention.hpp"
#include "psad/autograd/ops/dropout.hpp"
#include "psad/autograd/ops/feature_linear.hpp"
#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/linear.hpp"
#include "psad/autograd/ops/losses.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/matches.hpp"
#include "psad/autograd/ops/norm.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/backend/reference.hpp"
#include "psad/model/policy.hpp"
#include "support/layouts.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// Operands are weights read along an axis, so that their gradients can be checked.
template <class Axis>
inline constexpr int rows_on = 0;
template <>
inline constexpr int rows_on<Lists> = total_lists;
template <>
inline constexpr int rows_on<Items> = total_items;
template <>
inline constexpr int rows_on<Events> = total_events;
template <>
inline constexpr int rows_on<Positions> = total_positions;

class Bench {
  public:
    ParameterRegistry registry;
    LayoutStorage storage = jagged_layout();

    template <class Axis, int Width>
    auto operand(const char* name) {
        const auto w = Scope(registry).weight<rows_on<Axis>, Width>(name, Init::gaussian(0.7f));
        return [w](auto& ctx) { return ctx.template relabel<Axis>(ctx.weight(w)); };
    }
    template <int R, int C>
    auto weight(const char* name) {
        const auto w = Scope(registry).weight<R, C>(name, Init::gaussian(0.7f));
        return [w](auto& ctx) { return ctx.weight(w); };
    }

    // Weighs every number of `out` differently, so that no error can cancel.
    template <class Ctx, class V>
    static auto weigh(Ctx& ctx, const V& out) {
        static std::vector<double> weights;
        weights.resize(static_cast<std::size_t>(out.rows * V::width));
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = rng::normal(77, i);
        const auto w = typename Ctx::template Value<axis_of<V>, V::width>(weights.data(), nullptr, out.rows);
        const auto product = map(ctx, Multiply{}, out, w);
        if constexpr (V::width == 1) {
            return product;
        } else {
            static const std::vector<double> ones(static_cast<std::size_t>(V::width), 1.0);
            const typename Ctx::template Value<Fixed<V::width>, 1> sum(ones.data(), nullptr, V::width);
            return linear(ctx, parts(product), sum, Identity{});
        }
    }

    template <class B, class Build>
    void check_on(const B& backend, Build build, DropoutDraw dropout = {}) {
        Parameters<double> parameters(registry);
        parameters.initialise(registry, 5);
        const auto result = check_gradients(
            backend, registry, parameters, storage.view(), [&](auto& ctx) { return weigh(ctx, build(ctx)); }, 1000,
            dropout);
        INFO("parameter " << result.parameter << "[" << result.index << "]: tape " << result.by_tape << ", difference "
                          << result.by_difference);
        CHECK(result.worst < 1e-6);
    }
    template <class Build>
    void check(Build build, DropoutDraw dropout = {}) {
        check_on(backend::Reference<double>{}, build, dropout);
        check_on(backend::Cpu<double>{}, build, dropout);
    }
};

}  // namespace

TEST_CASE_TEMPLATE("rule: activations", Act, Identity, Relu, Sigmoid, TwoSigmoid, Softplus) {
    Bench b;
    const auto x = b.operand<Items, 3>("x");
    b.check([&](auto& ctx) { return map(ctx, Activate<Act>{}, x(ctx)); });
}

TEST_CASE_TEMPLATE("rule: pointwise functions of two", F, Add, Multiply, NegativeProduct, LogisticLoss,
                   AddTimes<double>) {
    Bench b;
    const auto x = b.operand<Items, 3>("x");
    const auto y = b.operand<Items, 3>("y");
    b.check([&](auto& ctx) { return map(ctx, F{}, x(ctx), y(ctx)); });
}

TEST_CASE("rule: the other pointwise functions") {
    Bench b;
    const auto x = b.operand<Items, 3>("x");
    const auto y = b.operand<Items, 3>("y");
    const auto z = b.operand<Items, 3>("z");
    b.check([&](auto& ctx) { return map(ctx, MultiplyAdd{}, x(ctx), y(ctx), z(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, MultiplyAddTwo{}, x(ctx), y(ctx), z(ctx), x(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, ReluMultiplyAdd{}, x(ctx), y(ctx), z(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Times<double>{2.5}, x(ctx)); });
    b.check([&](auto& ctx) {
        const auto positive = map(ctx, Multiply{}, y(ctx), y(ctx));
        return map(ctx, Add{}, map(ctx, fade::PowerLaw{}, positive), map(ctx, fade::Exponential{}, positive));
    });
}

TEST_CASE("rule: features whose number is known at run time, with and without deviations within the list") {
    constexpr int columns = 5, scaled = 2;
    std::vector<double> x(static_cast<std::size_t>(total_items * columns)), scale(total_lists * scaled),
        shift(total_lists * scaled);
    for (auto* numbers : {&x, &scale, &shift}) {
        for (std::size_t i = 0; i < numbers->size(); ++i) (*numbers)[i] = rng::normal(numbers->size(), i);
    }
    Bench b;
    const auto plain = Scope(b.registry).weight<3>("plain", columns, Init::gaussian(0.7f));
    const auto both = Scope(b.registry).weight<3>("both", columns + scaled, Init::gaussian(0.7f));
    const auto bias = b.weight<1, 3>("bias");
    b.check([&](auto& ctx) {
        const FeatureInputs<double> in{{x.data(), columns}, {}, {}};
        return feature_linear<Items>(ctx, in, ctx.weight(plain), bias(ctx), Relu{});
    });
    const FeatureInputs<double> in{{x.data(), columns}, {scale.data(), scaled}, {shift.data(), scaled}};
    b.check([&](auto& ctx) { return feature_linear<Items>(ctx, in, ctx.weight(both), bias(ctx), Relu{}); });

    // Inference folds the deviations into the weight of each list: the same numbers.
    Parameters<double> parameters(b.registry);
    parameters.initialise(b.registry, 5);
    const backend::Reference<double> backend;
    const Layout layout = b.storage.view();
    Arena<> arena;
    Inference inference(backend, parameters, layout, arena);
    std::vector<double> gradient(b.registry.dense_size);
    Arena<> tape_arena;
    Tape tape(backend, parameters, layout, tape_arena, gradient.data());
    const auto folded = feature_linear<Items>(inference, in, inference.weight(both), bias(inference), Identity{});
    const auto stored = feature_linear<Items>(tape, in, tape.weight(both), bias(tape), Identity{});
    for (int i = 0; i < total_items * 3; ++i) CHECK(folded.data[i] == doctest::Approx(stored.data[i]));
}

TEST_CASE("rule: broadcasting per list, per row, from one row and from one number") {
    Bench b;
    const auto item = b.operand<Items, 3>("item");
    const auto list = b.operand<Lists, 3>("list");
    const auto list_number = b.operand<Lists, 1>("list_number");
    const auto item_number = b.operand<Items, 1>("item_number");
    const auto row = b.weight<1, 3>("row");
    const auto number = b.weight<1, 1>("number");
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, item(ctx), list(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, list_number(ctx), item(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, item(ctx), item_number(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, row(ctx), item(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, item(ctx), number(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, MultiplyAdd{}, list_number(ctx), row(ctx), list(ctx)); });
    b.check([&](auto& ctx) { return map(ctx, Multiply{}, list_number(ctx), item_number(ctx)); });
}

TEST_CASE_TEMPLATE("rule: linear over parts", Act, Identity, Relu, TwoSigmoid) {
    Bench b;
    const auto item = b.operand<Items, 3>("item");
    const auto other = b.operand<Items, 2>("other");
    const auto list = b.operand<Lists, 4>("list");
    const auto list2 = b.operand<Lists, 1>("list2");
    const auto w3 = b.weight<3, 5>("w3");
    const auto w10 = b.weight<10, 5>("w10");
    const auto w5 = b.weight<5, 1>("w5");
    const auto bias5 = b.weight<1, 5>("bias5");
    const auto bias1 = b.weight<1, 1>("bias1");
    b.check([&](auto& ctx) { return linear(ctx, parts(item(ctx)), w3(ctx), bias5(ctx), Act{}); });
    b.check([&](auto& ctx) { return linear(ctx, parts(item(ctx)), w3(ctx), Act{}); });
    b.check([&](auto& ctx) {
        return linear(ctx, parts(item(ctx), list(ctx), other(ctx), list2(ctx)), w10(ctx), bias5(ctx), Act{});
    });
    b.check([&](auto& ctx) { return linear(ctx, parts(list(ctx), list2(ctx)), w5(ctx), bias1(ctx), Act{}); });
}

TEST_CASE("rule: gather and embed") {
    Bench b;
    const auto item = b.operand<Items, 3>("item");
    const std::vector<int> index{0, 4, 4, -1, 5, 6, 12, 12, 7, -1, 8, 6, 9, 13, 15, 14};
    b.check([&](auto& ctx) { return gather<Positions>(ctx, item(ctx), index.data()); });
    const auto own = b.operand<Positions, 3>("own");
    const std::vector<int> other{-1, 4, 0, 1, -1, 5, 5, 5, 1, 2, 3, 0, 0, 1, 1, 15};
    b.check([&](auto& ctx) {
        const auto x = item(ctx);
        using X = std::remove_const_t<decltype(x)>;
        return gather<Positions>(ctx, identity_rows(own(ctx)), PickedRows<X>{x, index.data()},
                                 PickedRows<X>{x, other.data()});
    });

    const Table<3> one = Scope(b.registry).table<3>("one", 6, Init::gaussian(1)),
                   many = Scope(b.registry).table<3>("many", 4, Init::gaussian(1));
    const std::vector<int> ids{0, 1, 2, 3, 4, 5, 5, 0, 1, 1};
    const std::vector<int> bag{0, 1, 3, 3, 6, 7, 8, 9, 10, 11, 12}, bag_ids{0, 1, 2, 3, 3, 1, 2, 0, 1, 1, 2, 3};
    const Table<3> tables[] = {one, many};
    const Bag bags[] = {{nullptr, ids.data()}, {bag.data(), bag_ids.data()}};
    b.check([&](auto& ctx) { return embed<Events>(ctx, tables, bags, 2); });
}

TEST_CASE("rule: a gather of no rows, whose index is an empty vector's, gives no gradient") {
    ParameterRegistry registry;
    const auto table = Scope(registry).weight<4, 3>("table", Init::gaussian(1));
    Parameters<double> parameters(registry);
    LayoutStorage storage;
    storage.add(3, 0, 2);  // no events
    std::vector<double> gradient(registry.dense_size, 0.0);
    const backend::Cpu<double> cpu;
    Arena<> arena;
    Tape tape(cpu, parameters, storage.view(), arena, gradient.data());
    const auto none = gather<Events>(tape, tape.weight(table), std::vector<int>().data());
    const auto sum = sum_per_list(tape, none);
    const std::vector<double> ones(3, 1.0);
    const typename Tape<backend::Cpu<double>>::Value<Fixed<3>, 1> to_one(ones.data(), nullptr, 3);
    tape.backward(linear(tape, parts(sum), to_one, Identity{}), 1.0);
    for (const double g : gradient) CHECK(g == 0);
}

TEST_CASE("rule: sums over matches, and their matrix") {
    Bench b;
    const auto event = b.operand<Events, 1>("event");
    const auto wide = b.operand<Events, 3>("wide");
    const Layout layout = b.storage.view();
    std::vector<int> bounds{0}, ids;  // every event matches each second item of its list
    for (int i = 0; i < total_items; ++i) {
        const int l = layout.items.owner[i];
        for (int e = layout.events.begin[l]; e < layout.events.end[l]; ++e) {
            if ((i + e) % 2 == 0) ids.push_back(e);
        }
        bounds.push_back(static_cast<int>(ids.size()));
    }
    CHECK(ids.size() > 4);
    const Bag matches{bounds.data(), ids.data()};
    b.check([&](auto& ctx) { return match_sum<Items>(ctx, matches, event(ctx)); });
    b.check([&](auto& ctx) { return pair_apply(ctx, match_matrix<Items, Events>(ctx, matches), wide(ctx)); });
    // Both say the same.
    Parameters<double> parameters(b.registry);
    parameters.initialise(b.registry, 5);
    const backend::Reference<double> reference;
    Arena<> arena;
    Inference ctx(reference, parameters, layout, arena);
    const auto sum = match_sum<Items>(ctx, matches, event(ctx));
    const auto product = pair_apply(ctx, match_matrix<Items, Events>(ctx, matches), event(ctx));
    for (int i = 0; i < total_items; ++i) CHECK(sum.data[i] == product.data[i]);
}

TEST_CASE("rule: layer norm") {
    Bench b;
    const auto x = b.operand<Items, 6>("x");
    const auto weight = b.weight<1, 6>("weight");
    const auto bias = b.weight<1, 6>("bias");
    b.check([&](auto& ctx) { return layer_norm(ctx, x(ctx), weight(ctx), bias(ctx)); });
}

TEST_CASE("rule: attention, with and without hidden keys, over empty lists") {
    Bench b;
    const auto q = b.operand<Items, 6>("q");
    const auto k = b.operand<Events, 6>("k");
    const auto v = b.operand<Events, 6>("v");
    const auto s = b.operand<Positions, 6>("s");
    const auto t = b.operand<Positions, 6>("t");
    b.check([&](auto& ctx) { return attention<1>(ctx, q(ctx), k(ctx), v(ctx)); });
    b.check([&](auto& ctx) { return attention<3>(ctx, q(ctx), k(ctx), v(ctx)); });
    b.check([&](auto& ctx) { return attention<2>(ctx, s(ctx), q(ctx), q(ctx)); });
    const std::vector<int> key_length{2, 2, 4, 4, 1, 2, 2, 4, 4, 6, 6, 7, 2, 2};  // blocks of two
    b.check([&](auto& ctx) { return attention<2>(ctx, s(ctx), t(ctx), s(ctx), key_length.data()); });
}

TEST_CASE("rule: pairs") {
    Bench b;
    const auto q = b.operand<Items, 4>("q");
    const auto k = b.operand<Events, 4>("k");
    const auto key = b.operand<Events, 1>("key");
    const auto user = b.operand<Lists, 4>("user");
    b.check([&](auto& ctx) { return pair_dot(ctx, q(ctx), k(ctx), 0.5); });
    b.check([&](auto& ctx) { return pair_dot(ctx, user(ctx), k(ctx), 1.0); });
    b.check([&](auto& ctx) { return spread_keys<Items>(ctx, key(ctx)); });
    b.check([&](auto& ctx) { return spread_keys<Lists>(ctx, key(ctx)); });
    b.check([&](auto& ctx) { return pair_softmax(ctx, pair_dot(ctx, q(ctx), k(ctx), 1.0)); });
    b.check([&](auto& ctx) { return pair_apply(ctx, pair_dot(ctx, q(ctx), k(ctx), 1.0), k(ctx)); });
    b.check([&](auto& ctx) { return pair_apply(ctx, pair_dot(ctx, user(ctx), k(ctx), 1.0), k(ctx)); });
    b.check([&](auto& ctx) {
        const auto p = pair_dot(ctx, q(ctx), k(ctx), 1.0);
        return pair_inner(ctx, pair_softmax(ctx, p), p);
    });
}

TEST_CASE("rule: per list") {
    Bench b;
    const auto item = b.operand<Items, 3>("item");
    const auto event = b.operand<Events, 3>("event");
    b.check([&](auto& ctx) { return sum_per_list(ctx, item(ctx)); });
    b.check([&](auto& ctx) { return mean_per_list(ctx, event(ctx)); });
    b.check([&](auto& ctx) { return max_per_list(ctx, item(ctx)); });
    b.check([&](auto& ctx) { return max_per_list(ctx, event(ctx)); });
}

TEST_CASE("rule: dropout draws the same mask again") {
    Bench b;
    const auto x = b.operand<Items, 8>("x");
    b.check([&](auto& ctx) { return dropout(ctx, dropout(ctx, x(ctx))); }, {0.3f, 9});
}

TEST_CASE("rule: losses over rows of pairs, with forbidden candidates") {
    Bench b;
    const auto s = b.operand<Positions, 4>("s");
    const auto s2 = b.operand<Positions, 4>("s2");
    const auto item = b.operand<Items, 4>("item");
    const Layout layout = b.storage.view();
    std::vector<double> target(static_cast<std::size_t>(layout.rows<Pairs<Positions, Items>>()));
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = i % 3 == 0 ? rng::uniform(3, i) : 0.0;
    std::vector<double> weight(total_positions);
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = i == 2 ? 0.0 : 1.0 / (1.0 + static_cast<double>(i));
    constexpr int never = RowMask::never_placed;
    const std::vector<int> placed_at{3, 0, never, 1, 2, 0, 6, 5, 4, 3, 2, 1, 0, 1, never, 0};
    const std::vector<int> limit{0, 1, 2, 3, 0, 0, 1, 2, 3, 4, 5, 6, 0, 1};
    const RowMask mask{placed_at.data(), limit.data()};
    for (const double tau : {1.0, 2.0}) {
        b.check([&](auto& ctx) {
            return cross_entropy(ctx, pair_dot(ctx, s(ctx), item(ctx), 1.0), target.data(), weight.data(), mask, tau);
        });
        b.check([&](auto& ctx) { return masked_softmax(ctx, pair_dot(ctx, s(ctx), item(ctx), 1.0), mask, tau); });
    }
    b.check([&](auto& ctx) {
        return unlikelihood(ctx, pair_dot(ctx, s(ctx), item(ctx), 1.0), target.data(), weight.data(), mask);
    });
    b.check([&](auto& ctx) {
        return squared_logits(ctx, pair_dot(ctx, s(ctx), item(ctx), 1.0), pair_dot(ctx, s2(ctx), item(ctx), 1.0),
                              weight.data(), mask);
    });
}

TEST_CASE("detach: the value passes, the gradient does not") {
    Bench b;
    const auto x = b.operand<Items, 2>("x");
    Parameters<double> parameters(b.registry), grad(b.registry);
    parameters.initialise(b.registry, 1);
    Arena<> arena;
    const backend::Reference<double> reference;
    Tape tape(reference, parameters, b.storage.view(), arena, grad.dense.data());
    const auto value = x(tape);
    const auto loss = b.weigh(tape, map(tape, Multiply{}, tape.detach(value), value));
    tape.backward(loss, 1.0);
    const auto* g = grad.dense.data();
    for (int i = 0; i < total_items * 2; ++i) {
        CHECK(g[i] == doctest::Approx(rng::normal(77, static_cast<std::uint64_t>(i)) * value.data[i]));
    }
}

TEST_CASE("a broken rule is caught by the gradient check") {
    struct WrongDerivative : Multiply {
        Derivatives<double, 2> derivatives(double, double a, double b) const { return {{b, a + 1e-4}}; }
    };
    Bench b;
    const auto x = b.operand<Items, 2>("x");
    const auto y = b.operand<Items, 2>("y");
    Parameters<double> parameters(b.registry);
    parameters.initialise(b.registry, 5);
    const auto result =
        check_gradients(backend::Reference<double>{}, b.registry, parameters, b.storage.view(),
                        [&](auto& ctx) { return b.weigh(ctx, map(ctx, WrongDerivative{}, x(ctx), y(ctx))); });
    CHECK(result.worst > 1e-5);
    CHECK(result.parameter == "y");
}
