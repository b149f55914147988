/// \file thrust.hpp
/// The backend on Thrust: one source for CUDA and for the host systems TBB, OMP and CPP. Include the header
/// of a system: cpp.hpp, omp.hpp, tbb.hpp, cuda.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "psad/backend/concept.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/backend/thrust/functors.hpp"
#include "psad/backend/thrust/pair_functors.hpp"
#include "psad/backend/thrust/pool.hpp"
#include "psad/backend/thrust/row_functors.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Primitives are launches of thrust_functors, so a system gives the same bits on any number of threads.
/// `System` says how to launch (for_each), how to sort (sort_by_key), where memory lies and how matrices are
/// multiplied (`Products<T>`).
template <class T, class System>
class Thrust : public BackendDefaults<Thrust<T, System>, T> {
  public:
    using Scalar = T;
    using Memory = typename System::Memory;

    Thrust() = default;
    explicit Thrust(int threads) requires(std::is_constructible_v<System, int>) : system_(threads) {}

    void upload(const void* from, std::size_t bytes, void* to) const { system_.upload(from, bytes, to); }
    void download(const void* from, std::size_t bytes, void* to) const { system_.download(from, bytes, to); }

    template <class F>
    void for_each(int count, F f) const {
        if (count > 0) system_.for_each(count, f);
    }

    template <class F>
    void for_each_row(int count, F f) const {
        rows(count, thrust_functors::Columns<F>{f});
    }

    /// One task after another: each of them uses the whole device.
    template <class F>
    void parallel(int count, F f) const {
        for (int i = 0; i < count; ++i) f(i);
    }

    template <class Background, class Work>
    void beside(Background background, Work work) const {
        if constexpr (requires { system_.beside(background, work); })
            system_.beside(background, work);
        else
            BackendDefaults<Thrust, T>::beside(background, work);
    }

