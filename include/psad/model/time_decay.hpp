/// \file time_decay.hpp
/// How history events lose weight with their age.
#pragma once

#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/features/batch.hpp"
#include "psad/model/policy.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// Adds the time decay of each event to its attention scores: -lambda fade(age / tau0), lambda the user's rate
/// (docs/method.md, after MIR, SIGIR 2022). `scores` has a row per (query, event) pair.
template <int Width, class Fade>
class TimeDecay {
  public:
    explicit TimeDecay(const Scope& scope) : decay_(scope / "rate") {}

    template <class Ctx, class T, class S, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const S& scores, const X& user) const {
        const auto age = map(ctx, typename Fade::curve{}, ctx.template constant<Events, 1>(in.age));
        const auto decayed = map(ctx, NegativeProduct{}, decay_(ctx, user), age);
        return map(ctx, Add{}, scores, spread_keys<query_of<S>>(ctx, decayed));
    }

  private:
    nn::Linear<Width, 1, Softplus> decay_;  // the profile holds log(1 + H)
};

/// One lambda for all users.
template <int Width, class Curve>
class TimeDecay<Width, fade::Global<Curve>> {
  public:
    explicit TimeDecay(const Scope& scope) : decay_(scope.weight<1, 1>("rate", Init::value(0))) {}

    template <class Ctx, class T, class S, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const S& scores, const X&) const {
        const auto age = map(ctx, Curve{}, ctx.template constant<Events, 1>(in.age));
        const auto decay = map(ctx, Activate<Softplus>{}, ctx.weight(decay_));
        return map(ctx, Add{}, scores, spread_keys<query_of<S>>(ctx, map(ctx, NegativeProduct{}, decay, age)));
    }

  private:
    Weight<1, 1> decay_;
};

/// No decay.
template <int Width>
class TimeDecay<Width, fade::None> {
  public:
    explicit TimeDecay(const Scope&) {}

    template <class Ctx, class T, class S, class X>
    S operator()(Ctx&, const Inputs<T>&, const S& scores, const X&) const {
        return scores;
    }
};

}  // namespace psad
