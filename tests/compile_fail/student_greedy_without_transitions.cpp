// A student that is decoded position by position gives what a candidate adds to the next one.
// EXPECT: psad: a greedy student lacks its transition scores
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr int width = 8;
    static constexpr const char* name = "mine";
    static constexpr bool greedy = true;
    Mine(const Scope&, const Embeddings<width>&);
    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        return ctx.template constant<Lists, 1>(in.has_interacted);
    }
    template <class Ctx, class T, class User>
    auto score(Ctx& ctx, const Inputs<T>& in, const User&) const {
        return Scores{ctx.template constant<Items, 1>(in.has_interacted)};
    }
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
