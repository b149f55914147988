/// \file gather.hpp
/// Rows through an index: of another value, or of embedding tables.
#pragma once

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/value.hpp"
#include "psad/autograd/workspace.hpp"
#include "psad/backend/operand.hpp"

namespace psad {

/// Which rows of a table belong to row r: ids[bag[r]] ... ids[bag[r + 1] - 1], or ids[r] alone when bag is
/// null.
struct Bag {
    const int* bag = nullptr;
    const int* ids = nullptr;
};

}  // namespace psad

namespace psad::ops {

/// out[r] = source[index[r]]; zero where the index is negative.
template <class Axis, int Width>
struct Gather {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    const int* index;

    template <class B, class T>
    void forward(Workspace<B>& w, Matrix<T> out, Matrix<const T> source) const {
        w.backend->gather(source, index, out);
    }
    template <class B, class T>
    void backward(Workspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> source) const {
        if (source.grad) w.backend->scatter_add(dout, index, source.grad);
    }
    template <class Out, class S>
    double flops(const Layout&, Out, S) const {
        return 0;
    }
};

/// out[r] += mean of the table rows of bag r.
template <class T>
struct BagRow {
    const T* table;
    Bag bag;
    Matrix<T> out;

    PSAD_HOST_DEVICE void operator()(int r) const {
        const int first = bag.bag ? bag.bag[r] : r, last = bag.bag ? bag.bag[r + 1] : r + 1;
        T* to = out.row(r);
        const T scale = last - first > 1 ? T(1) / static_cast<T>(last - first) : T(1);
        for (int i = first; i < last; ++i) {
            const T* from = table + static_cast<long>(bag.ids[i]) * out.cols;
            for (int c = 0; c < out.cols; ++c) to[c] += scale * from[c];
        }
    }
};

/// The sum over fields of the mean embedding of each field's ids. An empty bag counts as zero.
template <class Axis, int Width>
struct Embed {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = true;

    const Table<Width>* tables;
    const Bag* bags;
    int fields;

    template <class B, class T>
    void forward(Workspace<B>& w, Matrix<T> out) const {
        w.backend->fill(out.data, out.rows * out.cols, T(0));
        for (int f = 0; f < fields; ++f) {
            w.backend->for_each(out.rows, BagRow<T>{w.tables + tables[f].offset, bags[f], out});
        }
    }
    template <class B, class T>
    void backward(Workspace<B>& w, Matrix<const T>, Matrix<T> dout) const {
        for (int f = 0; f < fields; ++f) {
            auto* entry = w.template take<SparseGradient<T>>(1);
            *entry = {tables[f].offset, Width, dout.rows, bags[f].bag, bags[f].ids, dout.data, w.sparse};
            w.sparse = entry;
        }
    }
    template <class Out>
    double flops(const Layout&, Out out) const {
        return out.size() * fields;
    }
};

}  // namespace psad::ops

namespace psad {

/// Rows of `source` by index (one per row of Axis), zero where it is negative.
template <class Axis, class Ctx, class V>
auto gather(Ctx& ctx, const V& source, const int* index) {
    return ctx.apply(ops::Gather<Axis, width_of<V>>{index}, source);
}

/// Sum over `fields` fields of mean embeddings; tables and bags must outlive the context's values.
template <class Axis, int Width, class Ctx>
auto embed(Ctx& ctx, const Table<Width>* tables, const Bag* bags, int fields) {
    return ctx.apply(ops::Embed<Axis, Width>{tables, bags, fields});
}

}  // namespace psad
