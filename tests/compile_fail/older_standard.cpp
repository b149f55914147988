// What psad is compiled as.
// FLAGS: -std=c++17
// EXPECT: psad: found an older C\+\+ standard, wanted C\+\+20
#include "psad/core/version.hpp"
