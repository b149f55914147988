/// \file upn_policies.hpp
/// The policies of a User Profile Network.
#pragma once

#include <type_traits>

#include "psad/model/policy.hpp"

namespace psad::inline PSAD_ABI {

/// The UPN's policies among those given; its owner chooses the defaults of pooling and gates.
template <class DefaultPool, class DefaultGate, class... Policies>
struct UpnPolicies {
    using Pool = policy_or<pool::kind_tag, DefaultPool, Policies...>;
    using Gate = policy_or<gate::kind_tag, DefaultGate, Policies...>;
    using Fade = policy_or<fade::kind_tag, fade::Personal<fade::PowerLaw>, Policies...>;
    using Match = policy_or<match::kind_tag, match::On, Policies...>;
    using Position = policy_or<position::kind_tag, position::Adaptive, Policies...>;

    static constexpr bool matches = std::is_same_v<Match, match::On>;
    static constexpr bool gated = !std::is_same_v<Gate, gate::None>;

    /// Calls visit(kind, policy) for each of them.
    template <class Visit>
    static void describe(Visit&& visit) {
        visit("history", Pool::name);
        visit("fade", Fade::name);
        if constexpr (requires { typename Fade::curve; }) visit("fade_curve", Fade::curve::name);
        visit("gates", Gate::name);
        visit("match", Match::name);
        visit("positions_of_events", Position::name);
    }

    static_assert(is_one_of<Pool, pool::TargetAware, pool::PerUser, pool::Mean, pool::None>,
                  "psad: wanted pool::TargetAware, pool::PerUser, pool::Mean or pool::None");
    static_assert(is_one_of<Gate, gate::PerItem, gate::PerUser, gate::None>,
                  "psad: wanted gate::PerItem, gate::PerUser or gate::None");
    static_assert(is_one_of<Match, match::On, match::Off>, "psad: wanted match::On or match::Off");
    static_assert(is_one_of<Position, position::Adaptive, position::Plain, position::None>,
                  "psad: wanted position::Adaptive, position::Plain or position::None");
};

}  // namespace psad
