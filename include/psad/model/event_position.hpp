/// \file event_position.hpp
/// Position encoding of history events, and the scale that adapts it to a user.
#pragma once

#include <type_traits>

#include "psad/autograd/ops/map.hpp"
#include "psad/features/batch.hpp"
#include "psad/model/optional_layer.hpp"
#include "psad/model/policy.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// 2 sigmoid(W x + b) of the user, 1 at the start.
template <int In, int Out>
class UserScale {
  public:
    explicit UserScale(const Scope& scope) : scale_(scope, Init::value(0)) {}
    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& user) const {
        return scale_(ctx, user);
    }

  private:
    nn::Linear<In, Out, TwoSigmoid> scale_;
};

/// Adds the position encoding of history events, age bucket (TiSASRec, WSDM 2020) and index; position::Adaptive
/// multiplies it by a number of the user.
template <int Width, class Position>
class EventPosition {
  public:
    explicit EventPosition(const Scope& scope)
        : bucket_(scope / "bucket"), index_(scope / "index"), scale_(scope / "scale") {}

    template <class Ctx, class T, class V, class X>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const V& event, const X& user) const {
        const auto bucket = bucket_.rows(ctx, in.age_bucket);
        const auto index = index_.rows(ctx, in.event_index);
        if constexpr (adaptive)
            return map(ctx, MultiplyAdd{}, gather<Events>(ctx, bucket, index), scale_(ctx, user), event);
        else
            return gather<Events>(ctx, identity_rows(event), bucket, index);
    }

  private:
    static constexpr bool adaptive = std::is_same_v<Position, position::Adaptive>;

    nn::PositionEmbedding<age_buckets, Width> bucket_;
    nn::PositionEmbedding<event_positions, Width> index_;
    LayerIf<adaptive, UserScale<Width, 1>> scale_;
};

/// No position encoding.
template <int Width>
class EventPosition<Width, position::None> {
  public:
    explicit EventPosition(const Scope&) {}

    template <class Ctx, class T, class V, class X>
    V operator()(Ctx&, const Inputs<T>&, const V& event, const X&) const {
        return event;
    }
};

}  // namespace psad
