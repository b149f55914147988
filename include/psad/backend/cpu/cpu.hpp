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
#include "psad/backend/cpu/simd.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/core/arena.hpp"

#if defined(__clang__)  // its pragma warns in user code wherever a loop is not worth a vector
#define PSAD_INDEPENDENT
#else
#define PSAD_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace psad::backend {

/// Kernels run on the calling thread: a reranker's products are too small to share out. `parallel` spreads
/// whole tasks (shards of a batch, chunks of an evaluation) over at most `threads` threads; 0 means all of
/// the machine.
template <class T>
class Cpu : public BackendDefaults<Cpu<T>, T> {
  public:
    using Scalar = T;
    using Memory = HostMemory;
    static constexpr bool on_host = true;

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
        product(a, b, Operand<T>{accumulate ? c.data : nullptr, c.stride}, c);
    }

    void gemm_transposed(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        gemm_detail::multiply<T>(a.rows, {a.data, 1, a.stride}, b, {accumulate ? c.data : nullptr, c.stride},
                                 c);
    }

    template <class Act>
    void affine(Matrix<const T> x, Matrix<const T> w, Operand<T> start, Act act, Matrix<T> out) const {
        product(x, w, start, out);
        if constexpr (!std::is_same_v<Act, Identity>) map<false>(act, out, Operand<T>{out.data, out.stride});
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

    void column_sums(Matrix<const T> x, T* out) const { vector(out, x.cols) += matrix(x).colwise().sum(); }

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

    void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) const {
        for (int l = 0; l < out.rows; ++l) {
            column_sums(x.row_range(rows.begin[l], rows.end[l] - rows.begin[l]), out.row(l));
        }
    }

    void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) const {
        for (int l = 0; l < out.rows; ++l) {
            T* best = out.row(l);
            int* best_row = from + l * x.cols;
            const int first = rows.begin[l];
            for (int c = 0; c < x.cols; ++c) {
                best[c] = first < rows.end[l] ? x(first, c) : T(0);
                best_row[c] = first < rows.end[l] ? first : -1;
            }
            for (int r = first + 1; r < rows.end[l]; ++r) {
                const T* row = x.row(r);
                for (int c = 0; c < x.cols; ++c) {
                    const bool better = row[c] > best[c];
                    best[c] = better ? row[c] : best[c];
                    best_row[c] = better ? r : best_row[c];
                }
            }
        }
    }

    void gather(Matrix<const T> table, const int* index, Matrix<T> out) const {
        for (int r = 0; r < out.rows; ++r) {
            if (index[r] < 0) {
                std::fill_n(out.row(r), out.cols, T(0));
            } else {
                std::copy_n(table.row(index[r]), out.cols, out.row(r));
            }
        }
    }

    void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) const {
        for (int r = 0; r < x.rows; ++r) {
            if (index[r] >= 0) vector(out.row(index[r]), x.cols) += vector(x.row(r), x.cols);
        }
    }

    void pair_dot(Matrix<const T> query, Matrix<const T> key, PairRows pairs, T scale, T* p,
                  bool accumulate) const {
        static thread_local std::vector<T> turned;  // the keys of one list, depth by keys
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int queries = pairs.query_end[l] - pairs.query_begin[l];
            if (n == 0 || queries == 0) continue;
            T* out = p + pairs.offset[l];
            const Matrix<const T> q = query.row_range(pairs.query_begin[l], queries);
            const Matrix<const T> k = key.row_range(pairs.key_begin[l], n);
            if (queries == 1) {
                for (int j = 0; j < n; ++j) {
                    const T* row = k.row(j);
                    const T* to = q.data;
                    const T dot = simd::sum<T>(k.cols, [row, to](int c) { return row[c] * to[c]; });
                    out[j] = (accumulate ? out[j] : T(0)) + scale * dot;
                }
                continue;
            }
            const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(key.cols);
            if (turned.size() < size) turned.resize(size);
            for (int j = 0; j < n; ++j) {
                const T* row = k.row(j);
                for (int c = 0; c < k.cols; ++c) turned[static_cast<std::size_t>(c * n + j)] = scale * row[c];
            }
            gemm_detail::multiply<T>(k.cols, {q.data, q.stride, 1}, {turned.data(), k.cols, n, n},
                                     {accumulate ? out : nullptr, n}, {out, queries, n, n});
        }
    }

    void pair_apply(const T* p, Matrix<const T> value, PairRows pairs, Matrix<T> out) const {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const Matrix<T> to =
                out.row_range(pairs.query_begin[l], pairs.query_end[l] - pairs.query_begin[l]);
            gemm_detail::multiply<T>(n, {p + pairs.offset[l], n, 1}, value.row_range(pairs.key_begin[l], n),
                                     {to.data, to.stride}, to);
        }
    }

    void pair_apply_transposed(const T* p, Matrix<const T> value, PairRows pairs, Matrix<T> out) const {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int queries = pairs.query_end[l] - pairs.query_begin[l];
            const Matrix<T> to = out.row_range(pairs.key_begin[l], n);
            gemm_detail::multiply<T>(queries, {p + pairs.offset[l], 1, n},
                                     value.row_range(pairs.query_begin[l], queries), {to.data, to.stride},
                                     to);
        }
    }

    void pair_softmax(T* p, PairRows pairs, const int* visible) const {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            T* row = p + pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, row += n) {
                const int seen = visible ? visible[q] : n;
                const T top = simd::max(row, seen);
                PSAD_INDEPENDENT
                for (int j = 0; j < seen; ++j) row[j] = math::exp(row[j] - top);
                const T scale = T(1) / simd::sum<T>(seen, [row](int j) { return row[j]; });
                for (int j = 0; j < seen; ++j) row[j] *= scale;
                for (int j = seen; j < n; ++j) row[j] = T(0);
            }
        }
    }

    void pair_softmax_backward(const T* p, T* dp, PairRows pairs, T scale) const {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const T* y = p + pairs.offset[l];
            T* d = dp + pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, y += n, d += n) {
                const T along = simd::sum<T>(n, [y, d](int j) { return y[j] * d[j]; });
                PSAD_INDEPENDENT
                for (int j = 0; j < n; ++j) d[j] = scale * y[j] * (d[j] - along);
            }
        }
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
    static auto matrix(Matrix<const T> m) {
        return Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>(m.data, m.rows, m.cols,
                                                                   Eigen::OuterStride<>(m.stride));
    }
    static auto vector(T* p, int n) { return Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic>>(p, n); }
    static auto vector(const T* p, int n) {
        return Eigen::Map<const Eigen::Matrix<T, 1, Eigen::Dynamic>>(p, n);
    }

    static void product(Matrix<const T> a, Matrix<const T> b, Operand<T> start, Matrix<T> c) {
        if (c.cols == 1 && b.stride == 1) {  // matrix times vector
            for (int r = 0; r < c.rows; ++r) {
                const T* row = a.row(r);
                const T* w = b.data;
                c(r, 0) = (start.data ? start.row(r)[0] : T(0)) +
                          simd::sum<T>(a.cols, [row, w](int k) { return row[k] * w[k]; });
            }
        } else {
            gemm_detail::multiply<T>(a.cols, {a.data, a.stride, 1}, b, start, c);
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

#undef PSAD_INDEPENDENT
