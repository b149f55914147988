/// \file cpp.hpp
/// Thrust's CPP system as a device.
#pragma once

#include <thrust/system/cpp/execution_policy.h>

#include "psad/backend/thrust/host_system.hpp"
#include "psad/backend/thrust/thrust.hpp"

namespace psad::inline PSAD_ABI::backend {

/// One thread.
struct ThrustCppSystem : ThrustHostSystem<ThrustCppSystem> {
    explicit ThrustCppSystem(int /*threads*/ = 1) {}

    template <class F>
    void run(F f) const {
        f(::thrust::cpp::par);
    }
};

template <class T>
using ThrustCpp = Thrust<T, ThrustCppSystem>;

static_assert(Backend<ThrustCpp<float>> && Backend<ThrustCpp<double>>);

}  // namespace psad::backend
