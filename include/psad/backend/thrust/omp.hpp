/// \file omp.hpp
/// Thrust's OMP system as a device.
#pragma once

#include <thrust/system/omp/execution_policy.h>

#include <omp.h>

#include "psad/backend/thrust/host_system.hpp"
#include "psad/backend/thrust/thrust.hpp"

namespace psad::inline PSAD_ABI::backend {

/// `threads` of OpenMP, 0 = as many as it would start. Compile with -fopenmp.
class ThrustOmpSystem : public ThrustHostSystem<ThrustOmpSystem> {
  public:
    explicit ThrustOmpSystem(int threads = 0) : threads_(threads) {}

    template <class F>
    void run(F f) const {
        if (threads_ > 0) omp_set_num_threads(threads_);
        f(::thrust::omp::par);
    }

  private:
    int threads_;
};

template <class T>
using ThrustOmp = Thrust<T, ThrustOmpSystem>;

static_assert(Backend<ThrustOmp<float>> && Backend<ThrustOmp<double>>);

}  // namespace psad::backend
