/// \file portable_kernels.hpp
/// The CPU's kernels on Eigen, for compilers without GNU's vectors: all files of the program are compiled with
/// PSAD_PORTABLE_KERNELS. Held to the same conformance suite as the others; slower than they are
/// (docs/performance.md).
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::backend {
namespace portable {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Window = Eigen::Map<
    std::conditional_t<std::is_const_v<T>, const RowMajor<std::remove_const_t<T>>, RowMajor<std::remove_const_t<T>>>, 0,
    Eigen::OuterStride<>>;
template <class T>
using Numbers =
    Eigen::Map<std::conditional_t<std::is_const_v<T>, const Eigen::Array<std::remove_const_t<T>, 1, Eigen::Dynamic>,
                                  Eigen::Array<std::remove_const_t<T>, 1, Eigen::Dynamic>>>;

/// A matrix as Eigen sees it, without a copy.
template <class T>
Window<T> window(Matrix<T> m) {
    return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.stride)};
}
/// `count` numbers side by side as Eigen sees them.
template <class T>
Numbers<T> numbers(T* first, int count) {
    return {first, count};
}

/// The kernels that Cpu calls: see backend/concept.hpp and backend/defaults.hpp for what each computes.
template <class T>
struct Kernels {
    template <class F>
    static void for_each(int count, F f) {
        for (int i = 0; i < count; ++i) f(i);
    }

