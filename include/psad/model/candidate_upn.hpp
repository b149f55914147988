/// \file candidate_upn.hpp
/// The User Profile Network of the teacher (docs/method.md): it personalises each candidate by the user's history.
/// Gates as in PEPNet (KDD 2023).
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

/// The UPN that pools the history for every candidate (target-aware attention):
/// alpha_ih = softmax_h(q_i . (k_h + p_h) / sqrt(d) - lambda fade(age_h) + b_match [h is i]), u_i = sum alpha
/// v + match, e'_i = g_i e_i + W [u_i, e_i u_i].
template <int Width, int Hidden, class Chosen>
class CandidateUpn {
  public:
    CandidateUpn(const Scope& scope, const InputSizes& sizes)
        : query_(scope / "query"),
          key_(scope / "key"),
          position_(scope / "position"),
          decay_(scope / "fading"),
          match_(scope / "match", sizes),
          match_logit_(scope / "match_logit"),
          gate_(scope / "gate"),
          mix_(scope / "mix") {}

    /// item [items], event [events] and user [lists] embeddings to personalised items [items].
    template <class Ctx, class T, class E, class V, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const E& item, const V& event, const X& user) const {
        const auto query = query_(ctx, parts(item, user));
        const auto key = position_(ctx, in, key_(ctx, event), user);
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(Width));
        const auto scores = decay_(ctx, in, pair_dot(ctx, query, key, scale), user);
        if constexpr (Chosen::matches) {
            const auto same = match_matrix<Items, Events>(ctx, in.match);
            const auto alpha = pair_softmax(ctx, match_logit_(ctx, same, scores));
            const auto match = match_(ctx, in, pair_inner(ctx, alpha, same));
            return personalise(ctx, item, user, map(ctx, Add{}, pair_apply(ctx, alpha, event), match));
        } else {
            return personalise(ctx, item, user, pair_apply(ctx, pair_softmax(ctx, scores), event));
        }
    }

  private:
    /// e'_i = g_i e_i + W [u_i, e_i u_i]
    template <class Ctx, class E, class X, class U>
    auto personalise(Ctx& ctx, const E& item, const X& user, const U& intent) const {
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
    TimeDecay<Width, typename Chosen::Fade> decay_;
    LayerIf<Chosen::matches, ItemMatch<Width, Hidden>> match_;
    LayerIf<Chosen::matches, MatchLogit> match_logit_;
    static constexpr int gate_parts = std::is_same_v<typename Chosen::Gate, gate::PerItem> ? 3 : 1;
    LayerIf<Chosen::gated, nn::Gate<gate_parts * Width, Hidden, Width>> gate_;
    nn::Projection<2 * Width, Width> mix_;
};

}  // namespace psad
