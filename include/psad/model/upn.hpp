/// \file upn.hpp
/// The User Profile Network (METHOD 1): the item seen through the user. Personal decay as in MIR (SIGIR
/// 2022), interval buckets as in TiSASRec (WSDM 2020), gates as in PEPNet (KDD 2023).
#pragma once

#include <cmath>
#include <type_traits>

#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/input/batch.hpp"
#include "psad/model/policy.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/gate.hpp"
#include "psad/nn/linear.hpp"

namespace psad {

/// Adds to the attention scores how much each event has faded for the reader: -rate fade(age / tau0).
template <int Width, class Fade>
class Fading {
  public:
    explicit Fading(const Scope& scope) : rate_(scope / "rate") {}

    template <class Ctx, class T, class S, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const S& scores, const X& user) const {
        const auto age = map(ctx, typename Fade::curve{}, ctx.template constant<Events, 1>(in.age));
        const auto faded = map(ctx, NegativeProduct{}, rate_(ctx, user), age);
        return map(ctx, Add{}, scores, spread_keys<query_of<S>>(ctx, faded));
    }

  private:
    nn::Linear<Width, 1, Softplus> rate_;  // the profile holds log(1 + H)
};

template <int Width, class Curve>
class Fading<Width, fade::Global<Curve>> {
  public:
    explicit Fading(const Scope& scope) : rate_(scope.weight<1, 1>("rate", Init::value(0))) {}

    template <class Ctx, class T, class S, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const S& scores, const X&) const {
        const auto age = map(ctx, Curve{}, ctx.template constant<Events, 1>(in.age));
        const auto rate = map(ctx, Activate<Softplus>{}, ctx.weight(rate_));
        return map(ctx, Add{}, scores, spread_keys<query_of<S>>(ctx, map(ctx, NegativeProduct{}, rate, age)));
    }

  private:
    Weight<1, 1> rate_;
};

template <int Width>
class Fading<Width, fade::None> {
  public:
    explicit Fading(const Scope&) {}

    template <class Ctx, class T, class S, class X>
    S operator()(Ctx&, const Inputs<T>&, const S& scores, const X&) const {
        return scores;
    }
};

/// Adaptive position encoding of the history: age bucket and index, scaled by how much time matters to this
/// user.
template <int Width>
class EventPosition {
  public:
    explicit EventPosition(const Scope& scope)
        : bucket_(scope / "bucket"), index_(scope / "index"), scale_(scope / "scale", Init::value(0)) {}

    template <class Ctx, class T, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const X& user) const {
        const auto where = map(ctx, Add{}, bucket_.template on<Events>(ctx, in.age_bucket),
                               index_.template on<Events>(ctx, in.event_index));
        return map(ctx, Multiply{}, where, scale_(ctx, user));
    }

  private:
    nn::PositionEmbedding<age_buckets, Width> bucket_;
    nn::PositionEmbedding<event_positions, Width> index_;
    nn::Linear<Width, 1, TwoSigmoid> scale_;
};

/// What the history says of this very candidate: the attention that falls on its own events, recency,
/// feedback, and where it stands to the candidate touched last. Zero for a list of which nothing was touched.
template <int Width, int Hidden>
class ItemMatch {
  public:
    explicit ItemMatch(const Scope& scope)
        : hidden_(scope / "hidden"),
          out_(scope / "out"),
          feedback_(scope / "feedback"),
          bucket_(scope / "bucket"),
          index_(scope / "index") {}

