/// \file upn.hpp
/// The User Profile Network (docs/method.md): the item seen through the user. Personal decay as in MIR (SIGIR
/// 2022), interval buckets as in TiSASRec (WSDM 2020), gates as in PEPNet (KDD 2023).
#pragma once

#include <cmath>
#include <type_traits>

#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/matches.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/input/batch.hpp"
#include "psad/model/policy.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/gate.hpp"
#include "psad/nn/linear.hpp"

namespace psad {

/// The UPN's policies out of any, with the defaults that its owner chooses.
template <class DefaultPool, class DefaultGate, class... Policies>
struct UpnPolicies {
    using Pool = policy_or<pool::kind_tag, DefaultPool, Policies...>;
    using Gate = policy_or<gate::kind_tag, DefaultGate, Policies...>;
    using Fade = policy_or<fade::kind_tag, fade::Personal<fade::PowerLaw>, Policies...>;
    using Match = policy_or<match::kind_tag, match::On, Policies...>;
    using Position = policy_or<position::kind_tag, position::Adaptive, Policies...>;

    static constexpr bool matches = std::is_same_v<Match, match::On>;
    static constexpr bool gated = !std::is_same_v<Gate, gate::None>;

    static_assert(is_one_of<Pool, pool::PerItem, pool::PerUser, pool::Mean, pool::None>,
                  "psad: wanted pool::PerItem, pool::PerUser, pool::Mean or pool::None");
    static_assert(is_one_of<Gate, gate::PerItem, gate::PerUser, gate::None>,
                  "psad: wanted gate::PerItem, gate::PerUser or gate::None");
    static_assert(is_one_of<Match, match::On, match::Off>, "psad: wanted match::On or match::Off");
    static_assert(is_one_of<Position, position::Adaptive, position::Plain, position::None>,
                  "psad: wanted position::Adaptive, position::Plain or position::None");
};

/// Stands where a policy leaves a part out.
struct NoPart {
    explicit NoPart(const Scope&) {}
};
template <bool Wanted, class Part>
using PartIf = std::conditional_t<Wanted, Part, NoPart>;

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

/// 2 sigmoid(W x + b) of the user, 1 at the start.
template <int In, int Out>
class UserScale {
  public:
    explicit UserScale(const Scope& scope) : scale_(scope, Init::value(0)) {}
    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& user) const {
        return scale_(ctx, user);
    }

  private:
    nn::Linear<In, Out, TwoSigmoid> scale_;
};

/// Adds the position encoding of the history, age bucket and index; adaptive: scaled by how much time matters
/// to this user.
template <int Width, class Position>
class EventPosition {
  public:
    explicit EventPosition(const Scope& scope)
        : bucket_(scope / "bucket"), index_(scope / "index"), scale_(scope / "scale") {}

    template <class Ctx, class T, class V, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const V& event, const X& user) const {
        const auto bucket = bucket_.rows(ctx, in.age_bucket);
        const auto index = index_.rows(ctx, in.event_index);
        if constexpr (adaptive)
            return map(ctx, MultiplyAdd{}, gather<Events>(ctx, bucket, index), scale_(ctx, user), event);
        else
            return gather<Events>(ctx, each_row(event), bucket, index);
    }

  private:
    static constexpr bool adaptive = std::is_same_v<Position, position::Adaptive>;

    nn::PositionEmbedding<age_buckets, Width> bucket_;
    nn::PositionEmbedding<event_positions, Width> index_;
    PartIf<adaptive, UserScale<Width, 1>> scale_;
};

template <int Width>
class EventPosition<Width, position::None> {
  public:
    explicit EventPosition(const Scope&) {}

    template <class Ctx, class T, class V, class X>
    V operator()(Ctx&, const Inputs<T>&, const V& event, const X&) const {
        return event;
    }
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
        const auto how =
            gather<Items>(ctx, bucket_.rows(ctx, in.match_bucket), index_.rows(ctx, in.match_index),
                          feedback_.rows(ctx, in.match_feedback));
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

/// The UPN that pools the history anew for every candidate:
/// alpha_ih = softmax_h(q_i . (k_h + p_h) / sqrt(d) - lambda fade(age_h) + b_match [h is i]), u_i = sum alpha
/// v + match, e'_i = g_i e_i + W [u_i, e_i u_i].
template <int Width, int Hidden, class Chosen>
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
        const auto key = position_(ctx, in, key_(ctx, event), user);
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(Width));
        const auto scores = fading_(ctx, in, pair_dot(ctx, query, key, scale), user);
        if constexpr (Chosen::matches) {
            const auto same = match_matrix<Items, Events>(ctx, in.match);
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
        if constexpr (!Chosen::gated) {
            return map(ctx, Add{}, item, mixed);
        } else if constexpr (std::is_same_v<typename Chosen::Gate, gate::PerUser>) {
            return map(ctx, MultiplyAdd{}, gate_(ctx, parts(user)), item, mixed);
        } else {
            return map(ctx, MultiplyAdd{}, gate_(ctx, parts(user, intent, ctx.detach(item))), item, mixed);
        }
    }

    nn::Linear<2 * Width, Width> query_;
    nn::Projection<Width, Width> key_;
    EventPosition<Width, typename Chosen::Position> position_;
    Fading<Width, typename Chosen::Fade> fading_;
    PartIf<Chosen::matches, ItemMatch<Width, Hidden>> match_;
    PartIf<Chosen::matches, MatchLogit> match_logit_;
    static constexpr int seen_by_gate = std::is_same_v<typename Chosen::Gate, gate::PerItem> ? 3 : 1;
    PartIf<Chosen::gated, nn::Gate<seen_by_gate * Width, Hidden, Width>> gate_;
    nn::Projection<2 * Width, Width> mix_;
};

