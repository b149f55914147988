/// \file cpu.hpp
/// The CPU backend: our register-blocked product, Eigen for vectors and reductions, oneTBB for tasks.
#pragma once

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "psad/backend/concept.hpp"
#include "psad/backend/cpu/gemm.hpp"
#include "psad/backend/cpu/pairs.hpp"
#include "psad/backend/cpu/rows.hpp"
#include "psad/backend/cpu/simd.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/core/arena.hpp"

namespace psad::backend {

/// Kernels run on the calling thread: a reranker's products are too small to share out. `parallel` spreads
/// whole tasks (shards of a batch, chunks of an evaluation) over at most `threads` threads; 0 means all of
/// the machine.
template <class T>
class Cpu : public BackendDefaults<Cpu<T>, T>, public cpu_detail::Rows<T>, public cpu_detail::Pairs<T> {
  public:
    using Scalar = T;
    using Memory = HostMemory;
    static constexpr bool on_host = true;
    using cpu_detail::Rows<T>::embed;
    using cpu_detail::Rows<T>::transpose;

    explicit Cpu(int threads = 1) {
        if (threads != 1) workers_ = std::make_shared<Workers>(threads);
    }

    template <class F>
    void parallel(int count, F f) const {
        if (!workers_) {
            for (int i = 0; i < count; ++i) f(i);
            return;
        }
        workers_->arena.execute([&] {
            tbb::parallel_for(
                tbb::blocked_range<int>(0, count, 1),
                [&](const tbb::blocked_range<int>& range) {
                    for (int i = range.begin(); i < range.end(); ++i) f(i);
                },
                tbb::simple_partitioner{});
        });
    }

    template <class F>
    void for_each(int count, F f) const {
        for (int i = 0; i < count; ++i) f(i);
    }

    void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        affine({{a, b}}, Operand<T>{accumulate ? c.data : nullptr, c.stride}, Identity{}, c);
    }

    void gemm_transposed(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        gemm_detail::multiply<T, 1>({{a.data, 1, a.stride, b.data, b.stride, a.rows}},
                                    {accumulate ? c.data : nullptr, c.stride}, false, c);
    }

