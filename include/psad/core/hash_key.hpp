/// \file hash_key.hpp
/// A number that no input can know: by it hash tables of values from outside stay fast, whatever the values are.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <ctime>

#include "psad/core/rng.hpp"

namespace psad::inline PSAD_ABI {

/// The same throughout a program, another one in the next. Nothing that is kept may depend on it.
inline std::uint64_t hash_key() {
    static const std::uint64_t key = [] {
        std::uint64_t random = 0;
        if (::getentropy(&random, sizeof random) != 0)  // no source of random numbers: an address and the time
            random = reinterpret_cast<std::uintptr_t>(&key) ^ static_cast<std::uint64_t>(std::time(nullptr));
        return rng::mix(random);
    }();
    return key;
}

}  // namespace psad
