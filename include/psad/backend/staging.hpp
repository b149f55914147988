/// \file staging.hpp
/// Moves many arrays from the host to a device in one piece.
#pragma once

#include <cstddef>
#include <cstring>

#include "psad/core/arena.hpp"

namespace psad::inline PSAD_ABI {

/// Replaces pointers to arrays of the host by pointers to their copies on the device, which lie in the arena.
/// `for_each_array(f)` calls f(pointer, count) for every array, in the same order each time; null stays null. The
/// arrays go over in one transfer, since each transfer has a fixed cost.
template <class B, class ForEachArray>
void stage(const B& backend, Arena<typename B::Memory>& arena, ForEachArray for_each_array) {
    constexpr std::size_t alignment = 16;
    const auto padded = [](std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
    std::size_t bytes = 0;
    for_each_array([&](const auto* numbers, std::size_t count) {
        if (numbers) bytes += padded(count * sizeof *numbers);
    });
    auto* const staged = arena.host().template make<std::byte>(bytes);
    auto* const device = arena.template make<std::byte>(bytes);
    std::size_t at = 0;
    for_each_array([&]<class U>(const U*& numbers, std::size_t count) {
        if (!numbers) return;
        if (count > 0) std::memcpy(staged + at, numbers, count * sizeof(U));
        numbers = reinterpret_cast<const U*>(device + at);
        at += padded(count * sizeof(U));
    });
    backend.upload(staged, bytes, device);
}

}  // namespace psad
