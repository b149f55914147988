// Of two policies of one kind the second would be ignored in silence.
// EXPECT: psad: two policies of one kind; wanted: at most one of each
#include "psad/model/psad_model.hpp"

using Wrong = psad::Psad<psad::Spec{}, psad::gate::None, psad::gate::PerUser>;
static_assert(Wrong::spec.width == 64);
