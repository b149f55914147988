// Multi-head attention of whole lists, for inference.

namespace psad::backend::PSAD_KERNEL_SET {

template <class T>
class Attention {
  public:
    /// out = softmax(scale q k^T) v for every head and list, as BackendDefaults::attend. The logits of a list
    /// stand keys by (head, query): no sum of the softmax runs across lanes, and few queries still fill a
    /// vector. Where the queries of a head fill vectors alone, one head follows the other in the same room.
    template <class Take>
    static void attend(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                       PairRows pairs, const int* visible, Take take, Matrix<T> out) {
        const int width = q.cols / heads;
        const auto together = [heads](int m) { return m < 4 * simd::lanes<T> ? heads : 1; };
        std::size_t most = 0;
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int m = pairs.query_end[l] - pairs.query_begin[l];
            const auto columns = static_cast<std::size_t>(together(m) * m);
            const std::size_t size =
                static_cast<std::size_t>(q.cols * m) + static_cast<std::size_t>(n + 1) * columns;
            most = size > most ? size : most;
        }
        T* const room = take(most);
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int m = pairs.query_end[l] - pairs.query_begin[l], columns = together(m) * m;
            const Matrix<T> to = out.row_range(pairs.query_begin[l], m);
            if (m == 0) continue;
            if (n == 0) {
                for (int r = 0; r < m; ++r) std::fill_n(to.row(r), to.cols, T(0));
                continue;
            }
            const Matrix<T> turned{room, q.cols, m, m};  // the queries, depth by queries
            const Matrix<T> logits{room + q.cols * m, n, columns, columns};
            T* const sums = logits.row(n);
            const Matrix<const T> keys = k.row_range(pairs.key_begin[l], n);
            const Matrix<const T> values = v.row_range(pairs.key_begin[l], n);
            if (m > 1) {
                Rows<T>::transpose(q.row_range(pairs.query_begin[l], m), turned);
                PSAD_INDEPENDENT
                for (int i = 0; i < q.cols * m; ++i) turned.data[i] *= scale;
            }
            for (int first = 0; first < heads; first += together(m)) {
                if (m == 1)
                    one_query(q.row(pairs.query_begin[l]), keys, width, scale, logits);
                else
                    dots(keys, turned, first, width, logits);
                if (visible) hide(logits, visible + pairs.query_begin[l], m);
                Rows<T>::in_vectors(columns, [&]<int Vectors>(int c, auto... last) {
                    exponentials<Vectors>(logits, c, sums, last...);
                });
                const Matrix<T> mine = to.columns(first * width, together(m) * width);
                const Matrix<const T> read = values.columns(first * width, together(m) * width);
                if (m == 1 && width == simd::lanes<T> && heads == 4)
                    one_mix<4>(logits, read, mine.data);
                else
                    mix(logits, read, width, mine);
                for (int i = 0; i < columns; ++i) {
                    T* row = mine.row(i % m) + i / m * width;
                    const T by = sums[i] == T(0) ? T(0) : T(1) / sums[i];
                    PSAD_INDEPENDENT
                    for (int c = 0; c < width; ++c) row[c] *= by;
                }
            }
        }
    }

  private:
    using Term = gemm_detail::Term<T>;

    /// The logits of the heads from `first` on, as many as have columns.
    static void dots(Matrix<const T> keys, Matrix<T> turned, int first, int width, Matrix<T> logits) {
        const int m = turned.cols;
        for (int h = 0; h * m < logits.cols; ++h) {
            const int at = (first + h) * width;
            gemm_detail::multiply(Term{keys.data + at, keys.stride, 1, turned.row(at), m, width},
                                  {nullptr, 0}, false, logits.columns(h * m, m));
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
        // A vector per logit: turned, so many of them are summed at once.
        for (int i = 0; i < count; i += lanes) {
            const int here = (std::min)(lanes, count - i);
            simd::Vector<T> m[lanes] = {};
            for (int j = 0; j < here; ++j) {
                const int h = (i + j) % logits.cols;
                m[j] =
                    simd::load(query + h * width) * simd::load(keys.row((i + j) / logits.cols) + h * width);
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

    /// Query r sees its first visible[r] keys.
    static void hide(Matrix<T> logits, const int* visible, int m) {
        for (int key = 0; key < logits.rows; ++key) {
            T* row = logits.row(key);
            for (int c = 0; c < logits.cols; ++c) {
                if (visible[c % m] <= key) row[c] = math::lowest<T>;
            }
        }
    }

    /// Columns [c, c + Vectors vectors): x becomes exp(x - the column's largest), sums their sum.
    template <int Vectors, class... Last>
    static void exponentials(Matrix<T> logits, int c, T* sums, Last... last) {
        using V = simd::Vector<T>;
        constexpr int lanes = simd::lanes<T>;
        V top[Vectors], sum[Vectors] = {};
        for (int v = 0; v < Vectors; ++v)
            top[v] = V{} + std::numeric_limits<T>::lowest();  // finite: all may be hidden
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
