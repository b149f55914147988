// A message names the primitive that a backend lacks.
// EXPECT: HasGather
// EXPECT: B = Half
#include "psad/autograd/inference.hpp"
#include "psad/backend/reference.hpp"

struct Half : psad::backend::Reference<float> {
    void gather() const;  // hides the real one
};

void wrong(psad::Inference<Half>& ctx);
