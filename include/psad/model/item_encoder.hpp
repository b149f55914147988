/// \file item_encoder.hpp
/// Candidate embeddings personalised by the per-user UPN, or shifted by the profile where there is none.
#pragma once

#include <type_traits>

#include "psad/model/embeddings.hpp"
#include "psad/model/user_upn.hpp"

namespace psad::inline PSAD_ABI {

/// `Upn` holds the chosen policies (UpnPolicies); pool::None leaves the history out.
template <int Width, int Hidden, class Upn>
class ItemEncoder {
  public:
    static constexpr bool reads_history = !std::is_same_v<typename Upn::Pool, pool::None>;

    ItemEncoder(const Scope& scope, const Embeddings<Width>& embeddings)
        : embeddings_(embeddings), upn_(scope, embeddings.sizes()) {}

    /// [lists, Width]
    template <class Ctx, class T>
    auto profile(Ctx& ctx, const Inputs<T>& in) const {
        return embeddings_.profile(ctx, in);
    }
    /// The user state, which needs no candidate: an UpnUserState, or the shift of the profile [lists, Width].
    template <class Ctx, class T, class X>
    auto user_state(Ctx& ctx, const Inputs<T>& in, const X& profile) const {
        if constexpr (reads_history)
            return upn_.user_state(ctx, in, embeddings_.events(ctx, in), profile);
        else
            return upn_.user_state(ctx, profile);
    }
    /// [items, Width]
    template <class Ctx, class T, class U>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        const auto item = embeddings_.items(ctx, in);
        if constexpr (reads_history)
            return upn_(ctx, in, item, user);
        else
            return upn_(ctx, item, user);
    }

  private:
    Embeddings<Width> embeddings_;
    std::conditional_t<reads_history, UserUpn<Width, Hidden, Upn>, ProfileShift<Width>> upn_;
};

}  // namespace psad
