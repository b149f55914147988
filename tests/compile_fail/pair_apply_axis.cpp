// Weights over events cannot be applied to values of candidates.
// EXPECT: psad: a value on the wrong axis
// EXPECT: given_axis<psad::(\w+::)?Items>, *psad::(\w+::)?wanted_axis<psad::(\w+::)?Events>
#include "psad/autograd/cost.hpp"
#include "psad/autograd/ops/pairs.hpp"

using namespace psad;

void wrong(Cost& ctx, const Shape<Pairs<Items, Events>, 1>& alpha, const Shape<Items, 8>& value) {
    pair_apply(ctx, alpha, value);
}
