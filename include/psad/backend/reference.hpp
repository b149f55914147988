/// \file reference.hpp
/// The slow, obvious backend: plain loops, no dependency. Other backends are judged against it.
#pragma once

#include <cmath>
#include <cstddef>

#include "psad/backend/concept.hpp"
#include "psad/backend/defaults.hpp"
#include "psad/core/arena.hpp"

namespace psad::inline PSAD_ABI::backend {

template <class T>
class Reference : public BackendDefaults<Reference<T>, T> {
  public:
    using Scalar = T;
    using Memory = HostMemory;

    template <class F>
    void for_each(int count, F f) const {
        for (int i = 0; i < count; ++i) f(i);
    }

    template <class F>
    void parallel(int count, F f) const {
        for (int i = 0; i < count; ++i) f(i);
    }

    void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        for (int i = 0; i < c.rows; ++i) {
            for (int j = 0; j < c.cols; ++j) {
                T sum = accumulate ? c(i, j) : T(0);
                for (int k = 0; k < a.cols; ++k) sum += a(i, k) * b(k, j);
                c(i, j) = sum;
            }
        }
    }

    void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) const {
        for (int i = 0; i < c.rows; ++i) {
            for (int j = 0; j < c.cols; ++j) {
                T sum = accumulate ? c(i, j) : T(0);
                for (int k = 0; k < a.rows; ++k) sum += a(k, i) * b(k, j);
                c(i, j) = sum;
            }
        }
    }

    template <bool Accumulate, class F, class... In>
    void map(F f, Matrix<T> out, In... in) const {
        for (int r = 0; r < out.rows; ++r) {
            for (int c = 0; c < out.cols; ++c) {
                const T y = f(In::at(in.row(r), c)...);
                out(r, c) = Accumulate ? out(r, c) + y : y;
            }
        }
    }

    void column_sums(Matrix<const T> x, T* out) const {
        for (int r = 0; r < x.rows; ++r) {
            for (int c = 0; c < x.cols; ++c) out[c] += x(r, c);
        }
    }

    void row_sums(Matrix<const T> x, T* out) const {
        for (int r = 0; r < x.rows; ++r) {
            for (int c = 0; c < x.cols; ++c) out[r] += x(r, c);
        }
    }

    double sum_squares(const T* x, std::size_t count) const {
        double sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        return sum;
    }

    void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) const {
        for (int l = 0; l < out.rows; ++l) {
            for (int r = rows.begin[l]; r < rows.end[l]; ++r) {
                for (int c = 0; c < x.cols; ++c) out(l, c) += x(r, c);
            }
        }
    }

    void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) const {
        for (int l = 0; l < out.rows; ++l) {
            for (int c = 0; c < x.cols; ++c) {
                int best = -1;
                for (int r = rows.begin[l]; r < rows.end[l]; ++r) {
                    if (best < 0 || x(r, c) > x(best, c)) best = r;
                }
                if (from) from[l * x.cols + c] = best;
                out(l, c) = best < 0 ? T(0) : x(best, c);
            }
        }
    }

    template <int Sources>
    void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) const {
        for (int r = 0; r < out.rows; ++r) {
            for (int c = 0; c < out.cols; ++c) {
                out(r, c) = T(0);
                for (const RowSource<T>& s : sources) {
                    if (s.at(r) >= 0) out(r, c) += s.table(s.at(r), c);
                }
            }
        }
    }

    void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) const {
        for (int r = 0; r < x.rows; ++r) {
            if (index[r] < 0) continue;
            for (int c = 0; c < x.cols; ++c) out(index[r], c) += x(r, c);
        }
    }

    void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) const {
        for_each_pair(pairs, [&](int q, int k, int at) {
            T sum = 0;
            for (int c = 0; c < query.cols; ++c) sum += query(q, c) * key(k, c);
            p[at] = (accumulate ? p[at] : T(0)) + scale * sum;
        });
    }

    void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        for_each_pair(pairs, [&](int q, int k, int at) {
            for (int c = 0; c < out.cols; ++c) out(q, c) += p[at] * value(k, c);
        });
    }

    void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) const {
        for_each_pair(pairs, [&](int q, int k, int at) {
            for (int c = 0; c < out.cols; ++c) out(k, c) += p[at] * value(q, c);
        });
    }

    void pair_softmax(T* p, PairLayout pairs, const int* key_length) const {
        for (int q = 0; q < pairs.queries; ++q) {
            const auto [first_key, n, start] = pairs.row(q);
            T* row = p + start;
            const int seen = key_length ? key_length[q] : n;
            T top = math::lowest<T>;
            for (int j = 0; j < seen; ++j) top = row[j] > top ? row[j] : top;
            T sum = 0;
            for (int j = 0; j < seen; ++j) sum += std::exp(row[j] - top);
            for (int j = 0; j < n; ++j) row[j] = j < seen ? std::exp(row[j] - top) / sum : T(0);
        }
    }

    void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) const {
        for (int q = 0; q < pairs.queries; ++q) {
            const auto [first_key, n, start] = pairs.row(q);
            T dot = 0;
            for (int j = 0; j < n; ++j) dot += p[start + j] * dp[start + j];
            for (int j = 0; j < n; ++j) dp[start + j] = scale * p[start + j] * (dp[start + j] - dot);
        }
    }

  private:
    template <class F>
    static void for_each_pair(PairLayout pairs, F f) {
        for (int l = 0; l < pairs.lists; ++l) {
            int at = pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q) {
                for (int k = pairs.key_begin[l]; k < pairs.key_end[l]; ++k) f(q, k, at++);
            }
        }
    }
};

static_assert(Backend<Reference<float>> && Backend<Reference<double>>);

}  // namespace psad::backend
