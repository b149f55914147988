// Vectors of PSAD_VECTOR_BYTES, and row reductions whose order depends on the length alone.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET::simd {

inline constexpr int bytes = PSAD_VECTOR_BYTES;
inline constexpr int registers = bytes == 64 ? 32 : 16;

template <class T>
inline constexpr int lanes = bytes / static_cast<int>(sizeof(T));

template <class T>
struct VectorOf {
    typedef T type __attribute__((vector_size(bytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
inline Vector<T> load(const T* p) {
    Vector<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
inline void store(T* p, Vector<T> v) {
    std::memcpy(p, &v, sizeof v);
}

#if PSAD_VECTOR_BYTES == 32
/// All bits set in the first `count` lanes of T.
template <class T>
inline __m256i first_lanes(int count) {
    alignas(64) static constexpr int bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits + 8 - count * static_cast<int>(sizeof(T)) / 4));
}
#endif

/// The first `count` lanes, 1 to all; the others are zero and their memory is not touched.
template <class T>
inline Vector<T> load(const T* p, int count) {
#if PSAD_VECTOR_BYTES == 64
    const auto lanes_read = (1u << count) - 1u;
    if constexpr (sizeof(T) == 4)
        return __builtin_bit_cast(Vector<T>, _mm512_maskz_loadu_ps(static_cast<__mmask16>(lanes_read), p));
    else
        return _mm512_maskz_loadu_pd(static_cast<__mmask8>(lanes_read), p);
#elif PSAD_VECTOR_BYTES == 32
    if constexpr (sizeof(T) == 4)
        return _mm256_maskload_ps(p, first_lanes<T>(count));
    else
        return _mm256_maskload_pd(p, first_lanes<T>(count));
#else
    Vector<T> v{};
    for (int i = 0; i < lanes<T>; ++i) v[i] = i < count ? p[i] : T(0);
    return v;
#endif
}

/// The first `count` lanes, 1 to all; the others are `fill` and their memory is not touched.
template <class T>
inline Vector<T> load(const T* p, int count, T fill) {
    const Vector<T> read = load(p, count);
    if (count == lanes<T>) return read;
    Vector<T> index;
    for (int i = 0; i < lanes<T>; ++i) index[i] = static_cast<T>(i);
    return index < static_cast<T>(count) ? read : Vector<T>{} + fill;
}

template <class T>
inline void store(T* p, Vector<T> v, int count) {
#if PSAD_VECTOR_BYTES == 64
    const auto lanes_written = (1u << count) - 1u;
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>(lanes_written), v);
    else
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>(lanes_written), v);
#elif PSAD_VECTOR_BYTES == 32
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(p, first_lanes<T>(count), v);
    else
        _mm256_maskstore_pd(p, first_lanes<T>(count), v);
#else
    for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
}

/// Swaps blocks of `Half` lanes between rows that lie `Half` apart.
template <int Half, class T, int... Lane>
inline void swap_halves(Vector<T> (&m)[sizeof...(Lane)], std::integer_sequence<int, Lane...>) {
    constexpr int n = sizeof...(Lane);
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) {
        if (i & Half) continue;
        const Vector<T> a = m[i], b = m[i + Half];
        m[i] = __builtin_shufflevector(a, b, (Lane & Half ? n + Lane - Half : Lane)...);
        m[i + Half] = __builtin_shufflevector(a, b, (Lane & Half ? n + Lane : Lane + Half)...);
    }
}

/// The square of vectors transposed, in registers.
template <class T>
inline void transpose(Vector<T> (&m)[lanes<T>]) {
    constexpr std::make_integer_sequence<int, lanes<T>> all{};
    if constexpr (lanes<T> >= 16) swap_halves<8, T>(m, all);
    if constexpr (lanes<T> >= 8) swap_halves<4, T>(m, all);
    if constexpr (lanes<T> >= 4) swap_halves<2, T>(m, all);
    swap_halves<1, T>(m, all);
}

/// Sum of all lanes, halves upon halves.
template <int Half, class T, int... Lane>
inline T sum_lanes(Vector<T> v, std::integer_sequence<int, Lane...> all) {
    v += __builtin_shufflevector(v, v, ((Lane + Half) % static_cast<int>(sizeof...(Lane)))...);
    if constexpr (Half > 1)
        return sum_lanes<Half / 2, T>(v, all);
    else
        return v[0];
}

/// Largest of all lanes.
template <int Half, class T, int... Lane>
inline T max_lanes(Vector<T> v, std::integer_sequence<int, Lane...> all) {
    const Vector<T> other = __builtin_shufflevector(v, v, ((Lane + Half) % static_cast<int>(sizeof...(Lane)))...);
    v = other > v ? other : v;
    if constexpr (Half > 1)
        return max_lanes<Half / 2, T>(v, all);
    else
        return v[0];
}
template <class T>
inline T max_lanes(Vector<T> v) {
    return max_lanes<lanes<T> / 2, T>(v, std::make_integer_sequence<int, lanes<T>>{});
}
template <class T>
inline T sum_lanes(Vector<T> v) {
    return sum_lanes<lanes<T> / 2, T>(v, std::make_integer_sequence<int, lanes<T>>{});
}

/// Lane by lane math::exp, of which it repeats the float version.
inline Vector<float> exp(Vector<float> x) {
    typedef std::int32_t Integers __attribute__((vector_size(bytes)));
    const Vector<float> low = Vector<float>{} - 87.0f, high = Vector<float>{} + 88.0f;
    Vector<float> bounded = x < low ? low : x;
    bounded = bounded > high ? high : bounded;
    const Vector<float> shifted = bounded * 1.44269504f + 12582912.0f;
    const Vector<float> n = shifted - 12582912.0f;
    Vector<float> r = bounded - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    Vector<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const Integers exponent = (__builtin_bit_cast(Integers, shifted) - 0x4B400000 + 127) << 23;
    const Vector<float> result = p * __builtin_bit_cast(Vector<float>, exponent);
    return x < low ? Vector<float>{} : result;
}
inline Vector<double> exp(Vector<double> x) {
    for (int i = 0; i < lanes<double>; ++i) x[i] = math::exp(x[i]);
    return x;
}

/// Sum of f(i) for i < n, in `lanes` interleaved partial sums.
template <class T, class F>
inline T sum(int n, F f) {
    constexpr int width = lanes<T>;
    T part[width] = {};
    int i = 0;
    for (; i + width <= n; i += width) {
        for (int j = 0; j < width; ++j) part[j] += f(i + j);
    }
    for (int j = 0; j < width && i + j < n; ++j) part[j] += f(i + j);
    return sum_lanes<T>(load(part));
}

/// Largest of p[0..n), lowest for n = 0.
template <class T>
inline T max(const T* p, int n) {
    constexpr int width = lanes<T>;
    T part[width];
    for (T& x : part) x = math::lowest<T>;
    int i = 0;
    for (; i + width <= n; i += width) {
        for (int j = 0; j < width; ++j) part[j] = p[i + j] > part[j] ? p[i + j] : part[j];
    }
    T top = math::lowest<T>;
    for (; i < n; ++i) top = p[i] > top ? p[i] : top;
    for (const T x : part) top = x > top ? x : top;
    return top;
}

}  // namespace psad::backend::PSAD_KERNEL_SET::simd