    template <class Act, int Factors>
    void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) const {
        constexpr bool relu = std::is_same_v<Act, Relu>;
        const bool column = out.cols == 1 && factors[0].w.stride == 1;
        if (column) {
            for (const Factor<T>& f : factors) {
                times_vector(f.x, f.w.data, start, out);
                start = {out.data, out.stride};
            }
        } else {
            gemm_detail::Term<T> terms[Factors];
            for (int i = 0; i < Factors; ++i) terms[i] = gemm_detail::Term<T>::of(factors[i].x, factors[i].w);
            gemm_detail::multiply(terms, start, relu, out);
        }
        if (!std::is_same_v<Act, Identity> && (column || !relu)) {
            map<false>(act, out, Operand<T>{out.data, out.stride});
        }
    }

    template <bool Accumulate, class F, class... In>
    void map(F f, Matrix<T> out, In... in) const {
        const bool flat = ((In::per_row ? in.stride == 0 : (!in.row_of && in.stride == out.cols)) && ...) &&
                          out.contiguous();
        if (flat) {
            map_row<Accumulate>(f, out.data, out.rows * out.cols, reader(in, 0)...);
        } else {
            for (int r = 0; r < out.rows; ++r) map_row<Accumulate>(f, out.row(r), out.cols, reader(in, r)...);
        }
    }

    void column_sums(Matrix<const T> x, T* out) const {
        Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic>>(out, x.cols) +=
            Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>(x.data, x.rows, x.cols,
                                                                Eigen::OuterStride<>(x.stride))
                .colwise()
                .sum();
    }

    void row_sums(Matrix<const T> x, T* out) const {
        for (int r = 0; r < x.rows; ++r) {
            const T* row = x.row(r);
            out[r] += simd::sum<T>(x.cols, [row](int c) { return row[c]; });
        }
    }

    double sum_squares(const T* x, std::size_t count) const {
        double sum = 0;  // in blocks: exact enough in T, exact across blocks
        for (std::size_t i = 0; i < count; i += block) {
            const T* p = x + i;
            sum += static_cast<double>(simd::sum<T>(static_cast<int>((std::min)(block, count - i)),
                                                    [p](int j) { return p[j] * p[j]; }));
        }
        return sum;
    }

    void layer_norm(Matrix<const T> x, const T* gain, const T* shift, Matrix<T> y, Matrix<T> normal,
                    T* rate) const {
        const int n = x.cols;
        for (int r = 0; r < x.rows; ++r) {
            const T* in = x.row(r);
            T* out = y.row(r);
            const T mean = simd::sum<T>(n, [in](int c) { return in[c]; }) / static_cast<T>(n);
            const T spread = simd::sum<T>(n, [in, mean](int c) { return (in[c] - mean) * (in[c] - mean); });
            const T inverse = T(1) / std::sqrt(spread / static_cast<T>(n) + T(1e-5));
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) out[c] = (in[c] - mean) * inverse * gain[c] + shift[c];
            if (!rate) continue;
            rate[r] = inverse;
            T* keep = normal.row(r);
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) keep[c] = (in[c] - mean) * inverse;
        }
    }

    void layer_norm_backward(Matrix<const T> dy, const T* gain, Matrix<const T> normal, const T* rate,
                             Matrix<T> dx) const {
        const int n = dy.cols;
        for (int r = 0; r < dy.rows; ++r) {
            const T* d = dy.row(r);
            const T* z = normal.row(r);
            T* out = dx.row(r);
            const T a = simd::sum<T>(n, [d, gain](int c) { return d[c] * gain[c]; }) / static_cast<T>(n);
            const T b =
                simd::sum<T>(n, [d, gain, z](int c) { return d[c] * gain[c] * z[c]; }) / static_cast<T>(n);
            const T by = rate[r];
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) out[c] += by * (d[c] * gain[c] - a - z[c] * b);
        }
    }

  private:
    static constexpr std::size_t block = 4096;
    using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    /// out = start + x w for a single column.
    static void times_vector(Matrix<const T> x, const T* w, Operand<T> start, Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            const T* row = x.row(r);
            out(r, 0) = (start.data ? start.row(r)[0] : T(0)) +
                        simd::sum<T>(x.cols, [row, w](int k) { return row[k] * w[k]; });
        }
    }

    /// One row of an argument with its per-row number already read.
    template <bool PerRow>
    struct Reader {
        const T* row;
        T number;
        T operator()(int c) const { return PerRow ? number : row[c]; }
    };
    template <bool PerRow>
    static Reader<PerRow> reader(const Operand<T, PerRow>& in, int r) {
        const T* row = in.row(r);
        return {row, PerRow ? row[0] : T(0)};
    }

    template <bool Accumulate, class F, class... Readers>
    static void map_row(F f, T* out, int n, Readers... in) {
        PSAD_INDEPENDENT
        for (int c = 0; c < n; ++c) {
            const T y = f(in(c)...);
            out[c] = Accumulate ? out[c] + y : y;
        }
    }

    /// oneTBB starts no more threads than the machine has unless it is told that more are allowed.
    struct Workers {
        std::unique_ptr<tbb::global_control> allowed;
        tbb::task_arena arena;
        explicit Workers(int threads) : arena(threads > 0 ? threads : tbb::info::default_concurrency()) {
            if (threads > tbb::info::default_concurrency()) {
                allowed = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                                static_cast<std::size_t>(threads));
            }
        }
    };
    std::shared_ptr<Workers> workers_;
};

static_assert(Backend<Cpu<float>> && Backend<Cpu<double>>);

}  // namespace psad::backend
