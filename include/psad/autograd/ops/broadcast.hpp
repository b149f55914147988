/// \file broadcast.hpp
/// How a coarse value meets a fine axis, and how a fine gradient is folded back.
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// A value on axis `From` with width `Width`, read on axis `To` by an operation of width `OutWidth`.
template <class From, int Width, class To, int OutWidth>
struct Broadcast {
    static_assert(Width == OutWidth || Width == 1,
                  "psad: values of a pointwise function have the same width, or width 1");
    static constexpr bool rows_agree = std::is_same_v<From, To>;
    static constexpr bool shared = is_fixed<From> && !rows_agree;  ///< one row for all
    static constexpr bool per_row = Width == 1 && (OutWidth != 1 || shared);
    static constexpr bool exact = rows_agree && Width == OutWidth;

    template <class T>
    static Operand<T, per_row> operand(const Layout& layout, Matrix<const T> x) {
        if constexpr (shared)
            return {x.data, 0, nullptr};
        else if constexpr (rows_agree)
            return {x.data, x.stride, nullptr};
        else
            return {x.data, x.stride, layout.template jagged<To>().owner};
    }

    /// dx += the sum of `fine` over everything that x was repeated to. `fine` has the rows of To.
    template <class B, class T = typename B::Scalar>
    static void fold(OpWorkspace<B>& w, Matrix<T> fine, Matrix<T> dx) {
        if constexpr (Width != OutWidth) {
            const Matrix<T> narrow = w.zeros(fine.rows, 1);
            w.backend->row_sums(fine, narrow.data);
            fine = narrow;
        }
        if constexpr (shared)
            w.backend->column_sums(fine, dx.data);
        else if constexpr (rows_agree) {
            w.backend->template map<true>(Identity{}, dx, Operand<T>{fine.data, fine.stride});
        } else {
            w.backend->segment_sums(fine, w.layout->template jagged<To>(), dx);
        }
    }
};

}  // namespace psad::ops
