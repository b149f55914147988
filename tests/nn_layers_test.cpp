// Every layer's gradient against central differences, in double, on both backends.
#include <doctest/doctest.h>

#include <vector>

#include "psad/autograd/gradient_check.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/backend/reference.hpp"
#include "psad/nn/attention.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/gate.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/linear.hpp"
#include "psad/nn/transformer.hpp"
#include "support/layouts.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// The layer under test between learned inputs and a projection to one number per row.
template <class Layer, int In, int Out, class Run>
void check_layer(Run run, DropoutDraw dropout = {}) {
    ParameterRegistry list;
    const Scope scope(list);
    const Layer layer(scope / "layer");
    const auto items = scope.weight<total_items, In>("items", Init::gaussian(0.7f));
    const auto positions = scope.weight<total_positions, In>("positions", Init::gaussian(0.7f));
    const auto sum = scope.weight<Out, 1>("sum", Init::gaussian(0.7f));
    Parameters<double> parameters(list);
    parameters.initialise(list, 3);
    for (std::size_t i = 0; i < list.dense_size; ++i) parameters.dense.data()[i] += 0.1 * rng::normal(8, i);
    const LayoutStorage storage = jagged_layout();
    const auto build = [&](auto& ctx) {
        const auto x = ctx.template relabel<Items>(ctx.weight(items));
        const auto s = ctx.template relabel<Positions>(ctx.weight(positions));
        return linear(ctx, parts(run(ctx, layer, x, s)), ctx.weight(sum), Identity{});
    };
    const auto result = check_gradients(backend::Cpu<double>{}, list, parameters, storage.view(), build, 60, dropout);
    INFO("parameter " << result.parameter << "[" << result.index << "]: tape " << result.by_tape << ", difference "
                      << result.by_difference);
    CHECK(result.worst < 1e-6);
    CHECK(check_gradients(backend::Reference<double>{}, list, parameters, storage.view(), build, 10, dropout).worst <
          1e-6);
}

}  // namespace

TEST_CASE("layer: linear and projection") {
    check_layer<nn::Linear<6, 4, Relu>, 6, 4>([](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, x); });
    check_layer<nn::Projection<6, 4>, 6, 4>([](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, x); });
    check_layer<nn::Linear<12, 4>, 6, 4>(
        [](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, parts(mean_per_list(ctx, x), x)); });
}

TEST_CASE("layer: split linear, its first part once per list") {
    check_layer<nn::SplitLinear<6, 6, 4, Relu>, 6, 4>([](auto& ctx, auto& layer, auto x, auto) {
        return layer(ctx, layer.precompute(ctx, parts(mean_per_list(ctx, x))), parts(x));
    });
    check_layer<nn::SplitLinear<6, 12, 4>, 6, 4>([](auto& ctx, auto& layer, auto x, auto) {
        const auto mean = mean_per_list(ctx, x);
        return layer(ctx, layer.precompute(ctx, parts(mean)), parts(mean, x));
    });
}

TEST_CASE("split linear is the linear layer over all parts") {
    ParameterRegistry list;
    const nn::SplitLinear<2, 3, 4, Relu> split(Scope(list) / "x");
    ParameterRegistry other;
    const nn::Linear<5, 4, Relu> at_once(Scope(other) / "x");
    Parameters<double> parameters(list), same(other);
    parameters.initialise(list, 3);
    same.initialise(other, 3);
    const LayoutStorage storage = jagged_layout();
    const backend::Cpu<double> cpu;
    Arena<> arena;
    Inference ctx(cpu, parameters, storage.view(), arena), ctx2(cpu, same, storage.view(), arena);
    std::vector<double> per_list(2 * total_lists), per_item(3 * total_items);
    for (std::size_t i = 0; i < per_list.size(); ++i) per_list[i] = rng::normal(1, i);
    for (std::size_t i = 0; i < per_item.size(); ++i) per_item[i] = rng::normal(2, i);
    const auto user = ctx.constant<Lists, 2>(per_list.data());
    const auto item = ctx.constant<Items, 3>(per_item.data());
    const auto a = split(ctx, split.precompute(ctx, parts(user)), parts(item));
    const auto b = at_once(ctx2, parts(user, item));
    for (int i = 0; i < 4 * total_items; ++i) CHECK(a.data[i] == b.data[i]);
}

TEST_CASE("layer: layer norm and gate") {
    check_layer<nn::LayerNorm<6>, 6, 6>([](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, x); });
    check_layer<nn::Gate<6, 5, 6>, 6, 6>(
        [](auto& ctx, auto& layer, auto x, auto) { return map(ctx, Multiply{}, layer(ctx, x), x); });
}

TEST_CASE("layer: embeddings") {
    static const std::vector<int> index{0, 1, 2, 3, 3, 3, -1, 0, 1, 2, 3, 1, 1, -1, 2, 0};
    check_layer<nn::PositionEmbedding<4, 6>, 6, 6>(
        [](auto& ctx, auto& layer, auto, auto) { return layer.template on<Items>(ctx, index.data()); });
    struct Fields : nn::FieldEmbedding<6> {
        explicit Fields(const Scope& scope) : FieldEmbedding(scope, {4, 4}) {}
    };
    static const std::vector<int> ids{0, 1, 2, 3, 3, 3, 2, 0, 1, 2, 3, 1, 1, 0, 2, 0};
    static const std::vector<int> bag{0, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const Bag bags[] = {{nullptr, ids.data()}, {bag.data(), ids.data()}};
    check_layer<Fields, 6, 6>([](auto& ctx, auto& layer, auto, auto) { return layer.template on<Items>(ctx, bags); });
}

TEST_CASE("layer: attention, encoder and decoder layers, with dropout") {
    check_layer<nn::MultiHeadAttention<6, 2>, 6, 6>(
        [](auto& ctx, auto& layer, auto x, auto s) { return layer.attend(ctx, s, layer.prepare(ctx, x)); });
    check_layer<nn::FeedForward<6, 8>, 6, 6>([](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, x); },
                                             {0.2f, 4});
    check_layer<nn::EncoderLayer<6, 2, 8>, 6, 6>([](auto& ctx, auto& layer, auto x, auto) { return layer(ctx, x); },
                                                 {0.2f, 4});
    static const std::vector<int> key_length{2, 2, 4, 4, 1, 2, 2, 4, 4, 6, 6, 7, 2, 2};
    check_layer<nn::DecoderLayer<6, 3, 8>, 6, 6>(
        [](auto& ctx, auto& layer, auto x, auto s) {
            nn::NoCache all;
            return layer(ctx, s, layer.prepare(ctx, x), key_length.data(), all, 0);
        },
        {0.2f, 4});
}
