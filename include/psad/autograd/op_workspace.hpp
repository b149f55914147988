/// \file op_workspace.hpp
/// What an operation works with: the device, the extents of the batch, scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "psad/autograd/sparse_gradient.hpp"
#include "psad/core/arena.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI {

template <class B>
struct OpWorkspace {
    using T = typename B::Scalar;

    const B* backend = nullptr;
    const Layout* layout = nullptr;
    Arena<typename B::Memory>* arena = nullptr;
    const T* tables = nullptr;            ///< the table block
    bool training = false;                ///< keep what the derivative needs
    std::uint64_t dropout_key = 0;        ///< changes with every operation that draws
    SparseGradient<T>* sparse = nullptr;  ///< filled by derivative rules, latest first

    template <class U = T>
    U* take(std::size_t count) const {
        return arena->template make<U>(count);
    }
    /// The same where the host may touch it.
    template <class U>
    U* take_on_host(std::size_t count) const {
        return arena->host().template make<U>(count);
    }
    /// Numbers of the host where the device can read them.
    template <class U>
    const U* on_device(const U* numbers, std::size_t count) const {
        if constexpr (B::Memory::on_host) {
            return numbers;
        } else {
            U* const to = take<U>(count);
            backend->upload(numbers, count * sizeof(U), to);
            return to;
        }
    }
    /// Numbers of the device where the host can read them.
    template <class U>
    const U* on_host(const U* numbers, std::size_t count) const {
        if constexpr (B::Memory::on_host) {
            return numbers;
        } else {
            U* const to = take_on_host<U>(count);
            backend->download(numbers, count * sizeof(U), to);
            return to;
        }
    }
    Matrix<T> scratch(int rows, int cols) const {
        return {take(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols)), rows, cols, cols};
    }
    Matrix<T> zeros(int rows, int cols) const {
        const Matrix<T> m = scratch(rows, cols);
        backend->fill(m.data, rows * cols, T(0));
        return m;
    }
};

}  // namespace psad
