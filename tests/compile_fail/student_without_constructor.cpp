// A student registers its parameters in its constructor.
// EXPECT: psad: a student can't be built; wanted: a constructor from \(const psad::Scope&
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr int width = 8;
    static constexpr const char* name = "mine";
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
