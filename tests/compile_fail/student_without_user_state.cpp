// A student splits what needs no candidate from what does.
// EXPECT: psad: a student lacks its user state
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr int width = 8;
    static constexpr const char* name = "mine";
    Mine(const Scope&, const Embeddings<width>&);
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
