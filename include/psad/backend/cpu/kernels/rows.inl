// Kernels that gather, sum and transpose rows.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET {

template <class T>
class Rows {
  public:
    static void segment_sums(Matrix<const T> x, Jagged rows, Matrix<T> out) {
        for (int l = 0; l < out.rows; ++l) {
            for (int r = rows.begin[l]; r < rows.end[l]; ++r) add(x.row(r), x.cols, out.row(l));
        }
    }

    static void segment_max(Matrix<const T> x, Jagged rows, Matrix<T> out, int* from) {
        for (int l = 0; l < out.rows; ++l) {
            T* best = out.row(l);
            const int first = rows.begin[l];
            if (!from) {
                std::fill_n(best, x.cols, T(0));
                for (int r = first; r < rows.end[l]; ++r) {
                    const T* row = x.row(r);
                    PSAD_INDEPENDENT
                    for (int c = 0; c < x.cols; ++c) best[c] = r == first || row[c] > best[c] ? row[c] : best[c];
                }
                continue;
            }
            int* best_row = from + l * x.cols;
            for (int c = 0; c < x.cols; ++c) {
                best[c] = first < rows.end[l] ? x(first, c) : T(0);
                best_row[c] = first < rows.end[l] ? first : -1;
            }
            for (int r = first + 1; r < rows.end[l]; ++r) {
                const T* row = x.row(r);
                for (int c = 0; c < x.cols; ++c) {
                    const bool better = row[c] > best[c];
                    best[c] = better ? row[c] : best[c];
                    best_row[c] = better ? r : best_row[c];
                }
            }
        }
    }

    template <int Sources>
    static void gather(const RowSource<T> (&sources)[Sources], Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            const T* rows[Sources];
            int found = 0;
            for (const RowSource<T>& s : sources) {
                if (s.at(r) >= 0) rows[found++] = s.table.row(s.at(r));
            }
            if (found == Sources) {
                in_vectors(out.cols, [&]<int Vectors>(int c, auto... last) {
                    for (int v = 0; v < Vectors; ++v) {
                        const int at = c + v * simd::lanes<T>;
                        simd::Vector<T> sum = simd::load(rows[0] + at, last...);
                        for (int i = 1; i < Sources; ++i) sum += simd::load(rows[i] + at, last...);
                        simd::store(out.row(r) + at, sum, last...);
                    }
                });
                continue;
            }
            std::fill_n(out.row(r), out.cols, T(0));
            for (int i = 0; i < found; ++i) add(rows[i], out.cols, out.row(r));
        }
    }

    static void embed(const BagSource<T>* sources, int count, Matrix<T> out) {
        for (int r = 0; r < out.rows; ++r) {
            in_vectors(out.cols, [&]<int Vectors>(int c, auto... last) {
                simd::Vector<T> sum[Vectors] = {};
                for (int s = 0; s < count; ++s) {
                    const Bag& bag = sources[s].bag;
                    const int first = bag.first(r), end = bag.last(r);
                    const T scale = end - first > 1 ? T(1) / static_cast<T>(end - first) : T(1);
                    for (int i = first; i < end; ++i) {
                        const T* from = sources[s].table + static_cast<long>(bag.ids[i]) * out.cols + c;
                        for (int v = 0; v < Vectors; ++v)
                            sum[v] += scale * simd::load(from + v * simd::lanes<T>, last...);
                    }
                }
                for (int v = 0; v < Vectors; ++v) simd::store(out.row(r) + c + v * simd::lanes<T>, sum[v], last...);
            });
        }
    }

    static void scatter_add(Matrix<const T> x, const int* index, Matrix<T> out) {
        for (int r = 0; r < x.rows; ++r) {
            if (index[r] >= 0) add(x.row(r), x.cols, out.row(index[r]));
        }
    }

    /// to = scale * from^T. Within a larger function g++ spills the square's registers: 5 % of pair_dot.
    [[gnu::noinline]] static void transpose(Matrix<const T> from, Matrix<T> to, T scale = T(1)) {
        constexpr int square = simd::lanes<T>;
        for (int r = 0; r < from.rows; r += square) {
            const int rows = (std::min)(square, from.rows - r);
            for (int c = 0; c < from.cols; c += square) {
                const int cols = (std::min)(square, from.cols - c);
                simd::Vector<T> m[square];
                for (int i = 0; i < square; ++i) {
                    if (i < rows)
                        m[i] = cols == square ? simd::load(from.row(r + i) + c) : simd::load(from.row(r + i) + c, cols);
                    else
                        m[i] = simd::Vector<T>{};
                }
                simd::transpose<T>(m);
                for (int i = 0; i < cols; ++i) {
                    if (rows == square)
                        simd::store(to.row(c + i) + r, m[i] * scale);
                    else
                        simd::store(to.row(c + i) + r, m[i] * scale, rows);
                }
            }
        }
    }

    /// Calls f.operator()<Vectors>(column) for all `cols` columns, four vectors at a time; at the end
    /// f.operator()<1>(column, count) for a vector of fewer columns.
    template <class F>
    static void in_vectors(int cols, F f) {
        constexpr int lanes = simd::lanes<T>;
        int c = 0;
        for (; c + 4 * lanes <= cols; c += 4 * lanes) f.template operator()<4>(c);
        for (; c + lanes <= cols; c += lanes) f.template operator()<1>(c);
        if (c < cols) f.template operator()<1>(c, cols - c);
    }

  private:
    static void add(const T* x, int count, T* to) {
        PSAD_INDEPENDENT
        for (int c = 0; c < count; ++c) to[c] += x[c];
    }
};

}  // namespace psad::backend::PSAD_KERNEL_SET
