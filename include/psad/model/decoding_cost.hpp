/// \file decoding_cost.hpp
/// What the teacher's decoder costs, counted block by block without a number being computed.
#pragma once

#include <cstddef>
#include <vector>

#include "psad/autograd/cost.hpp"
#include "psad/model/generate.hpp"

namespace psad::inline PSAD_ABI {

namespace detail {
/// Keys and values of all positions of the list, as shapes.
template <int Width>
struct PositionShapes {
    template <class Prepared>
    auto extend(Cost& ctx, int, const Prepared&) const {
        const Shape<Positions, Width> all(ctx.layout().positions.rows);
        return nn::KeysValues<Shape<Positions, Width>, Shape<Positions, Width>>{all, all};
    }
};
}  // namespace detail

/// Adds to `cost` the passes that write one list; the cost's layout holds a single list.
template <Spec spec, class... Policies, class M>
void add_decoding(Cost& cost, const Teacher<spec, Policies...>& teacher, const M& memory) {
    detail::PositionShapes<spec.width> cache;
    Layout& layout = cost.layout();
    Arena<> arena;
    const Blocks blocks = plan_blocks(layout, spec.block, arena);
    for (int k = 0; k < blocks.count; ++k) {
        const BlockScope block(blocks, k, blocks.numbers, layout);
        teacher.template decode<Block>(cost, memory, block.arrays.owner, block.arrays.start, block.arrays.position,
                                       nullptr, cache);
    }
}

}  // namespace psad
