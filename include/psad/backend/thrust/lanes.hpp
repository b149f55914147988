/// \file lanes.hpp
/// Who works on one row: a thread, or the lanes of a warp side by side. Row functors are written once for
/// both; what lanes add up comes in an order that depends on the row's length alone.
#pragma once

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::thrust_functors {

struct OneLane {
    static constexpr int count = 1, lane = 0;
    template <class T>
    PSAD_HOST_DEVICE static T sum(T x) {
        return x;
    }
    template <class T>
    PSAD_HOST_DEVICE static T max(T x) {
        return x;
    }
    /// What lane `from` has.
    template <class T>
    PSAD_HOST_DEVICE static T of(T x, int /*from*/) {
        return x;
    }
    /// What the others wrote before is read after.
    PSAD_HOST_DEVICE static void sync() {}
};

#if defined(__CUDACC__)
struct WarpLanes {
    static constexpr int count = 32;
    int lane;

    template <class T>
    PSAD_HOST_DEVICE static T sum(T x) {
        for (int step = count / 2; step > 0; step /= 2) x += swapped(x, step);
        return x;
    }
    template <class T>
    PSAD_HOST_DEVICE static T max(T x) {
        for (int step = count / 2; step > 0; step /= 2) {
            const T other = swapped(x, step);
            x = other > x ? other : x;
        }
        return x;
    }
    template <class T>
    PSAD_HOST_DEVICE static T of(T x, [[maybe_unused]] int from) {
#if defined(__CUDA_ARCH__)
        x = __shfl_sync(0xffffffffu, x, from);
#endif
        return x;
    }
    PSAD_HOST_DEVICE static void sync() {
#if defined(__CUDA_ARCH__)
        __syncwarp();
#endif
    }

  private:
    template <class T>
    PSAD_HOST_DEVICE static T swapped(T x, [[maybe_unused]] int step) {
#if defined(__CUDA_ARCH__)
        x = __shfl_xor_sync(0xffffffffu, x, step);
#endif
        return x;
    }
};
#endif

/// Gives a functor the columns `first`, `first + step`, ... of its row.
template <class F>
struct Columns {
    F f;
    template <class Lanes>
    PSAD_HOST_DEVICE void operator()(int row, Lanes lanes) const {
        f(row, lanes.lane, Lanes::count);
    }
};

/// A sum of products, four numbers at a time where they lie so.
template <class T>
PSAD_HOST_DEVICE T dot(const T* a, const T* b, int n) {
    T sum = 0;
    int c = 0;
#if defined(__CUDA_ARCH__)
    if constexpr (sizeof(T) == 4) {
        if ((reinterpret_cast<std::size_t>(a) | reinterpret_cast<std::size_t>(b)) % 16 == 0) {
            for (; c + 4 <= n; c += 4) {
                const float4 x = *reinterpret_cast<const float4*>(a + c);
                const float4 y = *reinterpret_cast<const float4*>(b + c);
                sum += x.x * y.x;
                sum += x.y * y.y;
                sum += x.z * y.z;
                sum += x.w * y.w;
            }
        }
    }
#endif
    for (; c < n; ++c) sum += a[c] * b[c];
    return sum;
}

}  // namespace psad::thrust_functors
