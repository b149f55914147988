/// \file inference.hpp
/// The inference context: a value is a view into the arena; no tape, no heap once warm, the model const.
#pragma once

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/parameters.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/concept.hpp"

namespace psad::inline PSAD_ABI {

template <Backend B>
class Inference {
  public:
    using Scalar = typename B::Scalar;
    using Device = B;
    static constexpr bool computes = true;  ///< values hold numbers
    template <class Axis, int Width>
    using Value = View<const Scalar, Axis, Width>;

    /// Everything is borrowed and must outlive the context.
    Inference(const B& backend, const Parameters<Scalar, typename B::Memory>& parameters, const Layout& layout,
              Arena<typename B::Memory>& arena)
        : dense_(parameters.dense.data()), layout_(layout) {
        workspace_.backend = &backend;
        workspace_.layout = &layout_;
        workspace_.arena = &arena;
        workspace_.tables = parameters.tables.data();
    }
    Inference(const Inference&) = delete;
    Inference& operator=(const Inference&) = delete;

    /// Runs one operation.
    template <class Op, class... In>
    auto apply(Op op, const In&... in) {
        using Out = View<Scalar, typename Op::axis, Op::width>;
        const int rows = layout_.template rows<typename Op::axis>();
        const Out out(workspace_.take(static_cast<std::size_t>(rows) * Op::width), rows);
        op.forward(workspace_, out.matrix(), in.matrix()...);
        return Value<typename Op::axis, Op::width>(out.data, rows);
    }

    template <int R, int C>
    Value<Fixed<R>, C> weight(Weight<R, C> w) const {
        return {dense_ + w.offset, R};
    }
    template <int C>
    Value<Features, C> weight(FeatureWeight<C> w) const {
        return {dense_ + w.offset, w.rows};
    }
    /// Numbers that came with the batch.
    template <class Axis, int Width>
    Value<Axis, Width> constant(const Scalar* data) const {
        return {data, layout_.template rows<Axis>()};
    }
    template <class V>
    V detach(V value) const {
        return value;
    }
    /// The same numbers read along another axis of equal length.
    template <class Axis, class V>
    Value<Axis, V::width> relabel(V value) const {
        return {value.data, value.rows};
    }

    Layout& layout() { return layout_; }
    OpWorkspace<B>& workspace() { return workspace_; }
    float dropout_probability() const { return 0; }

  private:
    const Scalar* dense_;
    Layout layout_;
    OpWorkspace<B> workspace_;
};

}  // namespace psad
