/// \file cpu.hpp
/// The CPU backend: kernels of our own, Eigen for sums of columns, oneTBB for tasks.
#pragma once

#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>

#include <Eigen/Core>
#include <cstddef>
#include <memory>

#include "psad/backend/concept.hpp"
#include "psad/backend/cpu/kernel_sets.hpp"
#include "psad/backend/cpu/workers.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/core/arena.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Kernels run on the calling thread: a reranker's products are too small to share out. `parallel` spreads
/// whole tasks (shards of a batch, chunks of an evaluation) over at most `threads` threads; 0 means all of
/// the machine. `Set` is one of kernel_set.
template <class T, class Set = kernel_set::Best>
class Cpu : public BackendDefaults<Cpu<T, Set>, T> {
  public:
    using Scalar = T;
    using Memory = HostMemory;

    /// Bytes of a vector of the kernels: 64 is AVX-512, 32 AVX2.
    static int vector_bytes() { return Set::bytes(); }
    /// Whether this processor has what the kernels need.
    static bool runs_here() { return Set::runs_here(); }

    explicit Cpu(int threads = 1) {
        if (threads != 1) workers_ = std::make_shared<Workers>(threads);
    }

    template <class F>
    void parallel(int count, F f) const {
        if (!workers_) {
            for (int i = 0; i < count; ++i) run_task(f, i);
            return;
        }
        workers_->arena.execute([&] {
            tbb::parallel_for(
                tbb::blocked_range<int>(0, count, 1),
                [&](const tbb::blocked_range<int>& range) {
                    for (int i = range.begin(); i < range.end(); ++i) run_task(f, i);
                },
                tbb::simple_partitioner{});
        });
    }

    template <class Background, class Work>
    void beside(Background background, Work work) const {
        if (workers_) {
            workers_->arena.execute(
                [&] { tbb::parallel_invoke([&] { run_task(work); }, [&] { run_task(background); }); });
        } else {
            run_task(background);
            run_task(work);
        }
    }

    template <class F>
    void for_each(int count, F f) const {
        on([&](auto k) { k.for_each(count, f); });
    }

    void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        on([&](auto k) { k.gemm(a, b, c, accumulate); });
    }

    void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        on([&](auto k) { k.gemm_tn(a, b, c, accumulate); });
    }

    template <class Act, int Factors>
    void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) const {
        on([&](auto k) { k.affine(factors, start, act, out); });
    }

    template <bool Accumulate, class F, class... In>
    void map(F f, Matrix<T> out, In... in) const {
        on([&](auto k) { k.template map<Accumulate>(f, out, in...); });
    }

    void fill(T* out, int count, T value) const {
        map<false>(Identity{}, Matrix<T>{out, 1, count, count}, Operand<T, true>{&value, 0});
    }

    void row_sums(Matrix<const T> x, T* out) const {
        on([&](auto k) { k.row_sums(x, out); });
    }

    double sum_squares(const T* x, std::size_t count) const {
        double y = 0;
        on([&](auto k) { y = k.sum_squares(x, count); });
        return y;
    }

    void layer_norm(Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, Matrix<T> normalized,
                    T* inv_std) const {
        on([&](auto k) { k.layer_norm(x, weight, bias, y, normalized, inv_std); });
    }

    void layer_norm_backward(Matrix<const T> dy, const T* weight, Matrix<const T> normalized, const T* inv_std,
                             Matrix<T> dx) const {
        on([&](auto k) { k.layer_norm_backward(dy, weight, normalized, inv_std, dx); });
    }

    void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) const {
        on([&](auto k) { k.segment_sums(x, rows, out); });
    }

    void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) const {
        on([&](auto k) { k.segment_max(x, rows, out, from); });
    }

    template <int Sources>
    void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) const {
        on([&](auto k) { k.gather(sources, out); });
    }

    void embed(const BagSource<T>* sources, int count, Matrix<T> out) const {
        on([&](auto k) { k.embed(sources, count, out); });
    }

    void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) const {
        on([&](auto k) { k.scatter_add(x, index, out); });
    }

    void transpose(Matrix<const T> from, Matrix<T> to) const {
        on([&](auto k) { k.transpose(from, to); });
    }

    void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) const {
        on([&](auto k) { k.pair_dot(query, key, pairs, scale, p, accumulate); });
    }

    void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        on([&](auto k) { k.pair_apply(p, value, pairs, out); });
    }

    void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        on([&](auto k) { k.pair_apply_transposed(p, value, pairs, out); });
    }

    void pair_softmax(T* p, PairLayout pairs, const int* key_length) const {
        on([&](auto k) { k.pair_softmax(p, pairs, key_length); });
    }

    void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) const {
        on([&](auto k) { k.pair_softmax_backward(p, dp, pairs, scale); });
    }

    void column_sums(Matrix<const T> x, T* out) const {
        Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic>>(out, x.cols) +=
            Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>(x.data, x.rows, x.cols, Eigen::OuterStride<>(x.stride))
                .colwise()
                .sum();
    }

    template <class Take>
    void attention_forward(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                           PairLayout pairs, const int* key_length, Take take, Matrix<T> out) const {
        on([&](auto set) { set.attention_forward(q, k, v, heads, scale, pairs, key_length, take, out); });
    }

  private:
    using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    template <class F>
    static void on(F f) {
        Set::template with<T>(f);
    }

    std::shared_ptr<Workers> workers_;
};

static_assert(Backend<Cpu<float>> && Backend<Cpu<double>>);
static_assert(declared_by<Cpu<float>>(&Cpu<float>::fill, &Cpu<float>::layer_norm, &Cpu<float>::layer_norm_backward,
                                      &Cpu<float>::embed, &Cpu<float>::transpose) &&
                  declared_by<Cpu<float>>(&Cpu<float>::affine<Identity, 1>,
                                          &Cpu<float>::attention_forward<float* (*)(std::size_t)>),
              "psad: Cpu overrides a compound operation under a name that BackendDefaults does not have");

}  // namespace psad::backend
