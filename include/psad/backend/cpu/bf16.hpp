/// \file bf16.hpp
/// Serving with weights in bf16, for processors that multiply pairs of bf16 as fast as single numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "psad/backend/cpu/bf16_kernels.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/buffer.hpp"

namespace psad::inline PSAD_ABI::backend {

/// The CPU backend for one model: x W of its linear layers with x and W rounded to bf16 and added up in fp32. All
/// else runs in fp32: other operations, layers with a part of odd width. The model must outlive the backend; a Reranker
/// refuses to serve another model with it, a copy too, or this one once its numbers have changed.
class CpuBf16 : public Cpu<float> {
    using Base = Cpu<float>;

  public:
    /// Which processors multiply in bf16; the others stay with fp32.
    enum class Where {
        faster,    ///< AMD's with AVX-512 BF16; the instruction is slower than fp32's on Intel's
        possible,  ///< all with AVX-512 BF16: to see how scores change
    };

    /// `model` is a psad::Model.
    template <class Model>
    explicit CpuBf16(const Model& model, int threads = 1, Where where = Where::faster)
        : CpuBf16(model.registry, model.parameters, threads, where) {
        generation_ = model.generation.number();
    }
    template <class Model>
    explicit CpuBf16(const Model&&, int = 1, Where = Where::faster) = delete;  // would be gone before the first request

    /// Whether these are the weights of a model as it is now.
    template <class Model>
    bool is_of(const Model& model) const {
        return generation_ == 0 || generation_ == model.generation.number();
    }

    /// `registry` is a ParameterRegistry, `parameters` its Parameters<float>.
    template <class Registry, class Parameters>
    CpuBf16(const Registry& registry, const Parameters& parameters, int threads = 1, Where where = Where::faster)
        : Base(threads) {
        if (!multiplies_bf16(where)) return;
        weights_ = parameters.dense.data();
        pairs_ = Buffer<std::int32_t>(parameters.dense.size());
        begins_.resize(parameters.dense.size() / line);
        for (const auto& p : registry.parameters) {
            if (!p.table) pack(p.offset, p.rows, p.cols);
        }
    }

    /// Asks the processor.
    static bool multiplies_bf16(Where where = Where::faster) {
        return where == Where::possible ? runs_bf16() : gains_by_bf16();
    }

    template <class Act, int Factors>
    void affine(const Factor<float> (&factors)[Factors], Operand<float> start, Act act, Matrix<float> out) const {
#if PSAD_BF16_KERNELS
        const std::int32_t* w[Factors];
        if (find(factors, w)) {
            constexpr bool relu = std::is_same_v<Act, Relu>;
            avx512_bf16::multiply_bf16(factors, w, start, relu, out);
            if constexpr (!relu && !std::is_same_v<Act, Identity>)
                map<false>(act, out, Operand<float>{out.data, out.stride});
            return;
        }
#endif
        Base::affine(factors, start, act, out);
    }

  private:
#if PSAD_BF16_KERNELS
    /// A weight's pairs of rows begin where the weight begins.
    void pack(std::size_t offset, int rows, int cols) {
        const float* w = weights_ + offset;
        std::int32_t* to = pairs_.data() + offset;
        for (int r = 0; r + 1 < rows; r += 2, w += 2 * cols, to += cols) {
            for (int c = 0; c < cols; ++c) {
                const float pair[2] = {w[c], w[cols + c]};
                avx512_bf16::to_bf16(pair, 2, to + c);
            }
        }
        const std::size_t end = offset + static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
        for (std::size_t i = offset / line; i * line < end; ++i) begins_[i] = offset;
    }

    /// The pairs of all factors' weights; false where one has none.
    template <int Factors>
    bool find(const Factor<float> (&factors)[Factors], const std::int32_t* (&w)[Factors]) const {
        int depth = 0;
        for (int i = 0; i < Factors; ++i) {
            const Matrix<const float> rows = factors[i].w;
            if (address(rows.data) < address(weights_)) return false;
            const std::size_t at = (address(rows.data) - address(weights_)) / sizeof(float);
            if (at >= pairs_.size() || rows.stride != rows.cols || rows.rows % 2 != 0) return false;
            const std::size_t before = at - begins_[at / line];
            if (before % (2 * static_cast<std::size_t>(rows.cols)) != 0) return false;
            w[i] = pairs_.data() + (at - before / 2);
            depth += rows.rows;
        }
        return depth <= avx512_bf16::max_bf16_depth;
    }
    static std::uintptr_t address(const float* p) {
        return reinterpret_cast<std::uintptr_t>(p);
    }
#else
    void pack(std::size_t, int, int) {}
#endif

    static constexpr std::size_t line = 16;  // numbers of a cache line, on which each weight begins

    std::uint64_t generation_ = 0;  ///< of the model; 0: it was made of parameters alone
    const float* weights_ = nullptr;
    Buffer<std::int32_t> pairs_;
    std::vector<std::size_t> begins_;  ///< by line of the weights: where the weight on it begins
};

}  // namespace psad::backend
