/// \file decoding_cost.hpp
/// What the teacher's decoder costs, counted block by block without a number being computed.
#pragma once

#include <cstddef>
#include <vector>

#include "psad/autograd/cost.hpp"
#include "psad/model/generate.hpp"

namespace psad {

/// Adds to `cost` the passes that write one list; the cost's layout holds a single list.
template <Spec spec, class... Policies, class M>
void add_decoding(Cost& cost, const Teacher<spec, Policies...>& teacher, const M& memory) {
    struct Cache {
        template <class Prepared>
        auto extend(Cost& ctx, int, const Prepared&) const {
            using Rows = Shape<Slots, spec.width>;
            const Rows all(ctx.layout().slots.end[0] - ctx.layout().slots.begin[0]);
            return nn::KeysValues<Rows, Rows>{all, all};
        }
    } cache;
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
        teacher.template decode<Block>(cost, memory, arrays.input, arrays.start, arrays.position, nullptr, cache);
    }
    layout.slots = slots;
}

}  // namespace psad