    void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        Products::gemm(*this, a, b, c, accumulate);
    }

    void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        Products::gemm_tn(*this, a, b, c, accumulate);
    }

    template <class Take>
    void gemm_nt(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, Take take) const {
        if constexpr (requires { Products::gemm_nt(*this, a, b, c); })
            Products::gemm_nt(*this, a, b, c);
        else
            BackendDefaults<Thrust, T>::gemm_nt(a, b, c, take);
    }

    template <class Act, int Factors>
    void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) const {
        Products::affine(*this, factors, start, act, out);
    }

    template <bool Accumulate, class F, class... In>
    void map(F f, Matrix<T> out, In... in) const {
        for_each(out.rows * out.cols,
                 thrust_functors::Map<Accumulate, F, T, In...>{f, out, ::thrust::make_tuple(in...)});
    }

    void column_sums(Matrix<const T> x, T* out) const {
        constexpr int chunk = 64;
        const int chunks = (x.rows + chunk - 1) / chunk;
        const Pooled<T, Memory> parts(pool_, static_cast<std::size_t>(chunks) * static_cast<std::size_t>(x.cols));
        for_each(chunks * x.cols, thrust_functors::ColumnSumOfChunk<T>{x, chunk, parts.data()});
        rows(x.cols, thrust_functors::SumOfChunks<T, true>{parts.data(), chunks, x.cols, out});
    }

    void row_sums(Matrix<const T> x, T* out) const { for_each(x.rows, thrust_functors::RowSum<T>{x, out}); }

    double sum_squares(const T* x, std::size_t count) const {
        constexpr std::size_t chunk = 4096;
        const std::size_t chunks = (count + chunk - 1) / chunk;
        const Pooled<double, Memory> parts(pool_, chunks + 1);
        double* const total = parts.data() + chunks;
        const auto n = static_cast<int>(chunks);
        rows(n, thrust_functors::SquaresOfChunk<T>{x, count, chunk, parts.data()});
        rows(1, thrust_functors::SumOfChunks<double, false>{parts.data(), n, 1, total});
        double sum = 0;
        download(total, sizeof sum, &sum);
        return sum;
    }

    void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) const {
        for_each(out.rows * out.cols, thrust_functors::SegmentSum<T>{x, rows, out});
    }

    void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) const {
        for_each(out.rows * out.cols, thrust_functors::SegmentMax<T>{x, rows, out, from});
    }

    template <int Sources>
    void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) const {
        thrust_functors::Gather<T, Sources> f;
        std::copy(sources, sources + Sources, f.sources);
        f.out = out;
        for_each(out.rows * out.cols, f);
    }

    void embed(const BagSource<T>* sources, int count, Matrix<T> out) const {
        using F = thrust_functors::Embed<T>;
        int first = 0;
        do {  // also for no source: out is zero then
            F f{{}, (std::min)(F::max_sources, count - first), first == 0, out};
            std::copy_n(sources + first, f.count, f.sources);
            for_each(out.rows * out.cols, f);
            first += F::max_sources;
        } while (first < count);
    }

    /// Entries sorted by the row that they go to; the runs of each row are added up in tiles, and the tiles
    /// of a run that is longer than one.
    void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) const {
        using Sums = thrust_functors::RunSums<T>;
        if (x.rows == 0) return;
        const auto entries = static_cast<std::size_t>(x.rows);
        const int tile = std::clamp(x.rows / 1024, 8, 64);  // few steps within one, and few of them in a run
        const int tiles = (x.rows + tile - 1) / tile;
        const Pooled<unsigned, Memory> to(pool_, entries);
        const Pooled<int, Memory> from(pool_, entries);
        const Pooled<T, Memory> parts(pool_, 2 * static_cast<std::size_t>(tiles) * static_cast<std::size_t>(x.cols));
        const auto none = static_cast<unsigned>(out.rows);
        for_each(x.rows, thrust_functors::Entry{index, none, to.data(), from.data()});
        system_.sort_by_key(pool_, to.data(), from.data(), x.rows, std::bit_width(none));
        const Sums sums{to.data(), from.data(), x, out, tile, tiles, parts.data()};
        for_each(tiles * x.cols, sums);
        rows(tiles * x.cols, thrust_functors::LongRuns<T>{sums});
    }

    void transpose(Matrix<const T> from, Matrix<T> to) const {
        for_each(to.rows * to.cols, thrust_functors::Transposed<T>{from, to});
    }

    void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) const {
        for_each(pairs.rows, thrust_functors::PairDot<T>{query, key, pairs, scale, p, accumulate});
    }

    void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        for_each(pairs.queries * out.cols, thrust_functors::PairApply<T>{p, value, pairs, out});
    }

    void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        for_each(pairs.keys * out.cols, thrust_functors::PairApplyTransposed<T>{p, value, pairs, out});
    }

    void pair_softmax(T* p, PairLayout pairs, const int* key_length) const {
        rows(pairs.queries, thrust_functors::PairSoftmax<T>{p, pairs, key_length});
    }

    void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) const {
        rows(pairs.queries, thrust_functors::PairSoftmaxBackward<T>{p, dp, pairs, scale});
    }

    void layer_norm(Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, Matrix<T> normalized,
                    T* inv_std) const {
        rows(x.rows, thrust_functors::LayerNorm<T>{x, weight, bias, y, normalized, inv_std});
    }
    void layer_norm_backward(Matrix<const T> dy, const T* weight, Matrix<const T> normalized, const T* inv_std,
                             Matrix<T> dx) const {
        rows(dy.rows, thrust_functors::LayerNormBackward<T>{dy, weight, normalized, inv_std, dx});
    }

    template <class Take>
    void attention_forward(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                           PairLayout pairs, const int* key_length, Take, Matrix<T> out) const {
        rows(pairs.queries * heads,
             thrust_functors::AttentionForward<T>{q, k, v, heads, scale, pairs, key_length, out});
    }
    void attention_forward_train(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                                 PairLayout pairs, const int* key_length, T* weights, Matrix<T> out) const {
        rows(pairs.queries * heads,
             thrust_functors::AttentionForwardTrain<T>{q, k, v, heads, scale, pairs, key_length, weights, out});
    }
    template <class Take>
    void attention_backward(const T* weights, Matrix<const T> dout, Matrix<const T> q, Matrix<const T> k,
                            Matrix<const T> v, int heads, T scale, PairLayout pairs, Take take, Matrix<T> dq,
                            Matrix<T> dk, Matrix<T> dv) const {
        T* const dlogits = take(static_cast<std::size_t>(pairs.rows) * static_cast<std::size_t>(heads));
        rows(pairs.queries * heads,
             thrust_functors::AttentionBackwardQuery<T>{weights, dout, k, v, heads, scale, pairs, dlogits, dq});
        if (dk || dv)
            for_each(pairs.keys * dout.cols,
                     thrust_functors::AttentionBackwardKey<T>{weights, dlogits, dout, q, heads, pairs, dk, dv});
    }

    const System& system() const { return system_; }

  private:
    /// f(i, lanes) for every row i; the system decides how many lanes work on a row.
    template <class F>
    void rows(int count, F f) const {
        if (count > 0) system_.for_each_row(count, f);
    }

    using Products = typename System::template Products<T>;

    System system_;
    std::shared_ptr<Pool<Memory>> pool_ = std::make_shared<Pool<Memory>>();
};

}  // namespace psad::backend
