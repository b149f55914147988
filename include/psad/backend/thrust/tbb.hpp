/// \file tbb.hpp
/// Thrust's TBB system as a device.
#pragma once

#include <thrust/system/tbb/execution_policy.h>

#include <memory>

#include "psad/backend/cpu/workers.hpp"
#include "psad/backend/thrust/host_system.hpp"
#include "psad/backend/thrust/thrust.hpp"

namespace psad::inline PSAD_ABI::backend {

/// `threads` of oneTBB, 0 = all of the machine.
class ThrustTbbSystem : public ThrustHostSystem<ThrustTbbSystem> {
  public:
    explicit ThrustTbbSystem(int threads = 0) : workers_(std::make_shared<Workers>(threads)) {}

    template <class F>
    void run(F f) const {
        workers_->arena.execute([&] { f(::thrust::tbb::par); });
    }

  private:
    std::shared_ptr<Workers> workers_;
};

template <class T>
using ThrustTbb = Thrust<T, ThrustTbbSystem>;

static_assert(Backend<ThrustTbb<float>> && Backend<ThrustTbb<double>>);

}  // namespace psad::backend
