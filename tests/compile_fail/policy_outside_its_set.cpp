// A kind whose policies are all known to the networks takes no other.
// EXPECT: psad: wanted order::Greedy or order::Sort
#include "psad/model/psad_model.hpp"

struct Mine {
    using kind = psad::order::kind_tag;
    static constexpr const char* name = "mine";
};
using Wrong = psad::Psad<psad::Spec{}, Mine>;
static_assert(Wrong::StudentModel::greedy);
