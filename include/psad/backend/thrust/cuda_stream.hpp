/// \file cuda_stream.hpp
/// CUDA's memory and the stream that all work of a backend goes through.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI::backend {

namespace cuda_detail {

inline void check(cudaError_t status, const char* doing) {
    if (status == cudaSuccess) return;
    cudaGetLastError();  // clears the sticky error
    throw DeviceError("cuda", doing, cudaGetErrorString(status), "a CUDA device that does it");
}
inline void check(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS)
        throw DeviceError("cuBLAS", doing, cublasGetStatusString(status), "a CUDA device that does it");
}

}  // namespace cuda_detail

/// Device memory. Allocating it is slow, so arenas, pools and buffers above reuse what they hold.
struct CudaMemory {
    static constexpr bool on_host = false;
    static void* allocate(std::size_t bytes) {
        void* p = nullptr;
        cuda_detail::check(cudaMalloc(&p, bytes), ("allocating " + std::to_string(bytes) + " bytes").c_str());
        return p;
    }
    static void* try_allocate(std::size_t bytes) noexcept {
        void* p = nullptr;
        if (cudaMalloc(&p, bytes) == cudaSuccess) return p;
        cudaGetLastError();  // said here, and not by the next check
        return nullptr;
    }
    static void release(void* p) noexcept { cudaFree(p); }  // waits for what still uses it
};

/// Throws DeviceError where there is no card.
inline void require_card() {
    int cards = 0;
    const cudaError_t found = cudaGetDeviceCount(&cards);
    if (found == cudaSuccess && cards > 0) return;
    cudaGetLastError();
    const char* why = found == cudaSuccess ? "none" : cudaGetErrorString(found);
    throw DeviceError("cuda", "", std::string("no card (") + why + ")", "one of NVIDIA's with its driver");
}

/// One stream and its cuBLAS handle, of the card that is current in the thread that makes them.
class CudaStream {
  public:
    explicit CudaStream(cublasMath_t math) {
        require_card();
        cuda_detail::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
        try {
            cuda_detail::check(cublasCreate(&blas_), "starting");
            cuda_detail::check(cublasSetStream(blas_, stream_), "taking the stream");
            cuda_detail::check(cublasSetMathMode(blas_, math), "choosing the precision");
        } catch (...) {
            if (blas_) cublasDestroy(blas_);
            cudaStreamDestroy(stream_);
            throw;
        }
    }
    CudaStream(const CudaStream&) = delete;
    CudaStream& operator=(const CudaStream&) = delete;
    ~CudaStream() {
        cublasDestroy(blas_);
        cudaStreamDestroy(stream_);
    }

    cudaStream_t get() const { return stream_; }
    cublasHandle_t blas() const { return blas_; }

    void upload(const void* from, std::size_t bytes, void* to) const {
        if (bytes > 0) copy(from, bytes, to, cudaMemcpyHostToDevice);
    }
    /// Waits for all work so far.
    void download(const void* from, std::size_t bytes, void* to) const {
        if (bytes > 0) copy(from, bytes, to, cudaMemcpyDeviceToHost);
        cuda_detail::check(cudaStreamSynchronize(stream_), "waiting for its work");
    }

  private:
    void copy(const void* from, std::size_t bytes, void* to, cudaMemcpyKind kind) const {
        cuda_detail::check(cudaMemcpyAsync(to, from, bytes, kind, stream_), "copying");
    }

    cudaStream_t stream_ = nullptr;
    cublasHandle_t blas_ = nullptr;
};

}  // namespace psad::backend
