// A policy of a kind that nothing reads would be ignored in silence.
// EXPECT: psad: a policy of an unknown kind; wanted: using kind = psad::fade::kind_tag
#include "psad/model/psad_model.hpp"

struct my_kind {};
struct Mine {
    using kind = my_kind;
    static constexpr const char* name = "mine";
};
using Wrong = psad::Psad<psad::Spec{}, Mine>;
static_assert(Wrong::spec.width == 64);
