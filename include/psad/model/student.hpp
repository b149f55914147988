/// \file student.hpp
/// PSAD-S (docs/method.md): one pass over the candidates, then an order. The only part that runs in
/// production.
#pragma once

#include <type_traits>

#include "psad/autograd/ops/dropout.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/item_encoder.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/prefix.hpp"
#include "psad/model/scorer.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/transition.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/transformer.hpp"

namespace psad::inline PSAD_ABI {

/// What one pass gives: a score per candidate, and the parts of the transition head (empty for a sorting student).
template <class S, class Tr>
struct StudentScores {
    S score;  ///< [items]
    Tr transitions;
};

/// User state: depends on user, context and history. It also depends on one bit of the list: whether the history
/// contains a candidate. Compute once, reuse while these do not change.
template <class U, class S>
struct UserState {
    U upn;             ///< of the UPN
    S hidden_partial;  ///< [lists] the user's part of the first hidden layer

    template <class Self, class F>
    static void for_each_view(Self& self, F f) {
        psad::for_each_view(self.upn, f);
        f(self.hidden_partial);
    }
};

template <Spec spec, class... Policies>
class Student {
  public:
    static constexpr int width = spec.width;
    static constexpr const char* name = student::PsadS::name;
    using Upn = UpnPolicies<pool::PerUser, gate::PerUser, Policies...>;
    using OrderPolicy = policy_or<order::kind_tag, order::Greedy, Policies...>;
    using ContextPolicy = policy_or<list_context::kind_tag, list_context::MeanMax, Policies...>;
    static_assert(is_one_of<OrderPolicy, order::Greedy, order::Sort>, "psad: wanted order::Greedy or order::Sort");
    static_assert(is_one_of<ContextPolicy, list_context::MeanMax, list_context::SelfAttention, list_context::None>,
                  "psad: wanted list_context::MeanMax, list_context::SelfAttention or list_context::None");
    static constexpr bool greedy = std::is_same_v<OrderPolicy, order::Greedy>;

    Student(const Scope& scope, const Embeddings<width>& embeddings)
        : items_(scope / "upn", embeddings),
          rank_(scope / "rank"),
          context_(scope / "context"),
          hidden1_(scope / "hidden1"),
          hidden2_(scope / "hidden2"),
          out_(scope / "out"),
          transition_(scope / "transition"),
          position_bias_(scope / "place") {}

    /// The user state: see UserState.
    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        const auto profile = items_.profile(ctx, in);
        const auto upn = items_.user_state(ctx, in, profile);
        if constexpr (PersonalItems::reads_history)
            return state(upn, hidden1_.precompute(ctx, parts(profile, upn.intent)));
        else
            return state(upn, hidden1_.precompute(ctx, parts(profile)));
    }

    /// One pass over the candidates.
    template <class Ctx, class T, class U>
    auto score(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        const auto personal = items_(ctx, in, user.upn);
        const auto item = gather<Items>(ctx, identity_rows(personal), rank_.rows(ctx, in.rank));
        const auto hidden = hidden1_(ctx, user.hidden_partial, with_list_context(ctx, item));
        const auto score = out_(ctx, hidden2_(ctx, dropout(ctx, hidden)));
        const auto transitions = transition_parts(ctx, item);
        return StudentScores<std::remove_const_t<decltype(score)>, std::remove_const_t<decltype(transitions)>>{
            score, transitions};
    }

    /// Logits of every position along a known list: [positions x items].
    template <class Ctx, class S>
    auto logits(Ctx& ctx, const S& scores, const Prefix& prefix) const {
        const auto flat = spread_keys<Positions>(ctx, scores.score);
        if constexpr (greedy)
            return transition_.add_to(ctx, flat, scores.transitions, prefix.previous());
        else
            return flat;
    }

    /// Logits of a click on what a known list holds at each position, [positions]: those of logits() and a learned bias
    /// of the position (PAL, RecSys 2019).
    template <class Ctx, class L>
    auto click_logits(Ctx& ctx, const L& logits, const Prefix& prefix) const {
        return gather<Positions>(ctx, PickedRows<L>{logits, prefix.placed_pair},
                                 position_bias_.rows(ctx, prefix.position));
    }

    /// Transition scores between any two candidates, for decoding.
    template <class Ctx, class S>
    auto transition_scores(Ctx& ctx, const S& scores) const {
        return transition_.transition_scores(ctx, scores.transitions);
    }

    /// Calls visit(name, value) for all that a model file and the type that reads it must agree on.
    template <class Visit>
    static void describe(Visit&& visit) {
        Spec::for_each_column(
            [&](const char* number, int value, bool of_student, bool) {
                if (of_student) visit(number, value);
            },
            spec);
        if constexpr (attends) visit("feed_forward", spec.feed_forward);
        visit("order", OrderPolicy::name);
        visit("list_context", ContextPolicy::name);
        Upn::describe(visit);
    }

  private:
    static constexpr bool reads_positions = (requires { Policies::reads_positions; } || ...);
    struct PositionBias : nn::PositionEmbedding<spec.positions, 1> {
        explicit PositionBias(const Scope& scope) : nn::PositionEmbedding<spec.positions, 1>(scope, Init::value(0)) {}
    };
    static constexpr bool mean_max = std::is_same_v<ContextPolicy, list_context::MeanMax>;
    static constexpr bool attends = std::is_same_v<ContextPolicy, list_context::SelfAttention>;
    using PersonalItems = ItemEncoder<width, spec.gate, Upn>;
    static constexpr int user_parts = PersonalItems::reads_history ? 2 : 1, item_parts = mean_max ? 3 : 1;

    template <class U, class S>
    static UserState<U, S> state(const U& upn, const S& hidden_partial) {
        return {upn, hidden_partial};
    }

    /// The candidate, and what the student sees of the list around it.
    template <class Ctx, class E>
    auto with_list_context(Ctx& ctx, const E& item) const {
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

    PersonalItems items_;
    nn::PositionEmbedding<rank_positions, width> rank_;
    LayerIf<attends, AttentionContext> context_;
    nn::SplitLinear<user_parts * width, item_parts * width, spec.student_hidden1, Relu> hidden1_;
    nn::Linear<spec.student_hidden1, spec.student_hidden2, Relu> hidden2_;
    nn::Linear<spec.student_hidden2, 1> out_;
    std::conditional_t<greedy, TransitionHead<width, spec.student_rank>, NoLayer> transition_;
    LayerIf<reads_positions, PositionBias> position_bias_;  // of training alone: it orders nothing
};

}  // namespace psad
