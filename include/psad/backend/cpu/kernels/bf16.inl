// Products with weights in bf16: two steps of depth in one instruction. After simd.inl and gemm.inl, for
// vectors of 64 bytes.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET {

/// Two numbers of bf16, the first in the lower half: neighbours in a row of x or in a column of w.
using Bf16Pair = std::int32_t;

namespace gemm_detail {
template <>
struct FusedMultiplyAdd<Bf16Pair> {
    void operator()(simd::Vector<float>& sum, Bf16Pair x, simd::Vector<Bf16Pair> y) const {
        sum = _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, simd::Vector<Bf16Pair>{} + x),
                               __builtin_bit_cast(__m512bh, y));
    }
};
}  // namespace gemm_detail

/// Numbers rounded to bf16 (nearest, ties to even); `count` is even.
inline void to_bf16(const float* from, int count, Bf16Pair* to) {
    for (int i = 0; i < count; i += 32) {
        const auto left = static_cast<std::uint32_t>(count - i);
        const std::uint32_t mask = left >= 32 ? ~0u : (1u << left) - 1u;
        const auto low = static_cast<__mmask16>(mask), high = static_cast<__mmask16>(mask >> 16);
        const __m512bh rounded = _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, from + i + (high ? 16 : 0)),
                                                     _mm512_maskz_loadu_ps(low, from + i));
        _mm512_mask_storeu_epi16(to + i / 2, mask, __builtin_bit_cast(__m512i, rounded));
    }
}

/// c = act(start + the sum of x w over the factors), act being max(0, x) or nothing; w[i] are the pairs of
/// factor i, whose width is even and, over all factors, at most `max_bf16_depth`.
inline constexpr int max_bf16_depth = 2048;
template <int Factors>
void multiply_bf16(const Factor<float> (&factors)[Factors], const Bf16Pair* const (&w)[Factors], Operand<float> start,
                   bool relu, Matrix<float> c) {
    constexpr int scratch_size = 8 * max_bf16_depth / 2;
    alignas(64) Bf16Pair x[scratch_size];
    int depth = 0;
    for (const Factor<float>& f : factors) depth += f.x.cols / 2;
    const int rows_per_pass = scratch_size / depth;
    for (int first = 0; first < c.rows; first += rows_per_pass) {
        const int rows = (std::min)(rows_per_pass, c.rows - first);
        gemm_detail::Term<Bf16Pair> terms[Factors];
        Bf16Pair* at = x;
        for (int i = 0; i < Factors; ++i) {
            const int pairs = factors[i].x.cols / 2;
            for (int r = 0; r < rows; ++r) to_bf16(factors[i].x.row(first + r), 2 * pairs, at + r * pairs);
            terms[i] = {at, pairs, 1, w[i], c.cols, pairs};
            at += rows * pairs;
        }
        gemm_detail::multiply(std::span<const gemm_detail::Term<Bf16Pair>>(terms), start.from_row(first), relu,
                              c.row_range(first, rows));
    }
}

}  // namespace psad::backend::PSAD_KERNEL_SET
