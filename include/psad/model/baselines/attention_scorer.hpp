/// \file attention_scorer.hpp
/// Baselines that score a list by self-attention over its candidates.
#pragma once

#include <type_traits>
#include <vector>

#include "psad/autograd/ops/pairs.hpp"
#include "psad/model/prefix.hpp"
#include "psad/model/seen_items.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/student.hpp"
#include "psad/nn/transformer.hpp"

namespace psad::baseline {

/// PRM (Pei et al., RecSys 2019) with `WithRank`: item, place and user into transformer layers. SetRank (Pang
/// et al., SIGIR 2020) without: it adds no place, though the dense inputs that all models share tell it. Both
/// know nothing of histories; pool::PerUser gives them the student's UPN.
template <Spec spec, bool WithRank, class... Policies>
class AttentionScorer {
  public:
    static constexpr int width = spec.width;
    static constexpr bool greedy = false;

    AttentionScorer(const Scope& scope, const Features<width>& features)
        : items_(scope / "profile", features),
          rank_(scope / "rank"),
          norm_(scope / "norm"),
          out_(scope / "out") {
        for (int i = 0; i < spec.encoder_layers; ++i) layers_.emplace_back(scope / "layer" / i);
    }

    template <class Ctx, class T>
    auto user(Ctx& ctx, const Inputs<T>& in) const {
        return items_.user(ctx, in, items_.profile(ctx, in));
    }
    template <class Ctx, class T, class U>
    auto score(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        auto h = placed(ctx, in, items_(ctx, in, user));
        for (const auto& layer : layers_) h = layer(ctx, h);
        const auto score = out_(ctx, norm_(ctx, h));
        return StudentScores<std::remove_const_t<decltype(score)>, NoTransitions>{score, {}};
    }
    template <class Ctx, class S>
    auto logits(Ctx& ctx, const S& scores, const Prefix&) const {
        return spread_keys<Slots>(ctx, scores.score);
    }

  private:
    template <class Ctx, class T, class E>
    auto placed(Ctx& ctx, const Inputs<T>& in, const E& item) const {
        if constexpr (WithRank)
            return gather<Items>(ctx, each_row(item), rank_.rows(ctx, in.rank));
        else
            return item;
    }

    SeenItems<width, spec.gate, UpnPolicies<pool::None, gate::PerUser, Policies...>> items_;
    PartIf<WithRank, nn::PositionEmbedding<rank_positions, width>> rank_;
    std::vector<nn::EncoderLayer<width, spec.heads, spec.feed_forward>> layers_;
    nn::LayerNorm<width> norm_;
    nn::Linear<width, 1> out_;
};

template <Spec spec, class... Policies>
using Prm = AttentionScorer<spec, true, Policies...>;
template <Spec spec, class... Policies>
using SetRank = AttentionScorer<spec, false, Policies...>;

}  // namespace psad::baseline
