// Products and kernels that take one number or one row after another.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET {

template <class T>
class Elementwise {
  public:
    template <class F>
    static void for_each(int count, F f) {
        for (int i = 0; i < count; ++i) f(i);
    }

    static void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        affine({{a, b}}, Operand<T>{accumulate ? c.data : nullptr, c.stride}, Identity{}, c);
    }

    static void gemm_tn(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
        gemm_detail::multiply(gemm_detail::Term<T>{a.data, 1, a.stride, b.data, b.stride, a.rows},
                              {accumulate ? c.data : nullptr, c.stride}, false, c);
    }

    template <class Act, int Factors>
    static void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) {
        constexpr bool relu = std::is_same_v<Act, Relu>;
        bool column = out.cols == 1;
        for (const Factor<T>& f : factors) column = column && f.w.stride == 1;
        if (column) {
            for (const Factor<T>& f : factors) {
                times_vector(f.x, f.w.data, start, out);
                start = {out.data, out.stride};
            }
        } else {
            using Term = gemm_detail::Term<T>;
            Term terms[Factors];
            for (int i = 0; i < Factors; ++i) terms[i] = Term::of(factors[i].x, factors[i].w);
            if constexpr (Factors == 1)
                gemm_detail::multiply(terms[0], start, relu, out);
            else
                gemm_detail::multiply(std::span<const Term>(terms), start, relu, out);
        }
        if (!std::is_same_v<Act, Identity> && (column || !relu)) {
            map<false>(act, out, Operand<T>{out.data, out.stride});
        }
    }

    template <bool Accumulate, class F, class... In>
    static void map(F f, Matrix<T> out, In... in) {
        const bool flat =
            ((In::per_row ? in.stride == 0 : (!in.row_of && in.stride == out.cols)) && ...) && out.contiguous();
        if (flat) {
            map_row<Accumulate>(f, out.data, out.rows * out.cols, reader(in, 0)...);
        } else {
            for (int r = 0; r < out.rows; ++r) map_row<Accumulate>(f, out.row(r), out.cols, reader(in, r)...);
        }
    }

    static void row_sums(Matrix<const T> x, T* out) {
        for (int r = 0; r < x.rows; ++r) {
            const T* row = x.row(r);
            out[r] += simd::sum<T>(x.cols, [row](int c) { return row[c]; });
        }
    }

    static double sum_squares(const T* x, std::size_t count) {
        double sum = 0;  // in blocks: exact enough in T, exact across blocks
        for (std::size_t i = 0; i < count; i += block) {
            const T* p = x + i;
            sum += static_cast<double>(
                simd::sum<T>(static_cast<int>((std::min)(block, count - i)), [p](int j) { return p[j] * p[j]; }));
        }
        return sum;
    }

    static void layer_norm(Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, Matrix<T> normalized,
                           T* inv_std) {
        const int n = x.cols;
        for (int r = 0; r < x.rows; ++r) {
            const T* in = x.row(r);
            T* out = y.row(r);
            const T mean = simd::sum<T>(n, [in](int c) { return in[c]; }) / static_cast<T>(n);
            const T spread = simd::sum<T>(n, [in, mean](int c) { return (in[c] - mean) * (in[c] - mean); });
            const T inverse = T(1) / std::sqrt(spread / static_cast<T>(n) + T(1e-5));
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) out[c] = (in[c] - mean) * inverse * weight[c] + bias[c];
            if (!inv_std) continue;
            inv_std[r] = inverse;
            T* z = normalized.row(r);
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) z[c] = (in[c] - mean) * inverse;
        }
    }

    static void layer_norm_backward(Matrix<const T> dy, const T* weight, Matrix<const T> normalized, const T* inv_std,
                                    Matrix<T> dx) {
        const int n = dy.cols;
        for (int r = 0; r < dy.rows; ++r) {
            const T* d = dy.row(r);
            const T* z = normalized.row(r);
            T* out = dx.row(r);
            const T a = simd::sum<T>(n, [d, weight](int c) { return d[c] * weight[c]; }) / static_cast<T>(n);
            const T b = simd::sum<T>(n, [d, weight, z](int c) { return d[c] * weight[c] * z[c]; }) / static_cast<T>(n);
            const T by = inv_std[r];
            PSAD_INDEPENDENT
            for (int c = 0; c < n; ++c) out[c] += by * (d[c] * weight[c] - a - z[c] * b);
        }
    }

  private:
    static constexpr std::size_t block = 4096;

    /// out = start + x w for a single column.
    static void times_vector(Matrix<const T> x, const T* w, Operand<T> start, Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            const T* row = x.row(r);
            out(r, 0) =
                (start.data ? start.row(r)[0] : T(0)) + simd::sum<T>(x.cols, [row, w](int k) { return row[k] * w[k]; });
        }
    }

    /// One row of an argument with its per-row number already read.
    template <bool PerRow>
    struct Reader {
        const T* row;
        T number;
        T operator()(int c) const { return PerRow ? number : row[c]; }
    };
    template <bool PerRow>
    static Reader<PerRow> reader(const Operand<T, PerRow>& in, int r) {
        const T* row = in.row(r);
        return {row, PerRow ? row[0] : T(0)};
    }

    template <bool Accumulate, class F, class... Readers>
    static void map_row(F f, T* out, int n, Readers... in) {
        PSAD_INDEPENDENT
        for (int c = 0; c < n; ++c) {
            const T y = f(in(c)...);
            out[c] = Accumulate ? out[c] + y : y;
        }
    }
};

template <class T>
struct Kernels : Elementwise<T>, Rows<T>, Pairs<T>, Attention<T> {};

}  // namespace psad::backend::PSAD_KERNEL_SET
