// The reference with one primitive wrong each: the conformance suite must find every one of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "psad/backend/reference.hpp"

namespace psad::test::mutant {

using Right = backend::Reference<float>;
using In = Matrix<const float>;
using Out = Matrix<float>;

struct Upload : Right {
    void upload(const void* from, std::size_t bytes, void* to) const { Right::upload(from, bytes - 1, to); }
};
struct Download : Right {
    void download(const void* from, std::size_t bytes, void* to) const { Right::download(from, bytes / 2, to); }
};
struct ForEach : Right {
    template <class F>
    void for_each(int count, F f) const {
        Right::for_each(count - 1, f);
    }
};
struct Parallel : Right {
    template <class F>
    void parallel(int count, F f) const {
        Right::parallel(count - 1, f);
    }
};
// Ends a sum one term early.
struct Gemm : Right {
    void gemm(In a, In b, Out c, bool accumulate) const {
        Right::gemm(a.columns(0, a.cols > 1 ? a.cols - 1 : a.cols), b, c, accumulate);
    }
};
struct GemmTn : Right {
    void gemm_tn(In a, In b, Out c, bool) const { Right::gemm_tn(a, b, c, false); }
};
// Reads the start row of another row.
struct Affine : Right {
    template <class Act, int Factors>
    void affine(const Factor<float> (&factors)[Factors], Operand<float> start, Act act, Out out) const {
        start.row_of = nullptr;
        Right::affine(factors, start, act, out);
    }
};
struct Map : Right {
    template <bool, class F, class... Operands>
    void map(F f, Out out, Operands... in) const {
        Right::map<false>(f, out, in...);
    }
};
struct ColumnSums : Right {
    void column_sums(In x, float* out) const {
        std::fill_n(out, x.cols, 0.0f);
        Right::column_sums(x, out);
    }
};
struct RowSums : Right {
    void row_sums(In x, float* out) const { Right::row_sums(x.columns(0, x.cols > 1 ? x.cols - 1 : 1), out); }
};
struct SumSquares : Right {
    double sum_squares(const float* x, std::size_t count) const {
        return Right::sum_squares(x, count > 4096 ? 4096 : count);
    }
};
// One list too few.
struct SegmentSums : Right {
    void segment_sums(In x, Jagged rows, Out out) const {
        Right::segment_sums(x, rows, out.row_range(0, out.rows - 1));
    }
};
struct SegmentMax : Right {
    void segment_max(In x, Jagged rows, Out out, int* from) const {
        Right::segment_max(x, rows, out, from);
        for (int i = 0; from && i < out.rows * out.cols; ++i) from[i] = from[i] < 0 ? 0 : from[i];
    }
};
struct Gather : Right {
    template <int Sources>
    void gather(const RowSource<float> (&sources)[Sources], Out out) const {
        const RowSource<float> first[1] = {sources[0]};
        Right::gather(first, out);
    }
};
struct Embed : Right {
    void embed(const BagSource<float>* sources, int count, Out out) const { Right::embed(sources, count - 1, out); }
};
// The last row that goes somewhere wins.
struct ScatterAdd : Right {
    void scatter_add(In x, const int* index, Out out) const {
        for (int r = 0; r < x.rows; ++r) {
            for (int c = 0; c < x.cols && index[r] >= 0; ++c) out(index[r], c) = x(r, c);
        }
    }
};
struct Transpose : Right {
    void transpose(In from, Out to) const {
        Right::transpose(from.columns(0, from.cols - 1), to.row_range(0, to.rows - 1));
    }
};
struct Fill : Right {
    void fill(float* out, int count, float value) const { Right::fill(out, count - 1, value); }
};
struct PairDot : Right {
    void pair_dot(In query, In key, PairLayout pairs, float, float* p, bool accumulate) const {
        Right::pair_dot(query, key, pairs, 1, p, accumulate);
    }
};
struct PairApply : Right {
    void pair_apply(const float* p, In value, PairLayout pairs, Out out) const {
        for (int r = 0; r < out.rows; ++r) std::fill_n(out.row(r), out.cols, 0.0f);
        Right::pair_apply(p, value, pairs, out);
    }
};
struct PairApplyTransposed : Right {
    void pair_apply_transposed(const float* p, In value, PairLayout pairs, Out out) const {
        --pairs.lists;
        Right::pair_apply_transposed(p, value, pairs, out);
    }
};
struct PairSoftmax : Right {
    void pair_softmax(float* p, PairLayout pairs, const int*) const { Right::pair_softmax(p, pairs, nullptr); }
};
struct PairSoftmaxBackward : Right {
    void pair_softmax_backward(const float* p, float* dp, PairLayout pairs, float) const {
        Right::pair_softmax_backward(p, dp, pairs, 1);
    }
};
struct LayerNorm : Right {
    void layer_norm(In x, const float* weight, const float* bias, Out y, Out normalized, float* inv_std) const {
        Right::layer_norm(x, weight, bias, y, normalized, inv_std);
        for (int r = 0; inv_std && r < x.rows; ++r) inv_std[r] = 1;
    }
};
struct LayerNormBackward : Right {
    void layer_norm_backward(In dy, const float* weight, In normalized, const float* inv_std, Out dx) const {
        Right::layer_norm_backward(dy.row_range(0, 1), weight, normalized, inv_std, dx);
    }
};
// Forgets that some keys are hidden.
struct AttentionForward : Right {
    template <class Take>
    void attention_forward(In q, In k, In v, int heads, float scale, PairLayout pairs, const int*, Take take,
                           Out out) const {
        Right::attention_forward(q, k, v, heads, scale, pairs, nullptr, take, out);
    }
};
// Reads what it is to write.
struct AttentionForwardTrain : Right {
    void attention_forward_train(In q, In k, In v, int heads, float scale, PairLayout pairs, const int* key_length,
                                 float* weights, Out out) const {
        const float before = out(0, 0);
        Right::attention_forward_train(q, k, v, heads, scale, pairs, key_length, weights, out);
        out(0, 0) += 0 * before;
    }
};
struct AttentionBackward : Right {
    template <class Take>
    void attention_backward(const float* weights, In dout, In q, In k, In v, int heads, float, PairLayout pairs,
                            Take take, Out dq, Out dk, Out dv) const {
        Right::attention_backward(weights, dout, q, k, v, heads, 1, pairs, take, dq, dk, dv);
    }
};
struct GemmNt : Right {
    template <class Take>
    void gemm_nt(In a, In b, Out c, Take) const {
        for (int i = 0; i < c.rows; ++i) {
            for (int j = 0; j < c.cols; ++j) c(i, j) = a(i, 0) * b(j, 0);
        }
    }
};
struct ForEachRow : Right {
    template <class F>
    void for_each_row(int count, F f) const {
        for (int i = 0; i < count; ++i) f(i, 0, 2);
    }
};

}  // namespace psad::test::mutant
