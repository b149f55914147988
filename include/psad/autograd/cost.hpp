/// \file cost.hpp
/// The counting context: a value is a shape. Runs any model's code without its numbers and adds up what it
/// would cost.
#pragma once

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/value.hpp"
#include "psad/core/layout.hpp"

namespace psad::inline PSAD_ABI {

/// The shape of a value.
template <class Axis, int Width>
struct Shape : Typed<Axis, Width> {
    int rows = 0;

    Shape() = default;
    explicit Shape(int count) : rows(count) {}
    double size() const { return static_cast<double>(rows) * Width; }
};

/// Multiplications and additions count one each; bytes are those read and written once per operation, in
/// fp32.
class Cost {
  public:
    using Scalar = float;
    static constexpr bool computes = false;
    template <class Axis, int Width>
    using Value = Shape<Axis, Width>;

    explicit Cost(const Layout& layout) : layout_(layout) {}

    template <class Op, class... In>
    auto apply(Op op, const In&... in) {
        using Axis = typename Op::axis;
        const Shape<Axis, Op::width> out(layout_.template rows<Axis>());
        flops_ += op.flops(layout_, out, in...);
        bytes_ += sizeof(float) * (out.size() + (0.0 + ... + in.size()));
        return out;
    }

    template <int R, int C>
    Value<Fixed<R>, C> weight(Weight<R, C>) const {
        return Shape<Fixed<R>, C>(R);
    }
    template <int C>
    Value<Features, C> weight(FeatureWeight<C> w) const {
        return Shape<Features, C>(w.rows);
    }
    template <class Axis, int Width>
    Value<Axis, Width> constant(const Scalar*) const {
        return Shape<Axis, Width>(layout_.template rows<Axis>());
    }
    template <class V>
    V detach(V value) const {
        return value;
    }
    template <class Axis, class V>
    Value<Axis, V::width> relabel(V value) const {
        return Shape<Axis, V::width>(value.rows);
    }

    double flops() const { return flops_; }
    double bytes() const { return bytes_; }
    Layout& layout() { return layout_; }
    float dropout_probability() const { return 0; }

  private:
    Layout layout_;
    double flops_ = 0;
    double bytes_ = 0;
};

}  // namespace psad