    /// mass [items] is the attention on the candidate's own events.
    template <class Ctx, class T, class M>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const M& mass) const {
        const auto told =
            out_(ctx, hidden_(ctx, parts(ctx.template constant<Items, match_width>(in.match_dense), mass,
                                         ctx.template constant<Items, dense_width>(in.dense))));
        const auto how = map(ctx, AddThree{}, bucket_.template on<Items>(ctx, in.match_bucket),
                             index_.template on<Items>(ctx, in.match_index),
                             feedback_.template on<Items>(ctx, in.match_feedback));
        return map(ctx, MultiplyAdd{}, ctx.template constant<Lists, 1>(in.touched), told, how);
    }

  private:
    nn::Linear<match_width + 1 + dense_width, Hidden, Relu> hidden_;
    nn::Projection<Hidden, Width> out_;
    nn::PositionEmbedding<feedback_kinds, Width> feedback_;
    nn::PositionEmbedding<age_buckets, Width> bucket_;
    nn::PositionEmbedding<event_positions, Width> index_;
};

/// scores + b where the event is on the candidate itself; b starts at 2.
class MatchLogit {
  public:
    explicit MatchLogit(const Scope& scope) : logit_(scope.weight<1, 1>("logit", Init::value(2))) {}

    template <class Ctx, class M, class S>
    auto operator()(Ctx& ctx, const M& same, const S& scores) const {
        return map(ctx, MultiplyAdd{}, same, ctx.weight(logit_), scores);
    }

  private:
    Weight<1, 1> logit_;
};

/// Stands where a policy leaves a part out.
struct NoPart {
    explicit NoPart(const Scope&) {}
};
template <class Wanted, class Given, class Part>
using PartIf = std::conditional_t<std::is_same_v<Wanted, Given>, Part, NoPart>;
template <class GatePolicy, int Width, int Hidden, int Inputs>
using GateOf = std::conditional_t<std::is_same_v<GatePolicy, gate::None>, NoPart,
                                  nn::Gate<Inputs * Width, Hidden, Width>>;

/// The UPN that pools the history anew for every candidate:
/// alpha_ih = softmax_h(q_i . (k_h + p_h) / sqrt(d) - lambda fade(age_h) + b_match [h is i]), u_i = sum alpha
/// v + match, e'_i = g_i e_i + W [u_i, e_i u_i].
template <int Width, int Hidden, class FadePolicy, class GatePolicy, class MatchPolicy>
class CandidateUpn {
  public:
    explicit CandidateUpn(const Scope& scope)
        : query_(scope / "query"),
          key_(scope / "key"),
          position_(scope / "position"),
          fading_(scope / "fading"),
          match_(scope / "match"),
          match_logit_(scope / "match_logit"),
          gate_(scope / "gate"),
          mix_(scope / "mix") {}

    /// item [items], event [events] and user [lists] embeddings to personalised items [items].
    template <class Ctx, class T, class E, class V, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const E& item, const V& event, const X& user) const {
        const auto query = query_(ctx, parts(item, user));
        const auto key = map(ctx, Add{}, key_(ctx, event), position_(ctx, in, user));
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(Width));
        const auto scores = fading_(ctx, in, pair_dot(ctx, query, key, scale), user);
        if constexpr (std::is_same_v<MatchPolicy, match::On>) {
            const auto same = ctx.template constant<Pairs<Items, Events>, 1>(in.match);
            const auto alpha = pair_softmax(ctx, match_logit_(ctx, same, scores));
            const auto told = match_(ctx, in, pair_inner(ctx, alpha, same));
            return see(ctx, item, user, map(ctx, Add{}, pair_apply(ctx, alpha, event), told));
        } else {
            return see(ctx, item, user, pair_apply(ctx, pair_softmax(ctx, scores), event));
        }
    }

  private:
    template <class Ctx, class E, class X, class U>
    auto see(Ctx& ctx, const E& item, const X& user, const U& intent) const {
        const auto mixed = mix_(ctx, parts(intent, map(ctx, Multiply{}, item, intent)));
        if constexpr (std::is_same_v<GatePolicy, gate::None>) {
            return map(ctx, Add{}, item, mixed);
        } else if constexpr (std::is_same_v<GatePolicy, gate::PerUser>) {
            return map(ctx, MultiplyAdd{}, gate_(ctx, parts(user)), item, mixed);
        } else {
            return map(ctx, MultiplyAdd{}, gate_(ctx, parts(user, intent, ctx.detach(item))), item, mixed);
        }
    }

    nn::Linear<2 * Width, Width> query_;
    nn::Projection<Width, Width> key_;
    EventPosition<Width> position_;
    Fading<Width, FadePolicy> fading_;
    PartIf<match::On, MatchPolicy, ItemMatch<Width, Hidden>> match_;
    PartIf<match::On, MatchPolicy, MatchLogit> match_logit_;
    GateOf<GatePolicy, Width, Hidden, std::is_same_v<GatePolicy, gate::PerItem> ? 3 : 1> gate_;
    nn::Projection<2 * Width, Width> mix_;
};

