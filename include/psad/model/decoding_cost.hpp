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
    const int block = spec.block < slots.rows ? spec.block : slots.rows;
    std::vector<int> ints(5 + 5 * static_cast<std::size_t>(block));
    int* next = ints.data();
    const auto take = [&next](int count) { return (next += count) - count; };
    const generate_detail::BlockArrays arrays{take(1),     take(1),     take(1),     take(block), take(block),
                                              take(block), take(block), take(block), take(1),     take(1)};
    for (int from = 0; from < slots.rows; from += block) {
        generate_detail::enter_block(arrays, slots, layout, from, block);
        teacher.template decode<Block>(cost, memory, arrays.input, arrays.start, arrays.position, nullptr,
                                       cache);
    }
    layout.slots = slots;
}

}  // namespace psad
