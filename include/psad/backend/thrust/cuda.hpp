/// \file cuda.hpp
/// A CUDA card as a device. For nvcc: kernels are launched here.
#pragma once

#if !defined(__CUDACC__)
#error "psad: psad/backend/thrust/cuda.hpp is for nvcc; a host compiler takes cpp.hpp, omp.hpp or tbb.hpp"
#endif

#include <cub/device/device_radix_sort.cuh>

#include <memory>
#include <type_traits>

#include "psad/backend/thrust/cuda_stream.hpp"
#include "psad/backend/thrust/cuda_warp.hpp"
#include "psad/backend/thrust/thrust.hpp"

namespace psad {

/// How a card multiplies matrices of float: with all 24 bits, or in tensor cores with 11 (TF32).
namespace precision {
struct Full {
    static constexpr cublasMath_t math = CUBLAS_PEDANTIC_MATH;
};
struct Tf32 {
    static constexpr cublasMath_t math = CUBLAS_TF32_TENSOR_OP_MATH;
};
}  // namespace precision

namespace cuda_kernels {

inline constexpr int threads = 128;  // small, so that a few thousand results already spread over the card

template <class F>
__global__ void __launch_bounds__(threads) for_each(int count, F f) {
    const int i = static_cast<int>(blockIdx.x * threads + threadIdx.x);
    if (i < count) f(i);
}

/// f(i, lane) by a warp for each i.
template <class F>
__global__ void __launch_bounds__(threads) for_each_warp(int count, F f) {
    const int i =
        static_cast<int>(blockIdx.x * (threads / cuda_warp::lanes) + threadIdx.x / cuda_warp::lanes);
    if (i < count) f(i, static_cast<int>(threadIdx.x % cuda_warp::lanes));
}

/// out = act(out + start), element by element.
template <class T, class Act>
struct Finish {
    Operand<T> start;
    Act act;
    Matrix<T> out;
    __device__ void operator()(int i) const {
        const int r = i / out.cols, c = i % out.cols;
        out(r, c) = act(start.data ? out(r, c) + start.row(r)[c] : out(r, c));
    }
};

}  // namespace cuda_kernels

namespace backend {

/// Products by cuBLAS, which knows columns where psad knows rows: c^T = b^T a^T.
template <class T>
class CudaProducts {
  public:
    template <class B>
    static void gemm(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        multiply(backend, CUBLAS_OP_N, a, a.cols, b, c, accumulate);
    }
    template <class B>
    static void gemm_transposed(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c,
                                bool accumulate) {
        multiply(backend, CUBLAS_OP_T, a, a.rows, b, c, accumulate);
    }
    /// The products, then start and activation in one pass.
    template <class B, class Act, int Factors>
    static void affine(const B& backend, const Factor<T> (&factors)[Factors], Operand<T> start, Act act,
                       Matrix<T> out) {
        bool begun = false;
        for (const auto& [x, w] : factors) {
            gemm(backend, x, w, out, begun);
            begun = true;
        }
        if (start.data || !std::is_same_v<Act, Identity>)
            backend.for_each(out.rows * out.cols, cuda_kernels::Finish<T, Act>{start, act, out});
    }

  private:
    template <class B>
    static void multiply(const B& backend, cublasOperation_t of_a, Matrix<const T> a, int depth,
                         Matrix<const T> b, Matrix<T> c, bool accumulate) {
        if (c.rows == 0 || c.cols == 0) return;
        if (depth == 0) {
            if (!accumulate) backend.for_each(c.rows, kernels::FillRow<T>{c, T(0)});
            return;
        }
        const T one = 1, start = accumulate ? T(1) : T(0);
        const cublasHandle_t blas = backend.system().stream().blas();
        const auto call = [&](auto f) {
            cuda_detail::check(f(blas, CUBLAS_OP_N, of_a, c.cols, c.rows, depth, &one, b.data, b.stride,
                                 a.data, a.stride, &start, c.data, c.stride),
                               "multiplying matrices");
        };
        if constexpr (std::is_same_v<T, float>)
            call(cublasSgemm);
        else
            call(cublasDgemm);
    }
};

template <class Precision>
class CudaSystem {
  public:
    using Memory = CudaMemory;
    template <class T>
    using Products = CudaProducts<T>;

    explicit CudaSystem(int card) : stream_(std::make_shared<CudaStream>(card, Precision::math)) {}

    const CudaStream& stream() const { return *stream_; }

