/// \file policy.hpp
/// Behaviours as types. Each policy names its kind; a model takes any policies in any order and uses the
/// default of each kind that is not given.
#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI {

/// The first of `Given` whose kind is `Kind`, else Default.
template <class Kind, class Default, class... Given>
struct choose_policy {
    using type = Default;
};
template <class Kind, class Default, class First, class... Rest>
struct choose_policy<Kind, Default, First, Rest...> {
    using type = typename std::conditional_t<std::is_same_v<typename First::kind, Kind>, std::type_identity<First>,
                                             choose_policy<Kind, Default, Rest...>>::type;
};
template <class Kind, class Default, class... Given>
using policy_or = typename choose_policy<Kind, Default, Given...>::type;

/// What every kind of policy derives from, so that an unknown policy kind is rejected at compile time.
struct policy_kind {};

template <class P>
concept Policy = requires {
    typename P::kind;
    { P::name } -> std::convertible_to<const char*>;
};

/// Whether a policy is one of those that a part knows.
template <class P, class... Known>
inline constexpr bool is_one_of = (std::is_same_v<P, Known> || ...);

/// How many of the policies are of a kind.
template <class Kind, Policy... Given>
inline constexpr int policies_of_kind = (0 + ... + static_cast<int>(std::is_same_v<typename Given::kind, Kind>));

/// How the weight of an event falls with its age (a = age / tau0).
namespace fade {
struct kind_tag : policy_kind {};
/// fade(a) = log(1 + a): the weight falls as a power of the age.
struct PowerLaw {
    static constexpr const char* name = "power law";
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a) const {
        return math::log1p(a);
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 1> derivatives(T, T a) const {
        return {{T(1) / (T(1) + a)}};
    }
};
/// fade(a) = a: exponential forgetting.
struct Exponential : Activate<Identity> {
    static constexpr const char* name = "exponential";
};

/// A rate for each user, from the profile (MIR, SIGIR 2022).
template <class Curve>
struct Personal {
    using kind = kind_tag;
    using curve = Curve;
    static constexpr const char* name = "personal fading";
};
/// One learned rate for all users.
template <class Curve>
struct Global {
    using kind = kind_tag;
    using curve = Curve;
    static constexpr const char* name = "global fading";
};
/// Events do not fade.
struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no fading";
};
}  // namespace fade

/// How the history is pooled. By default the teacher pools for every candidate and the student once per user.
namespace pool {
struct kind_tag : policy_kind {};
struct TargetAware {  ///< for every candidate, O(n H), as in DIN (KDD 2018)
    using kind = kind_tag;
    static constexpr const char* name = "candidate-aware history";
};
struct PerUser {  ///< once per user, O(H)
    using kind = kind_tag;
    static constexpr const char* name = "per-user history";
};
struct Mean {  ///< the mean of the events, whatever their age
    using kind = kind_tag;
    static constexpr const char* name = "mean of the history";
};
struct None {  ///< no UPN: the profile shifts all candidates alike
    using kind = kind_tag;
    static constexpr const char* name = "no history";
};
}  // namespace pool

/// Whether the encodings of time in the history and of positions in the list are scaled for each user.
namespace position {
struct kind_tag : policy_kind {};
struct Adaptive {
    using kind = kind_tag;
    static constexpr const char* name = "adaptive positions";
};
struct Plain {
    using kind = kind_tag;
    static constexpr const char* name = "plain positions";
};
struct None {  ///< events carry neither age nor index: time acts through its decay alone
    using kind = kind_tag;
    static constexpr const char* name = "no event positions";
};
}  // namespace position

/// Personalised gates on the item embedding.
namespace gate {
struct kind_tag : policy_kind {};
struct PerItem {  ///< from user, intent and item
    using kind = kind_tag;
    static constexpr const char* name = "item gates";
};
struct PerUser {  ///< from user alone: once per list
    using kind = kind_tag;
    static constexpr const char* name = "user gates";
};
struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no gates";
};
}  // namespace gate

/// Whether the model is given ItemMatch: what the history says of this very candidate.
namespace match {
struct kind_tag : policy_kind {};
struct On {
    using kind = kind_tag;
    static constexpr const char* name = "item match";
};
struct Off {
    using kind = kind_tag;
    static constexpr const char* name = "no item match";
};
}  // namespace match

/// The teacher's order inside a block.
namespace decode {
struct kind_tag : policy_kind {};
struct LeftToRight {  ///< position after position; the only one that uses transitions
    using kind = kind_tag;
    static constexpr const char* name = "left to right";
};
struct ByConfidence {  ///< the largest (position, item) probability first
    using kind = kind_tag;
    static constexpr const char* name = "by confidence";
};
struct OptimalAssignment {  ///< the assignment of largest total log-probability
    using kind = kind_tag;
    static constexpr const char* name = "optimal assignment";
};
struct Contrastive {  ///< position after position, less of what is like the items above (NAR4Rec, KDD 2024)
    using kind = kind_tag;
    static constexpr const char* name = "contrastive";
};
}  // namespace decode

/// The teacher's structured head: neighbours in the list see each other inside a block (NART-DCRF, NeurIPS
/// 2019).
namespace transition {
struct kind_tag : policy_kind {};
struct On {
    using kind = kind_tag;
    static constexpr const char* name = "transitions";
};
struct Off {
    using kind = kind_tag;
    static constexpr const char* name = "no transitions";
};
}  // namespace transition

/// How the student turns one pass into an order.
namespace order {
struct kind_tag : policy_kind {};
struct Greedy {  ///< position after position, with transitions
    using kind = kind_tag;
    static constexpr const char* name = "greedy with transitions";
};
struct Sort {  ///< by one score per item
    using kind = kind_tag;
    static constexpr const char* name = "sort";
};
}  // namespace order

/// Whether teacher and student read the same embeddings (Rocket Launching, AAAI 2018). Each keeps a UPN of
/// its own: a hard distillation loss into a shared UPN costs the teacher.
namespace tie {
struct kind_tag : policy_kind {};
struct Nothing {
    using kind = kind_tag;
    static constexpr const char* name = "nothing";
};
struct Embeddings {
    using kind = kind_tag;
    static constexpr const char* name = "embeddings";
};
}  // namespace tie

/// What the student sees of the other candidates.
namespace list_context {
struct kind_tag : policy_kind {};
struct MeanMax {  ///< mean and maximum of the list
    using kind = kind_tag;
    static constexpr const char* name = "mean and max";
};
struct SelfAttention {  ///< one attention layer over the list
    using kind = kind_tag;
    static constexpr const char* name = "self-attention";
};
struct None {  ///< nothing
    using kind = kind_tag;
    static constexpr const char* name = "no context";
};
}  // namespace list_context

}  // namespace psad
