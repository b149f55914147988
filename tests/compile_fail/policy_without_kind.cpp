// What is no policy cannot be given as one.
// EXPECT: Policy
// EXPECT: Policies = (\{int\}|<int>)
#include "psad/model/psad_model.hpp"

using Wrong = psad::Psad<psad::Spec{}, int>;
