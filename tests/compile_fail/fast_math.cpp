// Arithmetic that ignores NaN and rounding.
// FLAGS: -ffast-math
// EXPECT: psad: found -ffast-math
#include "psad/core/version.hpp"
