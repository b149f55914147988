// A type that is no backend at all lacks the first thing that is asked for.
// EXPECT: HasMemory
// EXPECT: B = int
#include "psad/autograd/tape.hpp"

void wrong(psad::Tape<int>& tape);
