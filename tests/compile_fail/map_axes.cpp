// Candidates and history events have no common rows.
// EXPECT: psad: these two axes do not meet
// EXPECT: meeting<psad::(\w+::)?Items, *psad::(\w+::)?Events>
#include "psad/autograd/cost.hpp"
#include "psad/autograd/ops/map.hpp"

using namespace psad;

void wrong(Cost& ctx, const Shape<Items, 8>& item, const Shape<Events, 8>& event) {
    map(ctx, Add{}, item, event);
}
