// Heads share the width evenly.
// EXPECT: psad: the width of an attention layer is a multiple of its heads
#include "psad/autograd/cost.hpp"
#include "psad/nn/attention.hpp"

using namespace psad;

void wrong(Cost& ctx, const nn::MultiHeadAttention<10, 4>& layer, const Shape<Items, 10>& x) {
    layer.attend(ctx, x, layer.prepare(ctx, x));
}
