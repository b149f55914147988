// Kernels over matrices of (query, key) pairs, one per list.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET {

template <class T>
class Pairs {
  public:
    static void pair_dot(Matrix<const T> query, Matrix<const T> key, PairLayout pairs, T scale, T* p, bool accumulate) {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int queries = pairs.query_end[l] - pairs.query_begin[l];
            if (n == 0 || queries == 0) continue;
            T* out = p + pairs.offset[l];
            const Matrix<const T> q = query.row_range(pairs.query_begin[l], queries);
            const Matrix<const T> k = key.row_range(pairs.key_begin[l], n);
            if (queries == 1) {
                for (int j = 0; j < n; ++j) {
                    const T* row = k.row(j);
                    const T* to = q.data;
                    const T dot = simd::sum<T>(k.cols, [row, to](int c) { return row[c] * to[c]; });
                    out[j] = (accumulate ? out[j] : T(0)) + scale * dot;
                }
                continue;
            }
            for (int j = 0; j < n; j += tile_keys) {
                const int keys = (std::min)(tile_keys, n - j);
                dot_tile(q, k.row_range(j, keys), scale, accumulate, {out + j, queries, keys, n});
            }
        }
    }

    static void pair_apply(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const Matrix<T> to = out.row_range(pairs.query_begin[l], pairs.query_end[l] - pairs.query_begin[l]);
            const T* keys = value.row(pairs.key_begin[l]);
            multiply({p + pairs.offset[l], n, 1, keys, value.stride, n}, {to.data, to.stride}, to);
        }
    }

    static void pair_apply_transposed(const T* p, Matrix<const T> value, PairLayout pairs, Matrix<T> out) {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int queries = pairs.query_end[l] - pairs.query_begin[l];
            const Matrix<T> to = out.row_range(pairs.key_begin[l], n);
            const T* asked = value.row(pairs.query_begin[l]);
            multiply({p + pairs.offset[l], 1, n, asked, value.stride, queries}, {to.data, to.stride}, to);
        }
    }

    static void pair_softmax(T* p, PairLayout pairs, const int* key_length) {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            T* row = p + pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, row += n) {
                const int seen = key_length ? key_length[q] : n;
                switch ((seen + simd::lanes<T> - 1) / simd::lanes<T>) {
                    // clang-format off
                    case 0: break;
                    case 1: softmax<1>(row, seen); break;
                    case 2: softmax<2>(row, seen); break;
                    case 3: softmax<3>(row, seen); break;
                    case 4: softmax<4>(row, seen); break;
                    default: softmax(row, seen);
                        // clang-format on
                }
                for (int j = seen; j < n; ++j) row[j] = T(0);
            }
        }
    }

    static void pair_softmax_backward(const T* p, T* dp, PairLayout pairs, T scale) {
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const T* y = p + pairs.offset[l];
            T* d = dp + pairs.offset[l];
            for (int q = pairs.query_begin[l]; q < pairs.query_end[l]; ++q, y += n, d += n) {
                const T dot = simd::sum<T>(n, [y, d](int j) { return y[j] * d[j]; });
                PSAD_INDEPENDENT
                for (int j = 0; j < n; ++j) d[j] = scale * y[j] * (d[j] - dot);
            }
        }
    }

  private:
    static constexpr int tile_keys = gemm_detail::tile_vectors * simd::lanes<T>, tile_depth = 128;

    /// out = scale * query * key^T, or that added to it, for as many keys as one panel of a product has columns.
    static void dot_tile(Matrix<const T> query, Matrix<const T> key, T scale, bool accumulate, Matrix<T> out) {
        // On the stack: a request neither allocates nor needs what a thread has to register first.
        alignas(64) T transposed[tile_depth * tile_keys];
        int first = 0;
        do {
            const int depth = (std::min)(tile_depth, key.cols - first);
            Rows<T>::transpose(key.columns(first, depth), {transposed, depth, key.rows, key.rows}, scale);
            multiply({query.data + first, query.stride, 1, transposed, key.rows, depth},
                     {accumulate || first > 0 ? out.data : nullptr, out.stride}, out);
            first += depth;
        } while (first < key.cols);
    }

    static void softmax(T* row, int n) {
        const T top = simd::max(row, n);
        PSAD_INDEPENDENT
        for (int j = 0; j < n; ++j) row[j] = math::exp(row[j] - top);
        const T scale = T(1) / simd::sum<T>(n, [row](int j) { return row[j]; });
        for (int j = 0; j < n; ++j) row[j] *= scale;
    }

    /// The same in registers, for a row of so many vectors.
    template <int Vectors>
    static void softmax(T* row, int n) {
        using V = simd::Vector<T>;
        constexpr int lanes = simd::lanes<T>;
        const int last = n - (Vectors - 1) * lanes;
        V x[Vectors];
        for (int v = 0; v + 1 < Vectors; ++v) x[v] = simd::load(row + v * lanes);
        x[Vectors - 1] = simd::load(row + (Vectors - 1) * lanes, last, math::lowest<T>);
        V top = x[0];
        for (int v = 1; v < Vectors; ++v) top = x[v] > top ? x[v] : top;
        const T largest = simd::max_lanes<T>(top);
        V sum{};
        for (int v = 0; v < Vectors; ++v) sum += x[v] = simd::exp(x[v] - largest);
        const T scale = T(1) / simd::sum_lanes<T>(sum);
        for (int v = 0; v + 1 < Vectors; ++v) simd::store(row + v * lanes, x[v] * scale);
        simd::store(row + (Vectors - 1) * lanes, x[Vectors - 1] * scale, last);
    }

    static void multiply(gemm_detail::Term<T> term, Operand<T> start, Matrix<T> c) {
        gemm_detail::multiply(term, start, false, c);
    }
};

}  // namespace psad::backend::PSAD_KERNEL_SET