    static void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        if (!accumulate) window(c).setZero();
        window(c).noalias() += window(a) * window(b);
    }
    static void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        if (!accumulate) window(c).setZero();
        window(c).noalias() += window(a).transpose() * window(b);
    }

    template <class Act, int Factors>
    static void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            if (start.data)
                numbers(out.row(r), out.cols) = numbers(start.row(r), out.cols);
            else
                numbers(out.row(r), out.cols).setZero();
        }
        for (const Factor<T>& f : factors) window(out).noalias() += window(f.x) * window(f.w);
        if constexpr (!std::is_same_v<Act, Identity>) map<false>(act, out, Operand<T>{out.data, out.stride});
    }

    template <bool Accumulate, class F, class... In>
    static void map(F f, Matrix<T> out, In... in) {
        for (int r = 0; r < out.rows; ++r) {
            T* to = out.row(r);
            [&](const auto*... row) {
                for (int c = 0; c < out.cols; ++c) {
                    const T y = f(In::at(row, c)...);
                    to[c] = Accumulate ? to[c] + y : y;
                }
            }(in.row(r)...);
        }
    }

    static void row_sums(Matrix<const T> x, T* out) {
        for (int r = 0; r < x.rows; ++r) out[r] += numbers(x.row(r), x.cols).sum();
    }
    static double sum_squares(const T* x, std::size_t count) {
        double sum = 0;  // in blocks: exact enough in T, exact across blocks
        for (std::size_t i = 0; i < count; i += block)
            sum += static_cast<double>(numbers(x + i, static_cast<int>((std::min)(block, count - i))).square().sum());
        return sum;
    }

    static void layer_norm(Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, Matrix<T> normalized,
                           T* inv_std) {
        const int n = x.cols;
        for (int r = 0; r < x.rows; ++r) {
            const auto in = numbers(x.row(r), n);
            const T mean = in.sum() / static_cast<T>(n);
            const T variance = (in - mean).square().sum() / static_cast<T>(n);
            const T inverse = T(1) / std::sqrt(variance + T(1e-5));
            if (inv_std) {
                inv_std[r] = inverse;
                numbers(normalized.row(r), n) = (in - mean) * inverse;
            }
            numbers(y.row(r), n) = (in - mean) * inverse * numbers(weight, n) + numbers(bias, n);
        }
    }
    static void layer_norm_backward(Matrix<const T> dy, const T* weight, Matrix<const T> normalized, const T* inv_std,
                                    Matrix<T> dx) {
        const int n = dy.cols;
        const auto w = numbers(weight, n);
        for (int r = 0; r < dy.rows; ++r) {
            const auto d = numbers(dy.row(r), n), z = numbers(normalized.row(r), n);
            const T a = (d * w).sum() / static_cast<T>(n), b = (d * w * z).sum() / static_cast<T>(n);
            numbers(dx.row(r), n) += inv_std[r] * (d * w - a - z * b);
        }
    }

    static void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) {
        for (int l = 0; l < out.rows; ++l) {
            for (int r = rows.begin[l]; r < rows.end[l]; ++r) add(x.row(r), x.cols, out.row(l));
        }
    }
    static void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) {
        for (int l = 0; l < out.rows; ++l) {
            const int begin = rows.begin[l], end = rows.end[l];
            for (int c = 0; c < x.cols; ++c) {
                out(l, c) = begin < end ? x(begin, c) : T(0);
                if (from) from[l * x.cols + c] = begin < end ? begin : -1;
            }
            for (int r = begin + 1; r < end; ++r) {
                for (int c = 0; c < x.cols; ++c) {
                    if (!(x(r, c) > out(l, c))) continue;
                    out(l, c) = x(r, c);
                    if (from) from[l * x.cols + c] = r;
                }
            }
        }
    }

    template <int Sources>
    static void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            numbers(out.row(r), out.cols).setZero();
            for (const RowSource<T>& s : sources) {
                if (s.at(r) >= 0) add(s.table.row(s.at(r)), out.cols, out.row(r));
            }
        }
    }
    static void embed(const BagSource<T>* sources, int count, Matrix<T> out) {
        window(out).setZero();
        for (int i = 0; i < count; ++i) {
            const Bag& bag = sources[i].bag;
            for (int r = 0; r < out.rows; ++r) {
                const int ids = bag.last(r) - bag.first(r);
                const T scale = ids > 1 ? T(1) / static_cast<T>(ids) : T(1);
                for (int j = bag.first(r); j < bag.last(r); ++j) {
                    const T* row = sources[i].table + static_cast<std::ptrdiff_t>(bag.ids[j]) * out.cols;
                    numbers(out.row(r), out.cols) += scale * numbers(row, out.cols);
                }
            }
        }
    }
    static void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) {
        for (int r = 0; r < x.rows; ++r) {
            if (index[r] >= 0) add(x.row(r), x.cols, out.row(index[r]));
        }
    }
    static void transpose(Matrix<const T> from, Matrix<T> to) { window(to) = window(from).transpose(); }

    static void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) {
        for_each_list(pairs, [&](int l, int m, int n) {
            const Matrix<T> out{p + pairs.offset[l], m, n, n};
            if (!accumulate) window(out).setZero();
            window(out).noalias() += scale * window(query.row_range(pairs.query_begin[l], m)) *
                                     window(key.row_range(pairs.key_begin[l], n)).transpose();
        });
    }
    static void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) {
        for_each_list(pairs, [&](int l, int m, int n) {
            window(out.row_range(pairs.query_begin[l], m)).noalias() +=
                window(Matrix<const T>{p + pairs.offset[l], m, n, n}) * window(value.row_range(pairs.key_begin[l], n));
        });
    }
    static void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) {
        for_each_list(pairs, [&](int l, int m, int n) {
            window(out.row_range(pairs.key_begin[l], n)).noalias() +=
                window(Matrix<const T>{p + pairs.offset[l], m, n, n}).transpose() *
                window(value.row_range(pairs.query_begin[l], m));
        });
    }
    static void pair_softmax(T* p, PairLayout pairs, const int* key_length) {
        for_each_list(pairs, [&](int l, int m, int n) {
            for (int i = 0; i < m; ++i)
                softmax(p + pairs.offset[l] + i * n, key_length ? key_length[pairs.query_begin[l] + i] : n, n);
        });
    }
    static void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) {
        for_each_list(pairs, [&](int l, int m, int n) {
            for (int i = 0; i < m; ++i) {
                const auto y = numbers(p + pairs.offset[l] + i * n, n);
                auto d = numbers(dp + pairs.offset[l] + i * n, n);
                const T mean = (y * d).sum();
                d = scale * y * (d - mean);
            }
        });
    }

    template <class Take>
    static void attention_forward(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                                  PairLayout pairs, const int* key_length, Take take, Matrix<T> out) {
        const int width = q.cols / heads;
        std::size_t largest = 0;
        for (int l = 0; l < pairs.lists; ++l)
            largest = (std::max)(
                largest, static_cast<std::size_t>(queries(pairs, l)) * static_cast<std::size_t>(keys(pairs, l)));
        T* const weights = take(largest);
        window(out).setZero();
        for_each_list(pairs, [&](int l, int m, int n) {
            const Matrix<T> p{weights, m, n, n};
            for (int at = 0; at < q.cols; at += width) {
                const auto rows = [&](auto x, int first, int count) {
                    return window(x.columns(at, width).row_range(first, count));
                };
                window(p).noalias() =
                    scale * rows(q, pairs.query_begin[l], m) * rows(k, pairs.key_begin[l], n).transpose();
                for (int i = 0; i < m; ++i) softmax(p.row(i), key_length ? key_length[pairs.query_begin[l] + i] : n, n);
                rows(out, pairs.query_begin[l], m).noalias() = window(p) * rows(v, pairs.key_begin[l], n);
            }
        });
    }

  private:
    static constexpr std::size_t block = 4096;

    static void add(const T* from, int count, T* to) { numbers(to, count) += numbers(from, count); }

    static int queries(const PairLayout& pairs, int l) { return pairs.query_end[l] - pairs.query_begin[l]; }
    static int keys(const PairLayout& pairs, int l) { return pairs.key_end[l] - pairs.key_begin[l]; }
    /// Calls f(list, queries, keys) for every list that has pairs.
    template <class F>
    static void for_each_list(const PairLayout& pairs, F f) {
        for (int l = 0; l < pairs.lists; ++l) {
            if (queries(pairs, l) > 0 && keys(pairs, l) > 0) f(l, queries(pairs, l), keys(pairs, l));
        }
    }
    /// Softmax of the first `seen` of n numbers in place; the others become 0.
    static void softmax(T* row, int seen, int n) {
        if (seen > 0) {
            auto x = numbers(row, seen);
            x = (x - x.maxCoeff()).exp();
            x /= x.sum();
        }
        std::fill(row + seen, row + n, T(0));
    }
};

}  // namespace portable

namespace kernel_set {

/// Eigen's kernels.
struct Portable {
    static constexpr int bytes() { return EIGEN_MAX_ALIGN_BYTES; }
    static bool runs_here() { return true; }
    template <class T, class F>
    static void with(F f) {
        f(portable::Kernels<T>{});
    }
};
}  // namespace kernel_set
}  // namespace psad::backend
