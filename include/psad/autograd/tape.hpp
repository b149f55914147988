/// \file tape.hpp
/// The training context: every operation leaves a record on an explicit tape; backward() walks them in
/// reverse. Values, gradients and records live in one arena and are freed together.
#pragma once

#include <new>
#include <type_traits>

#include "psad/autograd/op_workspace.hpp"
#include "psad/autograd/parameters.hpp"
#include "psad/autograd/value.hpp"
#include "psad/backend/concept.hpp"

namespace psad::inline PSAD_ABI {

/// A value with the place of its gradient; grad is null where no gradient is wanted.
template <class T, class Axis, int Width>
struct Variable : Typed<Axis, Width> {
    const T* data = nullptr;
    T* grad = nullptr;
    int rows = 0;

    Variable() = default;
    Variable(const T* value, T* gradient, int count) : data(value), grad(gradient), rows(count) {}
    Matrix<const T> matrix() const { return {data, rows, Width, Width}; }
    Tracked<T> tracked() const { return {matrix(), {grad, rows, Width, Width}}; }
};

/// Which numbers a training step drops: each with a probability, by the key of this step's random masks.
struct DropoutDraw {
    float probability = 0;
    std::uint64_t key = 0;
};

template <Backend B>
class Tape {
  public:
    using Scalar = typename B::Scalar;
    using Device = B;
    static constexpr bool computes = true;
    template <class Axis, int Width>
    using Value = Variable<Scalar, Axis, Width>;

    /// Everything is borrowed. Gradients of dense weights are added to `dense_grad`, which has the size of
    /// the dense block; those of tables are found in sparse_gradients() after backward().
    Tape(const B& backend, const Parameters<Scalar, typename B::Memory>& parameters, const Layout& layout,
         Arena<typename B::Memory>& arena, Scalar* dense_grad, DropoutDraw dropout = {})
        : dense_(parameters.dense.data()),
          dense_grad_(dense_grad),
          layout_(layout),
          dropout_probability_(dropout.probability) {
        workspace_.backend = &backend;
        workspace_.layout = &layout_;
        workspace_.arena = &arena;
        workspace_.tables = parameters.tables.data();
        workspace_.training = true;
        workspace_.dropout_key = dropout.key;
    }
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    template <class Op, class... In>
    auto apply(Op op, const In&... in) {
        using Axis = typename Op::axis;
        constexpr int width = Op::width;
        const int rows = layout_.template rows<Axis>();
        const Matrix<Scalar> out = workspace_.scratch(rows, width);
        op.forward(workspace_, out, in.matrix()...);
        Value<Axis, width> result(out.data, nullptr, rows);
        if (Op::has_parameters || ((in.grad != nullptr) || ...)) {
            result.grad = workspace_.zeros(rows, width).data;
            const Matrix<Scalar> grad{result.grad, rows, width, width};
            record([op, out, grad, in...](OpWorkspace<B>& workspace) {
                op.backward(workspace, Matrix<const Scalar>(out), grad, in.tracked()...);
            });
        }
        return result;
    }

    template <int R, int C>
    Value<Fixed<R>, C> weight(Weight<R, C> w) const {
        return {dense_ + w.offset, dense_grad_ + w.offset, R};
    }
    template <int C>
    Value<Features, C> weight(FeatureWeight<C> w) const {
        return {dense_ + w.offset, dense_grad_ + w.offset, w.rows};
    }
    template <class Axis, int Width>
    Value<Axis, Width> constant(const Scalar* data) const {
        return {data, nullptr, layout_.template rows<Axis>()};
    }
    /// The same numbers without a gradient (stop-gradient).
    template <class Axis, int Width>
    Value<Axis, Width> detach(Value<Axis, Width> value) const {
        value.grad = nullptr;
        return value;
    }
    template <class Axis, class V>
    Value<Axis, V::width> relabel(V value) const {
        return {value.data, value.grad, value.rows};
    }

    /// Adds to all gradients those of sum(seed * loss): every row of `loss` is weighted by `seed`. Each record runs
    /// once and is the only reader of its result's gradient, so a derivative rule may overwrite `dout`.
    template <class Axis>
    void backward(Value<Axis, 1> loss, Scalar seed) {
        if (!loss.grad) return;
        workspace_.backend->fill(loss.grad, loss.rows, seed);
        for (Record* r = last_; r != nullptr; r = r->previous) r->run(r, workspace_);
    }

    /// Gradients of embedding tables, latest record first.
    const SparseGradient<Scalar>* sparse_gradients() const { return workspace_.sparse; }

    Layout& layout() { return layout_; }
    OpWorkspace<B>& workspace() { return workspace_; }
    float dropout_probability() const { return dropout_probability_; }

  private:
    struct Record {
        Record* previous;
        void (*run)(Record*, OpWorkspace<B>&);
    };
    template <class F>
    struct Holding : Record {
        F rule;
    };

    template <class F>
    void record(F rule) {
        static_assert(std::is_trivially_destructible_v<F>, "psad: a tape record is never destroyed");
        auto* holding = workspace_.template take_on_host<Holding<F>>(1);
        new (holding)
            Holding<F>{{last_, [](Record* r, OpWorkspace<B>& w) { static_cast<Holding<F>*>(r)->rule(w); }}, rule};
        last_ = holding;
    }

    const Scalar* dense_;
    Scalar* dense_grad_;
    Layout layout_;
    OpWorkspace<B> workspace_;
    float dropout_probability_;
    Record* last_ = nullptr;
};

}  // namespace psad
