/// \file cuda.hpp
/// A CUDA card as a device. For nvcc: kernels are launched here.
#pragma once

#if !defined(__CUDACC__)
#error "psad: psad/backend/thrust/cuda.hpp is for nvcc; a host compiler takes cpp.hpp, omp.hpp or tbb.hpp"
#endif

#include <cub/device/device_radix_sort.cuh>

#include <tbb/task_group.h>

#include <exception>
#include <memory>
#include <type_traits>

#include "psad/backend/thrust/cuda_stream.hpp"
#include "psad/backend/thrust/lanes.hpp"
#include "psad/backend/thrust/thrust.hpp"

namespace psad::inline PSAD_ABI {

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

/// f(i, lanes) by a warp for each i.
template <class F>
__global__ void __launch_bounds__(threads) for_each_row(int count, F f) {
    constexpr int lanes = thrust_functors::WarpLanes::count;
    const int i = static_cast<int>(blockIdx.x * (threads / lanes) + threadIdx.x / lanes);
    if (i < count) f(i, thrust_functors::WarpLanes{static_cast<int>(threadIdx.x % lanes)});
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
        multiply(backend, CUBLAS_OP_N, a, a.cols, CUBLAS_OP_N, b, c, accumulate);
    }
    template <class B>
    static void gemm_tn(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        multiply(backend, CUBLAS_OP_T, a, a.rows, CUBLAS_OP_N, b, c, accumulate);
    }
    template <class B>
    static void gemm_nt(const B& backend, Matrix<const T> a, Matrix<const T> b, Matrix<T> c) {
        multiply(backend, CUBLAS_OP_N, a, a.cols, CUBLAS_OP_T, b, c, true);
    }
    /// The products, then start and activation in one pass.
    template <class B, class Act, int Factors>
    static void affine(const B& backend, const Factor<T> (&factors)[Factors], Operand<T> start, Act act,
                       Matrix<T> out) {
        bool accumulate = false;
        for (const auto& [x, w] : factors) {
            gemm(backend, x, w, out, accumulate);
            accumulate = true;
        }
        if (start.data || !std::is_same_v<Act, Identity>)
            backend.for_each(out.rows * out.cols, cuda_kernels::Finish<T, Act>{start, act, out});
    }

  private:
    template <class B>
    static void multiply(const B& backend, cublasOperation_t of_a, Matrix<const T> a, int depth, cublasOperation_t of_b,
                         Matrix<const T> b, Matrix<T> c, bool accumulate) {
        if (c.rows == 0 || c.cols == 0) return;
        if (depth == 0) {
            if (!accumulate) backend.for_each_row(c.rows, default_kernels::FillRow<T>{c, T(0)});
            return;
        }
        const T one = 1, start = accumulate ? T(1) : T(0);
        const cublasHandle_t blas = backend.system().stream().blas();
        const auto call = [&](auto f) {
            cuda_detail::check(f(blas, of_b, of_a, c.cols, c.rows, depth, &one, b.data, b.stride, a.data, a.stride,
                                 &start, c.data, c.stride),
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

    CudaSystem() : stream_(std::make_shared<CudaStream>(Precision::math)) {}

    const CudaStream& stream() const { return *stream_; }

    /// One kernel. Thrust's own for_each takes 512 results a block: a batch of a hundred lists would leave
    /// most of the card idle.
    template <class F>
    void for_each(int count, F f) const {
        launch(cuda_kernels::for_each<F>, count, cuda_kernels::threads, f);
    }

    /// A warp each.
    template <class F>
    void for_each_row(int count, F f) const {
        constexpr int rows = cuda_kernels::threads / thrust_functors::WarpLanes::count;
        launch(cuda_kernels::for_each_row<F>, count, rows, f);
    }

    /// Keys of `bits` bits ascending, the values of equal keys in their order.
    void sort_by_key(const std::shared_ptr<Pool<Memory>>& pool, unsigned* keys, int* values, int count,
                     int bits) const {
        const auto n = static_cast<std::size_t>(count);
        const Pooled<unsigned, Memory> other_keys(pool, n);
        const Pooled<int, Memory> other_values(pool, n);
        cub::DoubleBuffer<unsigned> k(keys, other_keys.data());
        cub::DoubleBuffer<int> v(values, other_values.data());
        const auto sort = [&](void* scratch, std::size_t& bytes) {
            cuda_detail::check(cub::DeviceRadixSort::SortPairs(scratch, bytes, k, v, count, 0, bits, stream_->get()),
                               "sorting");
        };
        std::size_t bytes = 0;
        sort(nullptr, bytes);
        const Pooled<char, Memory> scratch(pool, bytes);
        sort(scratch.data(), bytes);
        copy(k.Current(), n, keys);
        copy(v.Current(), n, values);
    }

    /// work() on this thread, which is the one that talks to the card, and background() on another.
    template <class Background, class Work>
    void beside(Background background, Work work) const {
        tbb::task_group tasks;
        tasks.run(background);
        std::exception_ptr failed;
        try {
            work();
        } catch (...) {
            failed = std::current_exception();
        }
        tasks.wait();
        if (failed) std::rethrow_exception(failed);
    }

    void upload(const void* from, std::size_t bytes, void* to) const { stream_->upload(from, bytes, to); }
    void download(const void* from, std::size_t bytes, void* to) const { stream_->download(from, bytes, to); }

  private:
    /// `each` of the results are a block's.
    template <class Kernel, class F>
    void launch(Kernel kernel, int count, int each, F f) const {
        cudaLaunchConfig_t how{};
        how.gridDim.x = static_cast<unsigned>((count - 1) / each + 1);
        how.blockDim.x = cuda_kernels::threads;
        how.stream = stream_->get();
        cuda_detail::check(cudaLaunchKernelEx(&how, kernel, count, f), "launching a kernel");
    }

    template <class U>
    void copy(const U* from, std::size_t count, U* to) const {
        if (from == to) return;
        cuda_detail::check(cudaMemcpyAsync(to, from, count * sizeof(U), cudaMemcpyDeviceToDevice, stream_->get()),
                           "copying");
    }

    std::shared_ptr<CudaStream> stream_;
};

/// The card that is current (cudaSetDevice; the first if nobody chose) in the thread that makes it, and must
/// be in all that use it. All work goes to one stream, in the order of the calls; once memory is warm only
/// download and sum_squares wait. Throws DeviceError where there is no card.
template <class T, class Precision = precision::Full>
using Cuda = Thrust<T, CudaSystem<Precision>>;

static_assert(Backend<Cuda<float>> && Backend<Cuda<double>> && Backend<Cuda<float, precision::Tf32>>);

}  // namespace backend
}  // namespace psad
