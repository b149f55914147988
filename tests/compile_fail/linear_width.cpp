// A linear layer fed a value of another width names both.
// EXPECT: psad: a value of the wrong width
// EXPECT: given_width<5>, *psad::(\w+::)?wanted_width<6>
#include "psad/autograd/cost.hpp"
#include "psad/nn/linear.hpp"

using namespace psad;

void wrong(Cost& ctx, const nn::Linear<6, 4>& layer, const Shape<Items, 5>& x) {
    layer(ctx, x);
}
