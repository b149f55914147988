// The widths of parts add up, and the sum is what a layer asks for.
// EXPECT: psad: a value of the wrong width
// EXPECT: given_width<11>, *psad::(\w+::)?wanted_width<12>
#include "psad/autograd/cost.hpp"
#include "psad/nn/linear.hpp"

using namespace psad;

void wrong(Cost& ctx, const nn::Projection<12, 4>& layer, const Shape<Items, 6>& item, const Shape<Lists, 5>& user) {
    layer(ctx, parts(item, user));
}
