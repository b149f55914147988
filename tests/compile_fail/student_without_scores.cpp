// A student gives one number per candidate.
// EXPECT: psad: a student lacks its scores
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr int width = 8;
    static constexpr const char* name = "mine";
    Mine(const Scope&, const Embeddings<width>&);
    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        return ctx.template constant<Lists, 1>(in.has_interacted);
    }
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
