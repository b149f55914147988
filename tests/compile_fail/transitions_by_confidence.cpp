// Transitions are chosen left to right; another decoding must switch them off.
// EXPECT: psad: transitions need decode::LeftToRight; add transition::Off to decode otherwise
#include "psad/model/psad_model.hpp"

constexpr auto size = sizeof(psad::Psad<psad::Spec{}, psad::decode::ByConfidence>);