/// What the per-user UPN keeps of a user for any list: computed once, reusable while the history stands.
template <class X, class A>
struct UserPart {
    X profile;    ///< [lists]
    X intent;     ///< [lists] pooled history
    X gate;       ///< [lists]
    A attention;  ///< [events] weight of each event
};

/// The UPN that pools the history once per user, O(H): the query comes from the profile alone and is folded
/// into the space of the events, so that no event is projected. e'_i = g_u e_i + W_u u + match_i; the gate
/// sees the intent, so the product of item and intent needs no term of its own.
template <int Width, int Hidden, class FadePolicy, class GatePolicy, class MatchPolicy>
class UserUpn {
  public:
    explicit UserUpn(const Scope& scope)
        : query_(scope / "query"),
          position_(scope / "position"),
          fading_(scope / "fading"),
          match_(scope / "match"),
          gate_(scope / "gate"),
          mix_(scope / "mix") {}

    /// event [events] and user [lists] embeddings to what any candidate is seen through.
    template <class Ctx, class T, class V, class X>
    auto user(Ctx& ctx, const Inputs<T>& in, const V& event, const X& profile) const {
        const auto query = query_(ctx, profile);
        const auto key = map(ctx, Add{}, event, position_(ctx, in, profile));
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(Width));
        const auto alpha = pair_softmax(ctx, fading_(ctx, in, pair_dot(ctx, query, key, scale), profile));
        const auto intent = pair_apply(ctx, alpha, event);
        const auto attention = ctx.template relabel<Events>(alpha);
        const auto gate = gate_of(ctx, profile, intent);
        return UserPart<std::remove_cvref_t<decltype(intent)>, std::remove_cvref_t<decltype(attention)>>{
            profile, intent, gate, attention};
    }

    /// item [items] seen by the user.
    template <class Ctx, class T, class E, class U>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const E& item, const U& user) const {
        const auto mixed = mix_(ctx, user.intent);
        if constexpr (std::is_same_v<MatchPolicy, match::On>) {
            const auto same = ctx.template constant<Pairs<Items, Events>, 1>(in.match);
            const auto told = match_(ctx, in, pair_apply(ctx, same, user.attention));
            if constexpr (gated)
                return map(ctx, MultiplyAddTwo{}, user.gate, item, mixed, told);
            else
                return map(ctx, AddThree{}, item, mixed, told);
        } else {
            if constexpr (gated)
                return map(ctx, MultiplyAdd{}, user.gate, item, mixed);
            else
                return map(ctx, Add{}, item, mixed);
        }
    }

  private:
    static constexpr bool gated = !std::is_same_v<GatePolicy, gate::None>;

    template <class Ctx, class X, class U>
    auto gate_of(Ctx& ctx, const X& profile, const U& intent) const {
        if constexpr (std::is_same_v<GatePolicy, gate::None>)
            return intent;  // not read
        else
            return gate_(ctx, parts(profile, intent));
    }
    nn::Linear<Width, Width> query_;
    EventPosition<Width> position_;
    Fading<Width, FadePolicy> fading_;
    PartIf<match::On, MatchPolicy, ItemMatch<Width, Hidden>> match_;
    GateOf<GatePolicy, Width, Hidden, 2> gate_;
    nn::Projection<Width, Width> mix_;
};

}  // namespace psad
