/// \file attention_scorer.hpp
/// Baselines that score a list by self-attention over its candidates.
#pragma once

#include <type_traits>
#include <vector>

#include "psad/autograd/ops/pairs.hpp"
#include "psad/model/item_encoder.hpp"
#include "psad/model/scorer.hpp"
#include "psad/model/spec.hpp"
#include "psad/nn/transformer.hpp"

namespace psad::inline PSAD_ABI::baseline {

/// PRM (Pei et al., RecSys 2019) with `WithRank`: item, initial rank and user into transformer layers. SetRank (Pang et
/// al., SIGIR 2020) without: it adds no rank, though the dense inputs that all models share contain it. Both know
/// nothing of histories; pool::PerUser gives them the student's UPN.
template <Spec spec, bool WithRank, class... Policies>
class AttentionScorer {
  public:
    static constexpr int width = spec.width;
    static constexpr const char* name = WithRank ? "PRM" : "SetRank";

    AttentionScorer(const Scope& scope, const Embeddings<width>& embeddings)
        : items_(scope / "profile", embeddings), rank_(scope / "rank"), norm_(scope / "norm"), out_(scope / "out") {
        for (int i = 0; i < spec.encoder_layers; ++i) layers_.emplace_back(scope / "layer" / i);
    }

    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        return items_.user_state(ctx, in, items_.profile(ctx, in));
    }
    template <class Ctx, class T, class U>
    auto score(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        auto h = ranked(ctx, in, items_(ctx, in, user));
        for (const auto& layer : layers_) h = layer(ctx, h);
        const auto score = out_(ctx, norm_(ctx, h));
        return Scores{score};
    }

    /// Calls visit(name, value) for all that a model file and the type that reads it must agree on.
    template <class Visit>
    static void describe(Visit&& visit) {
        visit("width", spec.width);
        visit("heads", spec.heads);
        visit("feed_forward", spec.feed_forward);
        visit("encoder_layers", spec.encoder_layers);
        visit("gate", spec.gate);
        Upn::describe(visit);
    }

  private:
    using Upn = UpnPolicies<pool::None, gate::PerUser, Policies...>;

    template <class Ctx, class T, class E>
    auto ranked(Ctx& ctx, const Inputs<T>& in, const E& item) const {
        if constexpr (WithRank)
            return gather<Items>(ctx, identity_rows(item), rank_.rows(ctx, in.rank));
        else
            return item;
    }

    ItemEncoder<width, spec.gate, Upn> items_;
    LayerIf<WithRank, nn::PositionEmbedding<rank_positions, width>> rank_;
    std::vector<nn::EncoderLayer<width, spec.heads, spec.feed_forward>> layers_;
    nn::LayerNorm<width> norm_;
    nn::Linear<width, 1> out_;
};

template <Spec spec, class... Policies>
using Prm = AttentionScorer<spec, true, Policies...>;
template <Spec spec, class... Policies>
using SetRank = AttentionScorer<spec, false, Policies...>;

}  // namespace psad::baseline
