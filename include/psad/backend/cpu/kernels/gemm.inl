// One register-blocked matrix product for the shapes of a reranker: few rows, widths of 16 to 512, operands
// in cache. C = act(start + sum over terms of A B) with C and B row-major and A at any pair of strides, so
// A^T costs nothing extra. A number of C is added up in the order of terms and depth, whatever the tiles.

namespace psad::inline PSAD_ABI::backend::PSAD_KERNEL_SET::gemm_detail {

/// One product A B: A at (row, k) = a[row * a_row + k * a_depth], B at (k, column) = b[k * b_row + column].
/// An element is a number, or several of which FusedMultiplyAdd takes one step.
template <class Element>
struct Term {
    const Element* a;
    long a_row;
    long a_depth;
    const Element* b;
    long b_row;
    int depth;

    static Term of(Matrix<const Element> x, Matrix<const Element> w) {
        return {x.data, x.stride, 1, w.data, w.stride, x.cols};
    }
    Term at(int row, int column) const { return {a + row * a_row, a_row, a_depth, b + column, b_row, depth}; }
};

/// What an element of A and a vector of elements of B add to a vector of C.
template <class Element>
struct FusedMultiplyAdd {
    void operator()(simd::Vector<Element>& sum, Element x, simd::Vector<Element> y) const { sum += x * y; }
};

/// Rows x Vectors vectors of C, kept in registers from the start to the activation. Partial: the last vector
/// has only `last` columns.
template <int Rows, int Vectors, bool Partial, class Element, std::size_t Terms, class T>
inline void tile(std::span<const Term<Element>, Terms> terms, int row, int column, [[maybe_unused]] int last,
                 Operand<T> start, bool relu, Matrix<T> c) {
    using V = simd::Vector<T>;
    constexpr int lanes = simd::lanes<T>;
    const auto load = [last](const auto* p, int v) {
        return Partial && v == Vectors - 1 ? simd::load(p + v * lanes, last) : simd::load(p + v * lanes);
    };
    V acc[Rows][Vectors];
#pragma GCC unroll 10
    for (int i = 0; i < Rows; ++i) {
        const T* from = start.data ? start.row(row + i) + column : nullptr;
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) acc[i][v] = from ? load(from, v) : V{};
    }
    for (const Term<Element>& all : terms) {
        const Term<Element> term = all.at(row, column);
        for (int k = 0; k < term.depth; ++k) {
            simd::Vector<Element> b[Vectors];
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) b[v] = load(term.b + k * term.b_row, v);
#pragma GCC unroll 10
            for (int i = 0; i < Rows; ++i) {
                const Element x = term.a[i * term.a_row + k * term.a_depth];
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v) FusedMultiplyAdd<Element>{}(acc[i][v], x, b[v]);
            }
        }
    }
#pragma GCC unroll 10
    for (int i = 0; i < Rows; ++i) {
        T* to = c.row(row + i) + column;
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            V y = acc[i][v];
            if (relu) y = y > V{} ? y : V{};
            if (Partial && v == Vectors - 1)
                simd::store(to + v * lanes, y, last);
            else
                simd::store(to + v * lanes, y);
        }
    }
}

/// Rows of a tile so many vectors wide: enough sums that none waits for another, and no more than registers
/// hold.
template <int Vectors>
inline constexpr int tile_rows = Vectors == 1 ? 10 : 6;
inline constexpr int tile_vectors = simd::registers == 32 ? 4 : 2;

/// All rows of Vectors vectors of columns, in tiles of nearly equal height: 20 rows are four times 5.
template <int Vectors, bool Partial, class Element, std::size_t Terms, class T>
inline void column_panel(std::span<const Term<Element>, Terms> terms, int column, int last, Operand<T> start, bool relu,
                         Matrix<T> c) {
    const auto run = [&]<int Rows>(int row) { tile<Rows, Vectors, Partial>(terms, row, column, last, start, relu, c); };
    for (int row = 0, left = (c.rows + tile_rows<Vectors> - 1) / tile_rows<Vectors>; left > 0; --left) {
        const int height = (c.rows - row + left - 1) / left;
        switch (height) {
            // clang-format off
            case 1: run.template operator()<1>(row); break;
            case 2: run.template operator()<2>(row); break;
            case 3: run.template operator()<3>(row); break;
            case 4: run.template operator()<4>(row); break;
            case 5: run.template operator()<5>(row); break;
            case 6: run.template operator()<6>(row); break;
            case 7: if constexpr (tile_rows<Vectors> > 6) run.template operator()<7>(row); break;
            case 8: if constexpr (tile_rows<Vectors> > 6) run.template operator()<8>(row); break;
            case 9: if constexpr (tile_rows<Vectors> > 6) run.template operator()<9>(row); break;
            default: if constexpr (tile_rows<Vectors> > 6) run.template operator()<10>(row);
                // clang-format on
        }
        row += height;
    }
}

/// C = act(start + sum of the terms), act being max(0, x) or nothing. A null start counts as zero; start may
/// be C itself.
template <class Element, std::size_t Terms, class T>
void multiply(std::span<const Term<Element>, Terms> terms, Operand<T> start, bool relu, Matrix<T> c) {
    constexpr int lanes = simd::lanes<T>;
    int column = 0;
    for (; column + tile_vectors * lanes <= c.cols; column += tile_vectors * lanes) {
        column_panel<tile_vectors, false>(terms, column, lanes, start, relu, c);
    }
    const int left = c.cols - column;
    if (left == 0) return;
    const int vectors = (left + lanes - 1) / lanes, last = left - (vectors - 1) * lanes;
    switch (vectors) {
        // clang-format off
        case 1: column_panel<1, true>(terms, column, last, start, relu, c); break;
        case 2: column_panel<2, true>(terms, column, last, start, relu, c); break;
        case 3: if constexpr (tile_vectors > 2) column_panel<3, true>(terms, column, last, start, relu, c); break;
        default: if constexpr (tile_vectors > 2) column_panel<4, true>(terms, column, last, start, relu, c);
            // clang-format on
    }
}

/// The same with a single term. A fixed extent of 1 lets the compiler unroll: 3 % faster.
template <class Element, class T>
void multiply(const Term<Element>& term, Operand<T> start, bool relu, Matrix<T> c) {
    multiply(std::span<const Term<Element>, 1>(&term, 1), start, relu, c);
}

}  // namespace psad::backend::PSAD_KERNEL_SET::gemm_detail
