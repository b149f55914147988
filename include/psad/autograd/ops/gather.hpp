/// \file gather.hpp
/// Rows through an index: of another value, or of embedding tables.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/parameters.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/bag.hpp"
#include "psad/core/functors.hpp"

namespace psad::inline PSAD_ABI::ops {

/// out[r] = the sum over the sources of source[index[r]], nothing where an index is negative; of row r itself
/// where IsIdentity says so.
template <class Axis, int Width, bool... IsIdentity>
struct Gather {
    using axis = Axis;
    static constexpr int width = Width;
    static constexpr bool has_parameters = false;

    std::array<const int*, sizeof...(IsIdentity)> index;

    template <class B, class T, class... M>
    void forward(OpWorkspace<B>& w, Matrix<T> out, M... source) const {
        const int* const* at = index.data();
        const RowSource<T> sources[] = {{source, *at++, IsIdentity}...};
        w.backend->gather(sources, out);
    }
    template <class B, class T, class... X>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout, X... source) const {
        const int* const* at = index.data();
        (one<IsIdentity>(w, dout, *at++, source.grad), ...);
    }
    template <class Out, class... S>
    double flops(const Layout&, Out out, S...) const {
        return out.size() * (static_cast<double>(sizeof...(IsIdentity)) - 1);
    }

  private:
    template <bool IsIdentityRow, class B, class T>
    static void one(OpWorkspace<B>& w, Matrix<T> dout, const int* through, Matrix<T> to) {
        if (!to) return;
        if constexpr (IsIdentityRow)
            w.backend->template map<true>(Identity{}, to, Operand<T>{dout.data, dout.stride});
        else
            w.backend->scatter_add(dout, through, to);
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
    void forward(OpWorkspace<B>& w, Matrix<T> out) const {
        auto* sources = w.template take_on_host<BagSource<T>>(static_cast<std::size_t>(fields));
        for (int f = 0; f < fields; ++f) sources[f] = {w.tables + tables[f].offset, bags[f]};
        w.backend->embed(sources, fields, out);
    }
    template <class B, class T>
    void backward(OpWorkspace<B>& w, Matrix<const T>, Matrix<T> dout) const {
        for (int f = 0; f < fields; ++f) {
            auto* entry = w.template take_on_host<SparseGradient<T>>(1);
            *entry = {tables[f].offset, Width,     dout.rows, bags[f].offsets,
                      bags[f].ids,      dout.data, w.sparse,  bags[f].count};
            w.sparse = entry;
        }
    }
    template <class Out>
    double flops(const Layout&, Out out) const {
        return out.size() * fields;
    }
};

}  // namespace psad::ops

namespace psad::inline PSAD_ABI {

/// The rows of a value that an index (one entry per row of the result) picks.
template <class V>
struct PickedRows {
    V source;
    const int* index;
    static constexpr bool is_identity = false;
};
/// All rows of a value, in order.
template <class V>
struct IdentityRows {
    V source;
    static constexpr const int* index = nullptr;
    static constexpr bool is_identity = true;
};
template <class V>
IdentityRows<V> identity_rows(const V& source) {
    return {source};
}

/// out[r] = the sum over `rows` (PickedRows or IdentityRows) of their row r; a negative index picks nothing.
template <class Axis, class Ctx, class... Rows>
requires(requires { Rows::is_identity; } && ...) auto gather(Ctx& ctx, const Rows&... rows) {
    constexpr int width = (std::max)({width_of<decltype(rows.source)>...});
    (expect_width<decltype(rows.source), width>(), ...);
    (expect_axis<decltype(rows.source), std::conditional_t<Rows::is_identity, Axis, axis_of<decltype(rows.source)>>>(),
     ...);
    using Op = ops::Gather<Axis, width, Rows::is_identity...>;
    return ctx.apply(Op{{rows.index...}}, rows.source...);
}

/// Rows of `source` by index, zero where it is negative.
template <class Axis, class Ctx, class V>
auto gather(Ctx& ctx, const V& source, const int* index) {
    return gather<Axis>(ctx, PickedRows<V>{source, index});
}

/// Sum over `fields` fields of mean embeddings; tables and bags must outlive the context's values.
template <class Axis, int Width, class Ctx>
auto embed(Ctx& ctx, const Table<Width>* tables, const Bag* bags, int fields) {
    return ctx.apply(ops::Embed<Axis, Width>{tables, bags, fields});
}

}  // namespace psad
