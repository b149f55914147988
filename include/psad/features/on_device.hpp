/// \file on_device.hpp
/// Encoded requests where a device can read them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "psad/backend/staging.hpp"
#include "psad/core/arena.hpp"
#include "psad/features/batch.hpp"

namespace psad::inline PSAD_ABI {

namespace on_device_detail {
/// Bags are read by the host, but point to the device: each copy of the columns gets an array of its own.
struct OwnBags {
    Arena<HostMemory>& arena;

    template <class Info>
    void operator()(Info, BagList& bags) const {
        Bag* const own = arena.make<Bag>(static_cast<std::size_t>(bags.count));
        std::copy_n(bags.data, bags.count, own);
        bags.data = own;
    }
    template <class Info, class Other>
    void operator()(Info, Other&) const {}
};
}  // namespace on_device_detail

/// Moves a layout and structs of columns to the device, in place: their pointers then show the copies, which lie in
/// the arena. `host` is the layout as the host reads it, and must outlive the result.
template <class B, class... Columns>
void move_to_device(const B& backend, const Layout& host, Arena<typename B::Memory>& arena, Layout& layout,
                    Columns&... columns) {
    (Columns::for_each_column(on_device_detail::OwnBags{arena.host()}, columns), ...);
    stage(backend, arena, [&](auto f) {
        for_each_array(layout, host, f);
        (for_each_array(columns, host, f), ...);
    });
    layout.host = &host;
}

/// Encoded requests where the device reads them: these where that is the host's memory, else a copy in the arena.
/// `host` must outlive it.
template <class B, class T>
Inputs<T> on_device(const B& backend, const Inputs<T>& host, Arena<typename B::Memory>& arena) {
    Inputs<T> out = host;
    if constexpr (!B::Memory::on_host) move_to_device(backend, host.layout, arena, out.layout, out);
    return out;
}

}  // namespace psad
