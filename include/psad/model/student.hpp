/// \file student.hpp
/// PSAD-S (docs/method.md): one pass over the candidates, then an order. The only part that runs in
/// production.
#pragma once

#include <type_traits>

#include "psad/autograd/ops/dropout.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/prefix.hpp"
#include "psad/model/seen_items.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/transition.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/transformer.hpp"

namespace psad {

/// What one pass gives: a score per candidate, and the parts of the transition head (empty for a sorting
/// student).
template <class S, class Tr>
struct StudentScores {
    S score;  ///< [items]
    Tr transitions;
};

/// What depends on the user, the context and the history, and of the list only on whether the history holds a
/// candidate of it: computed once, reusable while these stand.
template <class U, class S>
struct StudentUser {
    U seen_through;  ///< of the UPN
    S begun;         ///< [lists] the user's share of the first hidden layer
};

template <Spec spec, class... Policies>
class Student {
  public:
    static constexpr int width = spec.width;
    using Upn = UpnPolicies<pool::PerUser, gate::PerUser, Policies...>;
    using OrderPolicy = policy_or<order::kind_tag, order::Greedy, Policies...>;
    using ContextPolicy = policy_or<context::kind_tag, context::MeanMax, Policies...>;
    static_assert(is_one_of<OrderPolicy, order::Greedy, order::Sort>,
                  "psad: wanted order::Greedy or order::Sort");
    static_assert(is_one_of<ContextPolicy, context::MeanMax, context::SelfAttention, context::None>,
                  "psad: wanted context::MeanMax, context::SelfAttention or context::None");
    static constexpr bool greedy = std::is_same_v<OrderPolicy, order::Greedy>;

    Student(const Scope& scope, const Features<width>& features)
        : items_(scope / "upn", features),
          rank_(scope / "rank"),
          context_(scope / "context"),
          hidden1_(scope / "hidden1"),
          hidden2_(scope / "hidden2"),
          out_(scope / "out"),
          transition_(scope / "transition"),
          place_(scope / "place") {}

    /// The part that needs no candidate: see StudentUser.
    template <class Ctx, class T>
    auto user(Ctx& ctx, const Inputs<T>& in) const {
        const auto profile = items_.profile(ctx, in);
        const auto part = items_.user(ctx, in, profile);
        if constexpr (Seen::reads_history)
            return both(part, hidden1_.begin(ctx, parts(profile, part.intent)));
        else
            return both(part, hidden1_.begin(ctx, parts(profile)));
    }

    /// The part that depends on the candidates.
    template <class Ctx, class T, class U>
    auto score(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        const auto seen = items_(ctx, in, user.seen_through);
        const auto item = gather<Items>(ctx, each_row(seen), rank_.rows(ctx, in.rank));
        const auto hidden = hidden1_(ctx, user.begun, with_context(ctx, item));
        const auto score = out_(ctx, hidden2_(ctx, dropout(ctx, hidden)));
        const auto transitions = transition_parts(ctx, item);
        return StudentScores<std::remove_const_t<decltype(score)>,
                             std::remove_const_t<decltype(transitions)>>{score, transitions};
    }

    /// Both, and the logits of every slot along a known list: [slots x items].
    template <class Ctx, class S>
    auto logits(Ctx& ctx, const S& scores, const Prefix& prefix) const {
        const auto flat = spread_keys<Slots>(ctx, scores.score);
        if constexpr (greedy)
            return transition_.along(ctx, flat, scores.transitions, prefix.before);
        else
            return flat;
    }

    /// Logits of a click on what a known list holds at each slot, [slots]: those of logits() and what the
    /// slot itself takes or gives.
    template <class Ctx, class L>
    auto click_logits(Ctx& ctx, const L& logits, const Prefix& prefix) const {
        return gather<Slots>(ctx, Picked<L>{logits, prefix.placed_pair}, place_.rows(ctx, prefix.position));
    }

    /// Transitions between any two candidates, for decoding.
    template <class Ctx, class S>
    auto steps(Ctx& ctx, const S& scores) const {
        return transition_.steps(ctx, scores.transitions);
    }

  private:
    static constexpr bool reads_places = (requires { Policies::reads_places; } || ...);
    struct PlaceBias : nn::PositionEmbedding<spec.slots, 1> {
        explicit PlaceBias(const Scope& scope)
            : nn::PositionEmbedding<spec.slots, 1>(scope, Init::value(0)) {}
    };
    static constexpr bool mean_max = std::is_same_v<ContextPolicy, context::MeanMax>;
    static constexpr bool attends = std::is_same_v<ContextPolicy, context::SelfAttention>;
    using Seen = SeenItems<width, spec.gate, Upn>;
    static constexpr int user_parts = Seen::reads_history ? 2 : 1, item_parts = mean_max ? 3 : 1;

    template <class U, class S>
    static StudentUser<U, S> both(const U& seen_through, const S& begun) {
        return {seen_through, begun};
    }

    template <class Ctx, class E>
    auto with_context(Ctx& ctx, const E& item) const {
        if constexpr (mean_max) {
            const auto largest = max_per_list(ctx, item);
            return parts(item, mean_per_list(ctx, item), largest);
        } else if constexpr (attends) {
            return parts(context_(ctx, item));
        } else {
            return parts(item);
        }
    }
    template <class Ctx, class E>
    auto transition_parts(Ctx& ctx, const E& item) const {
        if constexpr (greedy)
            return transition_.prepare(ctx, item);
        else
            return NoTransitions{};
    }

    /// One transformer layer over the list, and its closing norm.
    struct AttentionContext {
        explicit AttentionContext(const Scope& scope) : layer(scope / "layer"), norm(scope / "norm") {}
        template <class Ctx, class X>
        auto operator()(Ctx& ctx, const X& x) const {
            return norm(ctx, layer(ctx, x));
        }

        nn::EncoderLayer<width, spec.heads, spec.feed_forward> layer;
        nn::LayerNorm<width> norm;
    };

    Seen items_;
    nn::PositionEmbedding<rank_positions, width> rank_;
    PartIf<attends, AttentionContext> context_;
    nn::LinearInSteps<user_parts * width, item_parts * width, spec.student_hidden1, Relu> hidden1_;
    nn::Linear<spec.student_hidden1, spec.student_hidden2, Relu> hidden2_;
    nn::Linear<spec.student_hidden2, 1> out_;
    std::conditional_t<greedy, TransitionHead<width, spec.student_rank>, NoPart> transition_;
    PartIf<reads_places, PlaceBias> place_;  // of training alone: it orders nothing
};

}  // namespace psad
