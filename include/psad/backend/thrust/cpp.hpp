/// \file cpp.hpp
/// Thrust's CPP system as a device.
#pragma once

#include <thrust/system/cpp/execution_policy.h>

#include "psad/backend/thrust/host_products.hpp"
#include "psad/backend/thrust/thrust.hpp"
#include "psad/core/arena.hpp"

namespace psad::backend {

/// One thread.
struct ThrustCppSystem {
    using Memory = HostMemory;
    template <class T>
    using Products = HostProducts<T>;

    explicit ThrustCppSystem(int) {}

    template <class F>
    void run(F f) const {
        f(::thrust::cpp::par);
    }
    static double read(const double* x) { return *x; }
};

template <class T>
using ThrustCpp = Thrust<T, ThrustCppSystem>;

static_assert(Backend<ThrustCpp<float>> && Backend<ThrustCpp<double>>);

}  // namespace psad::backend
