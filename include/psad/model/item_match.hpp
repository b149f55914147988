/// \file item_match.hpp
/// "The user has interacted with this very item", as an embedding and as a logit.
#pragma once

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/features/batch.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// Embedding of what the history says of this very candidate: MatchFeatures and kinds of feedback, the attention on its
/// own events, and kind, age and index of the last of them. Zero where the history holds no candidate of the list.
template <int Width, int Hidden>
class ItemMatch {
  public:
    ItemMatch(const Scope& scope, const InputSizes& sizes)
        : features_(scope / "features", sizes.match_columns),
          mass_(scope.weight<1, Hidden>("mass", Init::glorot(1, Hidden))),
          out_(scope / "out"),
          feedback_(scope / "feedback", sizes.feedback_kinds),
          bucket_(scope / "bucket"),
          index_(scope / "index") {}

    /// `mass` [items] is the attention on the candidate's own events.
    template <class Ctx, class T, class M>
    auto operator()(Ctx& ctx, const Inputs<T>& in, const M& mass) const {
        const auto features = features_.template on<Items>(ctx, FeatureInputs<T>{in.match_dense, {}, {}});
        const auto hidden = map(ctx, ReluMultiplyAdd{}, mass, ctx.weight(mass_), features);
        const auto last_match = gather<Items>(ctx, bucket_.rows(ctx, in.match_bucket), index_.rows(ctx, in.match_index),
                                              feedback_.rows(ctx, in.match_feedback));
        return map(ctx, MultiplyAdd{}, ctx.template constant<Lists, 1>(in.has_interacted), out_(ctx, hidden),
                   last_match);
    }

  private:
    nn::FeatureLinear<Hidden> features_;
    Weight<1, Hidden> mass_;
    nn::Projection<Hidden, Width> out_;
    nn::KindEmbedding<Width> feedback_;
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
