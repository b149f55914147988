/// \file matches.hpp
/// Which keys of a list belong to a query (events on a candidate), kept as a bag of key rows per query.
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/value.hpp"
#include "psad/core/bag.hpp"
#include "psad/core/layout.hpp"

namespace psad::inline PSAD_ABI::ops {

/// out[q] = sum of value over the keys of bag q.
template <class Query, class Key>
struct MatchSum {
    using axis = Query;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    Bag matches;

    template <class T>
    struct Row {
        Bag matches;
        const T* value;
        T* out;
        PSAD_HOST_DEVICE void operator()(int q) const {
            T sum = 0;
            for (int i = matches.first(q); i < matches.last(q); ++i) sum += value[matches.ids[i]];
            out[q] = sum;
        }
    };
    /// A key may match several queries of its list: one list at a time, so that no two add to the same key.
    template <class T>
    struct ListBackward {
        Bag matches;
        const T* dout;
        Jagged queries;
        T* dvalue;
        PSAD_HOST_DEVICE void operator()(int l) const {
            for (int q = queries.begin[l]; q < queries.end[l]; ++q) {
                for (int i = matches.first(q); i < matches.last(q); ++i) dvalue[matches.ids[i]] += dout[q];
            }
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out, Matrix<const T> value) const {
        w.backend->for_each(out.rows, Row<T>{matches, value.data, out.data});
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, Tracked<T> value) const {
        if (!value.grad) return;
        w.backend->for_each(w.layout->lists,
                            ListBackward<T>{matches, dout.data, w.layout->template jagged<Query>(), value.grad.data});
    }
    template <class Out, class V>
    double flops(const Layout&, Out out, V) const {
        return out.size();
    }
};

/// 1 for every pair of a query and a key of its bag, else 0.
template <class Query, class Key>
struct MatchMatrix {
    using axis = Pairs<Query, Key>;
    static constexpr int width = 1;
    static constexpr bool has_parameters = false;

    Bag matches;

    template <class T>
    struct Row {
        Bag matches;
        PairLayout pairs;
        T* out;
        PSAD_HOST_DEVICE void operator()(int q) const {
            const auto [first_key, n, start] = pairs.row(q);
            for (int i = matches.first(q); i < matches.last(q); ++i) out[start + matches.ids[i] - first_key] = T(1);
        }
    };

    template <class B, class T>
    void forward(OpWorkspace<B>& w, Matrix<T> out) const {
        const PairLayout pairs = w.layout->template pairs<Query, Key>();
        w.backend->fill(out.data, out.rows, T(0));
        w.backend->for_each(pairs.queries, Row<T>{matches, pairs, out.data});
    }
    template <class B, class T>
    void backward(OpWorkspace<B>&, Matrix<const T>, Matrix<T>) const {}
    template <class Out>
    double flops(const Layout&, Out) const {
        return 0;
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// The sum of `value` [keys] over what matches each query; `matches` holds key rows, one bag per query.
template <class Query, class Ctx, class V>
auto match_sum(Ctx& ctx, Bag matches, const V& value) {
    expect_width<V, 1>();
    return ctx.apply(ops::MatchSum<Query, axis_of<V>>{matches}, value);
}

/// The same matches as a matrix of zeros and ones.
template <class Query, class Key, class Ctx>
auto match_matrix(Ctx& ctx, Bag matches) {
    return ctx.apply(ops::MatchMatrix<Query, Key>{matches});
}

}  // namespace psad
