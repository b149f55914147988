/// \file scorer.hpp
/// What a student must offer: its contract as a concept, with a sentence for each thing that is missing.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "psad/autograd/inference.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/backend/reference.hpp"
#include "psad/features/batch.hpp"
#include "psad/model/embeddings.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/prefix.hpp"

namespace psad::inline PSAD_ABI {

/// What one pass of a student gives, if it gives nothing but a score per candidate.
template <class S>
struct Scores {
    S score;  ///< [items], width 1: a logit
};
template <class S>
Scores(S) -> Scores<S>;

namespace scorer_detail {
// The contract is checked on the reference backend in float.
using Ctx = Inference<backend::Reference<float>>;
using In = Inputs<float>;
template <class S>
using UserStateOf = decltype(std::declval<const S&>().user_state(std::declval<Ctx&>(), std::declval<const In&>()));
template <class S>
using ScoresOf = decltype(std::declval<const S&>().score(std::declval<Ctx&>(), std::declval<const In&>(),
                                                         std::declval<const UserStateOf<S>&>()));
template <class S>
constexpr bool built_from_scope = std::is_constructible_v<S, const Scope&, const Embeddings<S::width>&>;
}  // namespace scorer_detail

/// `static constexpr int width`: that of the embeddings it reads.
template <class S>
concept HasWidth = requires {
    { S::width } -> std::convertible_to<int>;
};
/// `static constexpr const char* name`, which is written to its model files.
template <class S>
concept HasName = requires {
    { S::name } -> std::convertible_to<std::string_view>;
};
/// A constructor from (const Scope&, const Embeddings<width>&), which registers its parameters.
template <class S>
concept HasScopeConstructor = HasWidth<S> && scorer_detail::built_from_scope<S>;
/// `auto user_state(Ctx& ctx, const Inputs<T>& in) const`: the user state, whatever needs no candidate. A server may
/// keep it.
template <class S>
concept HasUserState = requires {
    typename scorer_detail::UserStateOf<S>;
};
/// `auto score(Ctx& ctx, const Inputs<T>& in, const UserState& user) const`: a struct with `score`, one per candidate.
template <class S>
concept HasScore = HasUserState<S> && requires(scorer_detail::ScoresOf<S> scores) {
    { scores.score } -> std::convertible_to<scorer_detail::Ctx::Value<Items, 1>>;
};

/// The contract of a student. It may besides have
/// - `static constexpr bool greedy = true` and `auto transition_scores(ctx, scores) const` (TransitionScores): it is
///   then decoded position by position, each given the one or two candidates before; else it sorts by score;
/// - `auto logits(ctx, scores, prefix) const`: logits [positions x items] along a known list; by default the scores,
///   which are the same at each position;
/// - `auto click_logits(ctx, logits, prefix) const`, logits [positions] of a click, for student_loss::ClicksAlongList;
/// - in its user state, if that is a struct of several values, `template <class Self, class F> static void
///   for_each_view(Self& self, F f)`, which calls f for each: a user cache copies them;
/// - `template <class Visit> static void describe(Visit&& visit)`, which calls visit(name, number or text) for all that
///   must agree between a model file and the type that reads it.
template <class S>
concept Scorer = HasWidth<S> && HasName<S> && HasScopeConstructor<S> && HasUserState<S> && HasScore<S>;

/// Whether a student is decoded position by position.
template <class S>
constexpr bool is_greedy() {
    if constexpr (requires { S::greedy; })
        return S::greedy;
    else
        return false;
}

/// `auto transition_scores(Ctx& ctx, const Scores& scores) const`, of a greedy student.
template <class S>
concept HasTransitionScores = HasScore<S> &&
    requires(const S& student, scorer_detail::Ctx& ctx, const scorer_detail::ScoresOf<S>& scores) {
    student.transition_scores(ctx, scores).one;
    student.transition_scores(ctx, scores).two;
};

/// Refuses what is no Scorer and says what it lacks.
template <class S>
constexpr void expect_scorer() {
    static_assert(HasWidth<S>, "psad: a student lacks its width; wanted: static constexpr int width");
    static_assert(HasName<S>, "psad: a student lacks its name; wanted: static constexpr const char* name");
    static_assert(HasScopeConstructor<S>,
                  "psad: a student can't be built; wanted: a constructor from (const psad::Scope&, const "
                  "psad::Embeddings<width>&)");
    static_assert(
        HasUserState<S>,
        "psad: a student lacks its user state; wanted: template <class Ctx, class T> auto user_state(Ctx& ctx, "
        "const psad::Inputs<T>& in) const");
    static_assert(!HasUserState<S> || HasScore<S>,
                  "psad: a student lacks its scores; wanted: template <class Ctx, class T, class U> auto score(Ctx& "
                  "ctx, const psad::Inputs<T>& in, const U& user) const, which gives a psad::Scores of one number per "
                  "candidate");
    static_assert(!HasScore<S> || !is_greedy<S>() || HasTransitionScores<S>,
                  "psad: a greedy student lacks its transition scores; wanted: template <class Ctx, class S> auto "
                  "transition_scores(Ctx& ctx, const S& scores) const, which gives psad::TransitionScores");
}

/// Logits [positions x items] of a student along a known list.
template <class S, class Ctx, class Given>
auto student_logits(Ctx& ctx, const S& student, const Given& scores, const Prefix& prefix) {
    if constexpr (requires { student.logits(ctx, scores, prefix); })
        return student.logits(ctx, scores, prefix);
    else
        return spread_keys<Positions>(ctx, scores.score);
}

/// The policy that chooses the student: PSAD's own, or any Scorer.
namespace student {
struct kind_tag : policy_kind {};
struct PsadS {  ///< PSAD-S, see student.hpp
    using kind = kind_tag;
    static constexpr const char* name = "PSAD-S";
};
template <class S>
struct Of {  ///< a Scorer of one's own
    using kind = kind_tag;
    using type = S;
    static constexpr const char* name = S::name;
};
}  // namespace student

}  // namespace psad
