// Multi-head attention of whole lists, for inference.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET {

template <class T>
class Attention {
  public:
    /// out = softmax(scale q k^T) v for every head and list, as BackendDefaults::attention_forward.
    ///
    /// The logits of one list with n keys, m queries and several heads at once lie in scratch as
    ///
    ///                 head 0                 head 1               ...
    ///     key 0       query 0 ... m - 1      query 0 ... m - 1
    ///     ...
    ///     key n - 1
    ///     sums        of exp over the keys, per column
    ///
    /// so no sum of the softmax runs across lanes, and a few queries still fill a vector. Where the queries of one
    /// head fill vectors by themselves, the heads take turns in the same scratch.
    template <class Take>
    static void attention_forward(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                                  PairLayout pairs, const int* key_length, Take take, Matrix<T> out) {
        T* const scratch = take(scratch_size(pairs, heads, q.cols));
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int m = pairs.query_end[l] - pairs.query_begin[l];
            if (m == 0) continue;
            const Matrix<const T> queries = q.row_range(pairs.query_begin[l], m);
            const Matrix<T> to = out.row_range(pairs.query_begin[l], m);
            if (n == 0) {
                for (int r = 0; r < m; ++r) std::fill_n(to.row(r), to.cols, T(0));
                continue;
            }
            const int* visible = key_length ? key_length + pairs.query_begin[l] : nullptr;
            list(queries, k.row_range(pairs.key_begin[l], n), v.row_range(pairs.key_begin[l], n), heads, scale, visible,
                 scratch, to);
        }
    }

  private:
    using Term = gemm_detail::Term<T>;

    /// Heads whose logits lie side by side for m queries.
    static int heads_per_pass(int heads, int m) { return m < 4 * simd::lanes<T> ? heads : 1; }

    /// Numbers of scratch for the largest list: transposed queries, logits and their sums.
    static std::size_t scratch_size(const PairLayout& pairs, int heads, int width) {
        std::size_t largest = 0;
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int m = pairs.query_end[l] - pairs.query_begin[l];
            const auto columns = static_cast<std::size_t>(heads_per_pass(heads, m) * m);
            const std::size_t size = static_cast<std::size_t>(width * m) + static_cast<std::size_t>(n + 1) * columns;
            largest = size > largest ? size : largest;
        }
        return largest;
    }

    /// One list with at least one query and one key. `key_length` has one number per query, or is null.
    static void list(Matrix<const T> q, Matrix<const T> keys, Matrix<const T> values, int heads, T scale,
                     const int* key_length, T* scratch, Matrix<T> to) {
        const int m = q.rows, n = keys.rows, width = q.cols / heads, pass = heads_per_pass(heads, m);
        const int columns = pass * m;
        const Matrix<T> q_transposed{scratch, q.cols, m, m};  // depth by queries
        const Matrix<T> logits{scratch + q.cols * m, n, columns, columns};
        T* const sums = logits.row(n);
        if (m > 1) {
            Rows<T>::transpose(q, q_transposed);
            PSAD_INDEPENDENT
            for (int i = 0; i < q.cols * m; ++i) q_transposed.data[i] *= scale;
        }
        for (int first = 0; first < heads; first += pass) {
            if (m == 1)
                one_query(q.row(0), keys, width, scale, logits);
            else
                dots(keys, q_transposed, first, width, logits);
            if (key_length) hide(logits, key_length, m);
            Rows<T>::in_vectors(
                columns, [&]<int Vectors>(int c, auto... last) { exponentials<Vectors>(logits, c, sums, last...); });
            const Matrix<T> pass_out = to.columns(first * width, pass * width);
            const Matrix<const T> pass_values = values.columns(first * width, pass * width);
            if (m == 1 && width == simd::lanes<T> && heads == 4)
                one_mix<4>(logits, pass_values, pass_out.data);
            else
                mix(logits, pass_values, width, pass_out);
            divide(sums, columns, width, pass_out);
        }
    }

    /// Row i % m of head i / m by its sum i; rows without a visible key stay zero.
    static void divide(const T* sums, int columns, int width, Matrix<T> out) {
        const int m = out.rows;
        for (int i = 0; i < columns; ++i) {
            T* row = out.row(i % m) + i / m * width;
            const T by = sums[i] == T(0) ? T(0) : T(1) / sums[i];
            PSAD_INDEPENDENT
            for (int c = 0; c < width; ++c) row[c] *= by;
        }
    }

    /// The logits of the heads from `first` on, as many as have columns.
    static void dots(Matrix<const T> keys, Matrix<T> q_transposed, int first, int width, Matrix<T> logits) {
        const int m = q_transposed.cols;
        for (int h = 0; h * m < logits.cols; ++h) {
            const int at = (first + h) * width;
            gemm_detail::multiply(Term{keys.data + at, keys.stride, 1, q_transposed.row(at), m, width}, {nullptr, 0},
                                  false, logits.columns(h * m, m));
        }
    }

    /// The values of each head, weighted.
    static void mix(Matrix<T> weights, Matrix<const T> values, int width, Matrix<T> out) {
        const int m = out.rows;
        for (int h = 0; h * m < weights.cols; ++h) {
            const int at = h * width;
            gemm_detail::multiply(
                Term{weights.data + h * m, 1, weights.stride, values.data + at, values.stride, values.rows},
                {nullptr, 0}, false, out.columns(at, width));
        }
    }

    /// The logits of one query: keys by heads.
    static void one_query(const T* query, Matrix<const T> keys, int width, T scale, Matrix<T> logits) {
        constexpr int lanes = simd::lanes<T>;
        const int count = logits.rows * logits.cols;
        if (width != lanes) {
            for (int i = 0; i < count; ++i) {
                const int h = i % logits.cols;
                const T *x = query + h * width, *y = keys.row(i / logits.cols) + h * width;
                logits.data[i] = scale * simd::sum<T>(width, [x, y](int c) { return x[c] * y[c]; });
            }
            return;
        }
        // A vector of products per logit: transposed, a whole vector of logits is summed at once.
        for (int i = 0; i < count; i += lanes) {
            const int here = (std::min)(lanes, count - i);
            simd::Vector<T> m[lanes] = {};
            for (int j = 0; j < here; ++j) {
                const int h = (i + j) % logits.cols;
                m[j] = simd::load(query + h * width) * simd::load(keys.row((i + j) / logits.cols) + h * width);
            }
            simd::transpose<T>(m);
            for (int half = lanes / 2; half > 0; half /= 2) {
                for (int j = 0; j < half; ++j) m[j] += m[j + half];
            }
            simd::store(logits.data + i, m[0] * scale, here);
        }
    }

    /// The values of one query's keys, weighted: a vector per head.
    template <int Heads>
    static void one_mix(Matrix<T> weights, Matrix<const T> values, T* out) {
        simd::Vector<T> sum[Heads] = {};
        for (int key = 0; key < values.rows; ++key) {
            for (int h = 0; h < Heads; ++h)
                sum[h] += weights(key, h) * simd::load(values.row(key) + h * simd::lanes<T>);
        }
        for (int h = 0; h < Heads; ++h) simd::store(out + h * simd::lanes<T>, sum[h]);
    }

    /// Query r sees its first key_length[r] keys.
    static void hide(Matrix<T> logits, const int* key_length, int m) {
        for (int key = 0; key < logits.rows; ++key) {
            T* row = logits.row(key);
            for (int c = 0; c < logits.cols; ++c) {
                if (key_length[c % m] <= key) row[c] = math::lowest<T>;
            }
        }
    }

    /// Columns [c, c + Vectors vectors): x becomes exp(x - the column's largest), sums their sum.
    template <int Vectors, class... Last>
    static void exponentials(Matrix<T> logits, int c, T* sums, Last... last) {
        using V = simd::Vector<T>;
        constexpr int lanes = simd::lanes<T>;
        V top[Vectors], sum[Vectors] = {};
        for (int v = 0; v < Vectors; ++v) top[v] = V{} + std::numeric_limits<T>::lowest();  // finite: all may be hidden
        for (int key = 0; key < logits.rows; ++key) {
            for (int v = 0; v < Vectors; ++v) {
                const V x = simd::load(logits.row(key) + c + v * lanes, last...);
                top[v] = x > top[v] ? x : top[v];
            }
        }
        for (int key = 0; key < logits.rows; ++key) {
            for (int v = 0; v < Vectors; ++v) {
                T* at = logits.row(key) + c + v * lanes;
                const V y = simd::exp(simd::load(at, last...) - top[v]);
                simd::store(at, y, last...);
                sum[v] += y;
            }
        }
        for (int v = 0; v < Vectors; ++v) simd::store(sums + c + v * lanes, sum[v], last...);
    }
};

}  // namespace psad::backend::PSAD_KERNEL_SET
