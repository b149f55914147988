// A student names itself, for its model files.
// EXPECT: psad: a student lacks its name; wanted: static constexpr const char\* name
#include "psad/model/psad_model.hpp"

using namespace psad;

struct Mine {
    static constexpr int width = 8;
};
using Wrong = Psad<Spec{}, student::Of<Mine>>;
static_assert(Wrong::spec.width == 64);
