// A pointwise function takes values of one width, or of width 1.
// EXPECT: psad: values of a pointwise function have the same width, or width 1
#include "psad/autograd/cost.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/backend/reference.hpp"

using namespace psad;

using Ctx = Inference<backend::Reference<float>>;
void wrong(Ctx& ctx, const Ctx::Value<Items, 8>& a, const Ctx::Value<Items, 4>& b) {
    map(ctx, Add{}, a, b);
}
