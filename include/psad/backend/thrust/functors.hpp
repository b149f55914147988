/// \file functors.hpp
/// The primitives as functions of the number of one result: work fine enough for a device of many threads,
/// and the same bits however many there are, since each result is added up by one of them in a fixed order.
#pragma once

#include <thrust/tuple.h>

#include <cmath>
#include <cstddef>
#include <utility>

#include "psad/backend/operand.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::thrust_functors {

template <bool Accumulate, class F, class T, class... In>
struct Map {
    F f;
    Matrix<T> out;
    ::thrust::tuple<In...> in;

    PSAD_HOST_DEVICE void operator()(int i) const { at(i / out.cols, i % out.cols, std::index_sequence_for<In...>{}); }

  private:
    template <std::size_t... I>
    PSAD_HOST_DEVICE void at(int r, int c, std::index_sequence<I...>) const {
        const T y = f(In::at(::thrust::get<I>(in).row(r), c)...);
        out(r, c) = Accumulate ? out(r, c) + y : y;
    }
};

/// The sum of a column over the rows of a chunk.
template <class T>
struct ColumnSumOfChunk {
    Matrix<const T> x;
    int chunk;  ///< rows
    T* out;     ///< [chunks x columns]
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int first = i / x.cols * chunk, c = i % x.cols;
        const int end = first + chunk < x.rows ? first + chunk : x.rows;
        T sum = 0;
        for (int r = first; r < end; ++r) sum += x(r, c);
        out[i] = sum;
    }
};

template <class T>
struct RowSum {
    Matrix<const T> x;
    T* out;
    PSAD_HOST_DEVICE void operator()(int r) const {
        const T* row = x.row(r);
        T sum = 0;
        for (int c = 0; c < x.cols; ++c) sum += row[c];
        out[r] += sum;
    }
};

template <class T>
struct SegmentSum {
    Matrix<const T> x;
    Jagged rows;
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int l = i / out.cols, c = i % out.cols;
        T sum = 0;
        for (int r = rows.begin[l]; r < rows.end[l]; ++r) sum += x(r, c);
        out(l, c) += sum;
    }
};

template <class T>
struct SegmentMax {
    Matrix<const T> x;
    Jagged rows;
    Matrix<T> out;
    int* from;  ///< may be null
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int l = i / out.cols, c = i % out.cols;
        int best = -1;
        for (int r = rows.begin[l]; r < rows.end[l]; ++r) {
            if (best < 0 || x(r, c) > x(best, c)) best = r;
        }
        if (from) from[i] = best;
        out(l, c) = best < 0 ? T(0) : x(best, c);
    }
};

template <class T, int Sources>
struct Gather {
    RowSource<T> sources[Sources];
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int r = i / out.cols, c = i % out.cols;
        T sum = 0;
        for (const RowSource<T>& s : sources) {
            const int row = s.at(r);
            if (row >= 0) sum += s.table(row, c);
        }
        out(r, c) = sum;
    }
};

/// Up to `max_sources` sources of an embedding.
template <class T>
struct Embed {
    static constexpr int max_sources = 8;
    BagSource<T> sources[max_sources];
    int count;
    bool first;  ///< of the launches: out is set, not added to
    Matrix<T> out;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int r = i / out.cols, c = i % out.cols;
        T sum = first ? T(0) : out(r, c);
        for (int s = 0; s < count; ++s) {
            const Bag& bag = sources[s].bag;
            const int begin = bag.first(r), end = bag.last(r);
            const T share = end - begin > 1 ? T(1) / static_cast<T>(end - begin) : T(1);
            for (int j = begin; j < end; ++j)
                sum += share * sources[s].table[static_cast<long>(bag.ids[j]) * out.cols + c];
        }
        out(r, c) = sum;
    }
};

/// An entry before it is sorted. Without a sign, since CCCL 3 sorts negative keys wrongly on some systems; a
/// negative index goes to `none`, the row after the last.
struct Entry {
    const int* index;
    unsigned none;
    unsigned* to;
    int* from;
    PSAD_HOST_DEVICE void operator()(int i) const {
        to[i] = index[i] < 0 ? none : static_cast<unsigned>(index[i]);
        from[i] = i;
    }
};

/// The sums of one tile of sorted entries (row of out, row of x), each run in the order of x. A run within
/// the tile goes to out; one that came into the tile, or leaves it, to the tile's parts.
template <class T>
struct RunSums {
    const unsigned* to;  ///< [rows of x] rows of out, ascending
    const int* from;     ///< [rows of x] rows of x, ascending within a run
    Matrix<const T> x;
    Matrix<T> out;
    int tile, tiles;
    T* parts;  ///< [2 x tiles x columns] of runs that came in; of runs that only leave

    PSAD_HOST_DEVICE T& came(int t, int c) const { return parts[t * x.cols + c]; }
    PSAD_HOST_DEVICE T& leaves(int t, int c) const { return parts[(tiles + t) * x.cols + c]; }
    PSAD_HOST_DEVICE int begin(int t) const { return t * tile; }
    PSAD_HOST_DEVICE int end(int t) const { return begin(t) + tile < x.rows ? begin(t) + tile : x.rows; }
    /// Whether the entries before and from `at` on are of one run.
    PSAD_HOST_DEVICE bool same_run(int at) const { return at > 0 && at < x.rows && to[at - 1] == to[at]; }

    PSAD_HOST_DEVICE void operator()(int i) const {
        const int t = i / x.cols, c = i % x.cols, last = end(t) - 1;
        bool inside = !same_run(begin(t));
        T sum = 0;
        for (int j = begin(t); j <= last; ++j) {
            sum += x(from[j], c);
            if (j < last && to[j] == to[j + 1]) continue;
            if (!inside)
                came(t, c) = sum;
            else if (j == last && same_run(j + 1))
                leaves(t, c) = sum;
            else if (to[j] < static_cast<unsigned>(out.rows))
                out(static_cast<int>(to[j]), c) += sum;
            inside = true;
            sum = 0;
        }
    }
};

template <class T>
struct Transposed {
    Matrix<const T> from;
    Matrix<T> to;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int r = i / to.cols, c = i % to.cols;
        to(r, c) = from(c, r);
    }
};

}  // namespace psad::thrust_functors
