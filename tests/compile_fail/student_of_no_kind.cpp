// A policy of the kind "student" that is neither PSAD-S nor student::Of.
// EXPECT: psad: wanted student::PsadS or student::Of<your own student>
#include "psad/model/psad_model.hpp"

struct Mine {
    using kind = psad::student::kind_tag;
    static constexpr const char* name = "mine";
};
using Wrong = psad::Psad<psad::Spec{}, Mine>;
static_assert(Wrong::spec.width == 64);
