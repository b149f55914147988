/// \file host_system.hpp
/// What Thrust's host systems have in common: launching by a policy.
#pragma once

#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/sort.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include "psad/backend/thrust/host_products.hpp"
#include "psad/backend/thrust/lanes.hpp"
#include "psad/backend/thrust/pool.hpp"
#include "psad/core/arena.hpp"

namespace psad::inline PSAD_ABI::backend {

/// `Self::run(f)` calls f(policy).
template <class Self>
class ThrustHostSystem {
  public:
    using Memory = HostMemory;
    template <class T>
    using Products = HostProducts<T>;

    template <class F>
    void for_each(int count, F f) const {
        self().run(
            [&](const auto& policy) { ::thrust::for_each_n(policy, ::thrust::counting_iterator<int>(0), count, f); });
    }

    template <class F>
    void for_each_row(int count, F f) const {
        for_each(count, OneThread<F>{f});
    }

    /// Keys ascending, the values of equal keys in their order.
    void sort_by_key(const std::shared_ptr<Pool<Memory>>&, unsigned* keys, int* values, int count, int /*bits*/) const {
        self().run([&](const auto& policy) { ::thrust::stable_sort_by_key(policy, keys, keys + count, values); });
    }

    static void upload(const void* from, std::size_t bytes, void* to) {
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    static void download(const void* from, std::size_t bytes, void* to) { upload(from, bytes, to); }

  private:
    template <class F>
    struct OneThread {
        F f;
        void operator()(int i) const { f(i, thrust_functors::OneLane{}); }
    };
    const Self& self() const { return static_cast<const Self&>(*this); }
};

}  // namespace psad::backend
