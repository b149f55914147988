// A layer of your own: written once, run by every context. This one scales the columns of a list's candidates
// by what their mean says (squeeze and excitation, CVPR 2018). It is evaluated, differentiated, checked and
// costed here.
#include <cstdio>
#include <psad/psad.hpp>
#include <vector>

namespace {

// A layer registers its parameters below a scope and is a function of a context.
template <int Width, int Hidden>
class SqueezeExcite {
  public:
    explicit SqueezeExcite(const psad::Scope& scope) : squeeze_(scope / "squeeze"), excite_(scope / "excite") {}

    // x has rows on any axis of a batch; the mean is computed once per list and meets x again in map().
    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        psad::expect_width<X, Width>();
        const auto gate = excite_(ctx, squeeze_(ctx, psad::mean_per_list(ctx, x)));
        return psad::map(ctx, psad::Multiply{}, x, gate);
    }

  private:
    psad::nn::Linear<Width, Hidden, psad::Relu> squeeze_;
    psad::nn::Linear<Hidden, Width, psad::TwoSigmoid> excite_;
};

constexpr int width = 4;

// The layer with learned inputs and one number per candidate: what the gradient check moves and adds up.
struct Probe {
    psad::Weight<5, width> rows;  // 5 candidates in all, see main
    SqueezeExcite<width, 3> layer;
    psad::nn::Linear<width, 1> out;

    explicit Probe(const psad::Scope& scope)
        : rows(scope.weight<5, width>("rows", psad::Init::gaussian(1))), layer(scope / "layer"), out(scope / "out") {}

    template <class Ctx>
    auto operator()(Ctx& ctx) const {
        const auto x = ctx.template relabel<psad::Items>(ctx.weight(rows));
        return out(ctx, layer(ctx, x));
    }
};

}  // namespace

int main() {
    psad::ParameterRegistry registry;
    const Probe probe{psad::Scope(registry)};
    psad::Parameters<double> parameters(registry);
    parameters.initialise(registry, 1);

    psad::LayoutStorage layout;  // two lists: three candidates and two; no history, no positions
    layout.add(3, 0, 0);
    layout.add(2, 0, 0);

    const psad::backend::Cpu<double> cpu;
    psad::Arena<> arena;
    psad::Inference inference(cpu, parameters, layout.view(), arena);
    const auto value = probe(inference);
    for (int r = 0; r < value.rows; ++r) std::printf("candidate %d: %+.4f\n", r, value.data[r]);

    std::vector<double> gradient(registry.dense_size);
    psad::Tape tape(cpu, parameters, layout.view(), arena, gradient.data());
    tape.backward(probe(tape), 1.0);
    for (const psad::ParameterInfo& p : registry.parameters)
        std::printf("%-24s %d x %d, first derivative %+.4f\n", p.name.c_str(), p.rows, p.cols, gradient[p.offset]);

    psad::Cost cost(layout.view());
    probe(cost);
    std::printf("%.0f FLOPs, %.0f bytes\n", cost.flops(), cost.bytes());

    const auto check = psad::check_gradients(cpu, registry, parameters, layout.view(), probe);
    std::printf("largest relative error of a derivative: %.1e, in %s\n", check.worst, check.parameter.c_str());
    return check.worst < 1e-6 ? 0 : 1;
}