    /// One kernel. Thrust's own for_each takes 512 results a block: a batch of a hundred lists would leave
    /// most of the card idle.
    template <class F>
    void for_each(int count, F f) const {
        cuda_kernels::
            for_each<<<blocks(count, cuda_kernels::threads), cuda_kernels::threads, 0, stream_->get()>>>(
                count, f);
        cuda_detail::check(cudaPeekAtLastError(), "launching a kernel");
    }
    template <class F>
    void for_each_warp(int count, F f) const {
        if (count == 0) return;
        cuda_kernels::for_each_warp<<<blocks(count, cuda_kernels::threads / cuda_warp::lanes),
                                      cuda_kernels::threads, 0, stream_->get()>>>(count, f);
        cuda_detail::check(cudaPeekAtLastError(), "launching a kernel");
    }

    /// Keys of `bits` bits ascending, the values of equal keys in their order.
    void sort_by_key(const std::shared_ptr<Pool<Memory>>& pool, unsigned* keys, int* values, int count,
                     int bits) const {
        const auto n = static_cast<std::size_t>(count);
        const Pooled<unsigned, Memory> other_keys(pool, n);
        const Pooled<int, Memory> other_values(pool, n);
        cub::DoubleBuffer<unsigned> k(keys, other_keys.data());
        cub::DoubleBuffer<int> v(values, other_values.data());
        const auto sort = [&](void* room, std::size_t& bytes) {
            cuda_detail::check(
                cub::DeviceRadixSort::SortPairs(room, bytes, k, v, count, 0, bits, stream_->get()),
                "sorting");
        };
        std::size_t bytes = 0;
        sort(nullptr, bytes);
        const Pooled<char, Memory> room(pool, bytes);
        sort(room.data(), bytes);
        copy(k.Current(), n, keys);
        copy(v.Current(), n, values);
    }

    double read(const double* x) const {
        double out = 0;
        stream_->download(x, sizeof out, &out);
        return out;
    }

  private:
    static unsigned blocks(int count, int each) { return static_cast<unsigned>((count - 1) / each + 1); }
    template <class U>
    void copy(const U* from, std::size_t count, U* to) const {
        if (from == to) return;
        cuda_detail::check(
            cudaMemcpyAsync(to, from, count * sizeof(U), cudaMemcpyDeviceToDevice, stream_->get()),
            "copying");
    }

    std::shared_ptr<CudaStream> stream_;
};

/// All work goes to one stream, in the order of the calls; only download and sum_squares wait. Rows that a
/// single thread would walk through are a warp's here.
template <class T, class Precision = precision::Full>
class Cuda : public Thrust<T, CudaSystem<Precision>> {
    using Base = Thrust<T, CudaSystem<Precision>>;

  public:
    using Memory = CudaMemory;

    /// Throws DeviceError where there is no such card.
    explicit Cuda(int card = 0) : Base(card) {}

    void upload(const void* from, std::size_t bytes, void* to) const { stream().upload(from, bytes, to); }
    void download(const void* from, std::size_t bytes, void* to) const { stream().download(from, bytes, to); }

    void layer_norm(Matrix<const T> x, const T* gain, const T* shift, Matrix<T> y, Matrix<T> normal,
                    T* rate) const {
        warps(x.rows, cuda_warp::LayerNorm<T>{x, gain, shift, y, normal, rate});
    }
    void layer_norm_backward(Matrix<const T> dy, const T* gain, Matrix<const T> normal, const T* rate,
                             Matrix<T> dx) const {
        warps(dy.rows, cuda_warp::LayerNormBackward<T>{dy, gain, normal, rate, dx});
    }
    void pair_softmax(T* p, PairRows pairs, const int* visible) const {
        warps(pairs.queries, cuda_warp::PairSoftmax<T>{p, pairs, visible});
    }
    void pair_softmax_backward(const T* p, T* dp, PairRows pairs, T scale) const {
        warps(pairs.queries, cuda_warp::PairSoftmaxBackward<T>{p, dp, pairs, scale});
    }
    template <class Take>
    void attend(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale, PairRows pairs,
                const int* visible, Take, Matrix<T> out) const {
        warps(pairs.queries * heads, cuda_warp::Attend<T>{q, k, v, heads, scale, pairs, visible, out});
    }

    double sum_squares(const T* x, std::size_t count) const {
        constexpr std::size_t chunk = 4096;
        const std::size_t chunks = (count + chunk - 1) / chunk;
        const Pooled<double, Memory> parts(this->pool(), chunks + 1);
        double* const total = parts.data() + chunks;
        warps(static_cast<int>(chunks), cuda_warp::SquaresOfChunk<T>{x, count, chunk, parts.data()});
        warps(1, cuda_warp::Sum{parts.data(), static_cast<int>(chunks), total});
        return this->system().read(total);
    }

  private:
    const CudaStream& stream() const { return this->system().stream(); }
    template <class F>
    void warps(int count, F f) const {
        this->system().for_each_warp(count, f);
    }
};

static_assert(Backend<Cuda<float>> && Backend<Cuda<double>>);

}  // namespace backend
}  // namespace psad
