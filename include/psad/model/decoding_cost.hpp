/// \file decoding_cost.hpp
/// What the teacher's decoder costs, counted block by block without a number being computed.
#pragma once

#include <cstddef>
#include <vector>

#include "psad/autograd/cost.hpp"
#include "psad/model/generate.hpp"

namespace psad {

namespace detail {
/// Keys and values of all places of the list, as shapes.
template <int Width>
struct SlotShapes {
    template <class Prepared>
    auto extend(Cost& ctx, int, const Prepared&) const {
        const Shape<Slots, Width> all(ctx.layout().slots.rows);
        return nn::KeysValues<Shape<Slots, Width>, Shape<Slots, Width>>{all, all};
    }
};
}  // namespace detail

/// Adds to `cost` the passes that write one list; the cost's layout holds a single list.
template <Spec spec, class... Policies, class M>
void add_decoding(Cost& cost, const Teacher<spec, Policies...>& teacher, const M& memory) {
    detail::SlotShapes<spec.width> cache;
    Layout& layout = cost.layout();
    const Jagged slots = layout.slots;
    Arena<> arena;
    const Blocks blocks = lay_blocks(layout, spec.block, arena);
    for (int k = 0; k < blocks.count; ++k) {
        const BlockArrays<const int> a = blocks.enter(k, blocks.numbers, layout);
        teacher.template decode<Block>(cost, memory, a.owner, a.start, a.position, nullptr, cache);
    }
    layout.slots = slots;
}

}  // namespace psad