/// What the per-user UPN keeps of a user for any list: computed once, reusable while the history stands.
template <class X, class A>
struct UserPart {
    X intent;     ///< [lists] pooled history
    X shift;      ///< [lists] W_u u
    X scale;      ///< [lists] gate + W_x u
    A attention;  ///< [events] weight of each event
};

/// The UPN that pools the history once per user, O(H): the query comes from the profile alone and is folded
/// into the space of the events, so that no event is projected. e'_i = (g_u + W_x u) e_i + W_u u + match_i:
/// the product of item and intent too costs a user one row, and a candidate nothing.
template <int Width, int Hidden, class Chosen>
class UserUpn {
  public:
    explicit UserUpn(const Scope& scope)
        : query_(scope / "query"),
          position_(scope / "position"),
          fading_(scope / "fading"),
          match_(scope / "match"),
          gate_(scope / "gate"),
          scale_(scope / "scale", Init::glorot(Width, Width), gated ? 0.0f : 1.0f),
          mix_(scope / "mix") {}

    /// event [events] and user [lists] embeddings to what any candidate is seen through.
    template <class Ctx, class T, class V, class X>
    auto user(Ctx& ctx, const Inputs<T>& in, const V& event, const X& profile) const {
        const auto alpha = pair_softmax(ctx, scores(ctx, in, event, profile));
        const auto intent = pair_apply(ctx, alpha, event);
        const auto attention = ctx.template relabel<Events>(alpha);
        const auto scale = scale_of(ctx, profile, intent);
        return UserPart<std::remove_cvref_t<decltype(intent)>, std::remove_cvref_t<decltype(attention)>>{
            intent, mix_(ctx, intent), scale, attention};
    }

    /// item [items] seen by the user.
    template <class Ctx, class T, class E, class U>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const E& item, const U& user) const {
        if constexpr (Chosen::matches) {
            const auto told = match_(ctx, in, match_sum<Items>(ctx, in.match, user.attention));
            return map(ctx, MultiplyAddTwo{}, user.scale, item, user.shift, told);
        } else {
            return map(ctx, MultiplyAdd{}, user.scale, item, user.shift);
        }
    }

  private:
    static constexpr bool gated = Chosen::gated;
    static constexpr bool attends = !std::is_same_v<typename Chosen::Pool, pool::Mean>;

    template <class Ctx, class T, class V, class X>
    auto scores(Ctx& ctx, const Inputs<T>& in, const V& event, const X& profile) const {
        if constexpr (attends) {
            const auto query = query_(ctx, profile);
            const auto key = position_(ctx, in, event, profile);
            const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(Width));
            return fading_(ctx, in, pair_dot(ctx, query, key, scale), profile);
        } else {
            return spread_keys<Lists>(ctx, map(ctx, Times<T>{0}, ctx.template constant<Events, 1>(in.age)));
        }
    }

    template <class Ctx, class X, class U>
    auto scale_of(Ctx& ctx, const X& profile, const U& intent) const {
        const auto product = scale_(ctx, intent);
        if constexpr (gated)
            return map(ctx, Add{}, gate_(ctx, parts(profile, intent)), product);
        else
            return product;
    }

    PartIf<attends, nn::Linear<Width, Width>> query_;
    PartIf<attends, EventPosition<Width, typename Chosen::Position>> position_;
    PartIf<attends, Fading<Width, typename Chosen::Fade>> fading_;
    PartIf<Chosen::matches, ItemMatch<Width, Hidden>> match_;
    PartIf<Chosen::gated, nn::Gate<2 * Width, Hidden, Width>> gate_;
    nn::Linear<Width, Width> scale_;
    nn::Projection<Width, Width> mix_;
};

/// Stands for the UPN where there is none: the same shift for all candidates of a list.
template <int Width>
class ProfileShift {
  public:
    explicit ProfileShift(const Scope& scope) : shift_(scope / "shift") {}

    /// The shift [lists] of a user.
    template <class Ctx, class X>
    auto user(Ctx& ctx, const X& profile) const {
        return shift_(ctx, profile);
    }
    /// item [items] seen by the user.
    template <class Ctx, class E, class U>
    auto operator()(Ctx& ctx, const E& item, const U& shift) const {
        return map(ctx, Add{}, item, shift);
    }

  private:
    nn::Projection<Width, Width> shift_;
};

}  // namespace psad
