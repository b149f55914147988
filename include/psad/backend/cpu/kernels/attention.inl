// Multi-head attention of whole lists, for inference.

namespace psad::backend::PSAD_KERNEL_SET {

template <class T>
class Attention {
  public:
    /// out = softmax(scale q k^T) v for every head and list, as ops::Attention. The logits of a list stand
    /// keys by (head, query): no sum of the softmax runs across lanes, and few queries still fill a vector.
    static void attend(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                       PairRows pairs, const int* visible, Matrix<T> out) {
        static thread_local std::vector<T> room;
        const int width = q.cols / heads;
        for (int l = 0; l < pairs.lists; ++l) {
            const int n = pairs.key_end[l] - pairs.key_begin[l];
            const int m = pairs.query_end[l] - pairs.query_begin[l], columns = heads * m;
            const Matrix<T> to = out.row_range(pairs.query_begin[l], m);
            if (m == 0) continue;
            if (n == 0) {
                for (int r = 0; r < m; ++r) std::fill_n(to.row(r), to.cols, T(0));
                continue;
            }
            const auto size = static_cast<std::size_t>(q.cols * m + n * columns + columns);
            if (room.size() < size) room.resize(size);
            const Matrix<T> turned{room.data(), q.cols, m, m};  // the queries, depth by queries
            const Matrix<T> logits{turned.data + q.cols * m, n, columns, columns};
            T* sums = logits.data + n * columns;
            const Matrix<const T> keys = k.row_range(pairs.key_begin[l], n);
            if (m == 1) {
                one_query(q.row(pairs.query_begin[l]), keys, width, scale, logits);
            } else {
                Rows<T>::transpose(q.row_range(pairs.query_begin[l], m), turned);
                PSAD_INDEPENDENT
                for (int i = 0; i < q.cols * m; ++i) turned.data[i] *= scale;
                for (int h = 0; h < heads; ++h)
                    gemm_detail::multiply<T, 1>(
                        {{keys.data + h * width, keys.stride, 1, turned.row(h * width), m, width}},
                        {nullptr, 0}, false, logits.columns(h * m, m));
            }
            if (visible) hide(logits, visible + pairs.query_begin[l], m);
            Rows<T>::in_vectors(columns, [&]<int Vectors>(int c, auto... last) {
                exponentials<Vectors>(logits, c, sums, last...);
            });
            const Matrix<const T> values = v.row_range(pairs.key_begin[l], n);
            if (m == 1 && width == simd::lanes<T> && heads == 4) {
                one_mix<4>(logits, values, to.row(0));
            } else {
                for (int h = 0; h < heads; ++h)
                    gemm_detail::multiply<T, 1>(
                        {{logits.data + h * m, 1, columns, values.data + h * width, values.stride, n}},
                        {nullptr, 0}, false, to.columns(h * width, width));
            }
            for (int r = 0; r < m; ++r) {
                for (int h = 0; h < heads; ++h) {
                    T* row = to.row(r) + h * width;
                    const T by = T(1) / sums[h * m + r];
                    PSAD_INDEPENDENT
                    for (int c = 0; c < width; ++c) row[c] *= by;
                }
            }
        }
    }

  private:
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
        for (int v = 0; v < Vectors; ++v) top[v] = simd::load(logits.data + c + v * lanes, last...);
        for (int key = 1; key < logits.rows; ++key) {
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
