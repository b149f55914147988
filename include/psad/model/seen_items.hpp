/// \file seen_items.hpp
/// Candidates as a user sees them: through the per-user UPN, or moved by the profile where there is none.
#pragma once

#include <type_traits>

#include "psad/model/features.hpp"
#include "psad/model/upn.hpp"

namespace psad {

/// `Upn` holds the chosen policies (UpnPolicies); pool::None leaves the history out.
template <int Width, int Hidden, class Upn>
class SeenItems {
  public:
    static constexpr bool reads_history = !std::is_same_v<typename Upn::Pool, pool::None>;

    SeenItems(const Scope& scope, const Features<Width>& features) : features_(features), upn_(scope) {}

    /// [lists, Width]
    template <class Ctx, class T>
    auto profile(Ctx& ctx, const Inputs<T>& in) const {
        return features_.profile(ctx, in);
    }
    /// What needs no candidate. UserPart, or the shift of the profile [lists, Width].
    template <class Ctx, class T, class X>
    auto user(Ctx& ctx, const Inputs<T>& in, const X& profile) const {
        if constexpr (reads_history)
            return upn_.user(ctx, in, features_.events(ctx, in), profile);
        else
            return upn_.user(ctx, profile);
    }
    /// [items, Width]
    template <class Ctx, class T, class U>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        const auto item = features_.items(ctx, in);
        if constexpr (reads_history)
            return upn_(ctx, in, item, user);
        else
            return upn_(ctx, item, user);
    }

  private:
    Features<Width> features_;
    std::conditional_t<reads_history, UserUpn<Width, Hidden, Upn>, ProfileShift<Width>> upn_;
};

}  // namespace psad
