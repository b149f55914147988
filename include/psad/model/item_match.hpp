/// \file item_match.hpp
/// "The user has interacted with this very item", as an embedding and as a logit.
#pragma once

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/features/batch.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// Embedding of what the history says of this very candidate: MatchFeatures, the attention on its own events, and
/// kind, age and index of the last of them. Zero where the history holds no candidate of the list.
template <int Width, int Hidden>
class ItemMatch {
  public:
    explicit ItemMatch(const Scope& scope)
        : hidden_(scope / "hidden"),
          out_(scope / "out"),
          feedback_(scope / "feedback"),
          bucket_(scope / "bucket"),
          index_(scope / "index") {}

    /// `mass` [items] is the attention on the candidate's own events.
    template <class Ctx, class T, class M>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const M& mass) const {
        const auto match = out_(ctx, hidden_(ctx, parts(ctx.template constant<Items, match_width>(in.match_dense), mass,
                                                        ctx.template constant<Items, dense_width>(in.dense))));
        const auto last_match = gather<Items>(ctx, bucket_.rows(ctx, in.match_bucket), index_.rows(ctx, in.match_index),
                                              feedback_.rows(ctx, in.match_feedback));
        return map(ctx, MultiplyAdd{}, ctx.template constant<Lists, 1>(in.has_interacted), match, last_match);
    }

  private:
    nn::Linear<match_width + 1 + dense_width, Hidden, Relu> hidden_;
    nn::Projection<Hidden, Width> out_;
    nn::PositionEmbedding<feedback_kinds, Width> feedback_;
    nn::PositionEmbedding<age_buckets, Width> bucket_;
    nn::PositionEmbedding<event_positions, Width> index_;
};

/// Adds a learned number, 2 at first, to the attention scores of events on the candidate itself.
class MatchLogit {
  public:
    explicit MatchLogit(const Scope& scope) : logit_(scope.weight<1, 1>("logit", Init::value(2))) {}

    template <class Ctx, class M, class S>
    auto operator()(Ctx& ctx, const M& same, const S& scores) const {
        return map(ctx, MultiplyAdd{}, same, ctx.weight(logit_), scores);
    }

  private:
    Weight<1, 1> logit_;
};

}  // namespace psad
