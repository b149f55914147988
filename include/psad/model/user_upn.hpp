/// \file user_upn.hpp
/// The User Profile Network of the student (docs/method.md): one user state, then a few operations per candidate.
#pragma once

#include <cmath>
#include <type_traits>

#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/matches.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/features/batch.hpp"
#include "psad/model/event_position.hpp"
#include "psad/model/item_match.hpp"
#include "psad/model/optional_layer.hpp"
#include "psad/model/time_decay.hpp"
#include "psad/model/upn_policies.hpp"
#include "psad/nn/gate.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// What the UPN computes once per user and reuses for any list while the history does not change.
template <class X, class A>
struct UpnUserState {
    X intent;     ///< [lists] pooled history
    X shift;      ///< [lists] W_u u
    X scale;      ///< [lists] gate + W_x u + b
    A attention;  ///< [events] weight of each event

    template <class Self, class F>
    static void for_each_view(Self& self, F f) {
        f(self.intent), f(self.shift), f(self.scale), f(self.attention);
    }
};

/// The UPN that pools the history once per user, O(H): e'_i = (g_u + W_x u + b) e_i + W_u u + match_i. The query comes
/// from the profile alone and is folded into the space of the events, so that no event is projected. The item-intent
/// product is folded into the scale, so it costs one row per user and nothing per candidate.
template <int Width, int Hidden, class Chosen>
class UserUpn {
  public:
    UserUpn(const Scope& scope, const InputSizes& sizes)
        : query_(scope / "query"),
          position_(scope / "position"),
          decay_(scope / "fading"),
          match_(scope / "match", sizes),
          gate_(scope / "gate"),
          scale_(scope / "scale", Init::glorot(Width, Width), gated ? 0.0f : 1.0f),
          mix_(scope / "mix") {}

    /// `event` [events] and `profile` [lists] embeddings to the user state.
    template <class Ctx, class T, class V, class X>
    auto user_state(Ctx& ctx, const Inputs<T>& in, const V& event, const X& profile) const {
        const auto alpha = pair_softmax(ctx, scores(ctx, in, event, profile));
        const auto intent = pair_apply(ctx, alpha, event);
        const auto attention = ctx.template relabel<Events>(alpha);
        const auto scale = scale_of(ctx, profile, intent);
        return UpnUserState<std::remove_cvref_t<decltype(intent)>, std::remove_cvref_t<decltype(attention)>>{
            intent, mix_(ctx, intent), scale, attention};
    }

    /// `item` [items] personalised by the user state.
    template <class Ctx, class T, class E, class U>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const E& item, const U& user) const {
        if constexpr (Chosen::matches) {
            const auto match = match_(ctx, in, match_sum<Items>(ctx, in.match, user.attention));
            return map(ctx, MultiplyAddTwo{}, user.scale, item, user.shift, match);
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
            return decay_(ctx, in, pair_dot(ctx, query, key, scale), profile);
        } else {
            // All scores 0, so that the softmax gives the mean; `age` lends its rows alone.
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

    LayerIf<attends, nn::Linear<Width, Width>> query_;
    LayerIf<attends, EventPosition<Width, typename Chosen::Position>> position_;
    LayerIf<attends, TimeDecay<Width, typename Chosen::Fade>> decay_;
    LayerIf<Chosen::matches, ItemMatch<Width, Hidden>> match_;
    LayerIf<Chosen::gated, nn::Gate<2 * Width, Hidden, Width>> gate_;
    nn::Linear<Width, Width> scale_;
    nn::Projection<Width, Width> mix_;
};

/// Stands for the UPN where there is none: adds the same projected profile to all candidates of a list.
template <int Width>
class ProfileShift {
  public:
    ProfileShift(const Scope& scope, const InputSizes&) : shift_(scope / "shift") {}

    /// The shift [lists] of a user.
    template <class Ctx, class X>
    auto user_state(Ctx& ctx, const X& profile) const {
        return shift_(ctx, profile);
    }
    /// `item` [items] personalised by the user state.
    template <class Ctx, class E, class U>
    auto operator()(Ctx& ctx, const E& item, const U& shift) const {
        return map(ctx, Add{}, item, shift);
    }

  private:
    nn::Projection<Width, Width> shift_;
};

}  // namespace psad
