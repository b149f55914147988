/// \file host_products.hpp
/// Products of matrices on Thrust's host systems: the CPU backend's kernels, a band of rows each.
#pragma once

#include <type_traits>

#include "psad/backend/cpu/kernel_sets.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::backend {

template <class T>
class HostProducts {
    static constexpr int band = 24;  // rows: four tiles of the kernel
    static int bands(int rows) { return (rows + band - 1) / band; }

    template <class F>
    static void kernels(F f) {
        kernel_set::Best::with<T>(f);
    }

    struct Gemm {
        Matrix<const T> a, b;
        Matrix<T> c;
        bool accumulate;
        void operator()(int i) const {
            const int first = i * band, rows = c.rows - first < band ? c.rows - first : band;
            kernels([&](auto k) { k.gemm(a.row_range(first, rows), b, c.row_range(first, rows), accumulate); });
        }
    };
    struct GemmTn {
        Matrix<const T> a, b;
        Matrix<T> c;
        bool accumulate;
        void operator()(int i) const {
            const int first = i * band, rows = c.rows - first < band ? c.rows - first : band;
            kernels([&](auto k) { k.gemm_tn(a.columns(first, rows), b, c.row_range(first, rows), accumulate); });
        }
    };
    template <class Act, int Factors>
    struct Affine {
        Factor<T> factors[Factors];
        Operand<T> start;
        Act act;
        Matrix<T> out;
        void operator()(int i) const {
            const int first = i * band, rows = out.rows - first < band ? out.rows - first : band;
            Factor<T> of_task[Factors];
            for (int f = 0; f < Factors; ++f) of_task[f] = {factors[f].x.row_range(first, rows), factors[f].w};
            kernels([&](auto k) { k.affine(of_task, start.from_row(first), act, out.row_range(first, rows)); });
        }
    };

  public:
    template <class B>
    static void gemm(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        backend.for_each(bands(c.rows), Gemm{a, b, c, accumulate});
    }

    /// c (+)= a^T b.
    template <class B>
    static void gemm_tn(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        backend.for_each(bands(c.rows), GemmTn{a, b, c, accumulate});
    }

    template <class B, class Act, int Factors>
    static void affine(const B& backend, const Factor<T> (&factors)[Factors], Operand<T> start, Act act,
                       Matrix<T> out) {
        Affine<Act, Factors> f{{}, start, act, out};
        for (int i = 0; i < Factors; ++i) f.factors[i] = factors[i];
        backend.for_each(bands(out.rows), f);
    }
};

}  // namespace psad::backend
