/// \file transformer.hpp
/// Pre-norm transformer layers (Xiong et al., 2020): an encoder layer, and a decoder layer that also runs
/// step by step.
#pragma once

#include "psad/autograd/ops/dropout.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/nn/attention.hpp"
#include "psad/nn/layer_norm.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI::nn {

/// x + W2 relu(W1 norm(x)).
template <int Width, int Hidden>
class FeedForward {
  public:
    explicit FeedForward(const Scope& scope) : norm_(scope / "norm"), hidden_(scope / "hidden"), out_(scope / "out") {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        return map(ctx, Add{}, x, dropout(ctx, out_(ctx, hidden_(ctx, norm_(ctx, x)))));
    }

  private:
    LayerNorm<Width> norm_;
    Linear<Width, Hidden, Relu> hidden_;
    Linear<Hidden, Width> out_;
};

/// Self-attention within each list, then feed-forward.
template <int Width, int Heads, int Hidden>
class EncoderLayer {
  public:
    explicit EncoderLayer(const Scope& scope)
        : norm_(scope / "norm"), attention_(scope / "attention"), feed_forward_(scope / "feed_forward") {}

    template <class Ctx, class X>
    auto operator()(Ctx& ctx, const X& x) const {
        const auto h = norm_(ctx, x);
        const auto attended = attention_.attend(ctx, h, attention_.prepare(ctx, h));
        return feed_forward_(ctx, map(ctx, Add{}, x, dropout(ctx, attended)));
    }

  private:
    LayerNorm<Width> norm_;
    MultiHeadAttention<Width, Heads> attention_;
    FeedForward<Width, Hidden> feed_forward_;
};

/// All positions at once: what a position may attend to is what was just prepared.
struct NoCache {
    template <class Ctx, class Prepared>
    const Prepared& extend(Ctx&, int, const Prepared& fresh) const {
        return fresh;
    }
};

/// Masked self-attention among the positions of the output list, cross-attention to its candidates,
/// feed-forward.
template <int Width, int Heads, int Hidden>
class DecoderLayer {
  public:
    explicit DecoderLayer(const Scope& scope)
        : norm_(scope / "norm"),
          self_(scope / "self"),
          cross_norm_(scope / "cross_norm"),
          cross_(scope / "cross"),
          feed_forward_(scope / "feed_forward") {}

    /// Keys and values of the candidates, computed once per list.
    template <class Ctx, class Z>
    auto prepare(Ctx& ctx, const Z& candidates) const {
        return cross_.prepare(ctx, candidates);
    }

    /// `cache.extend(ctx, layer, fresh)` gives the keys and values that x attends to; `key_length` limits them
    /// per row.
    template <class Ctx, class X, class Memory, class Cache>
    auto operator()(Ctx& ctx, const X& x, const Memory& candidates, const int* key_length, Cache& cache,
                    int layer) const {
        const auto h = norm_(ctx, x);
        const auto seen = cache.extend(ctx, layer, self_.prepare(ctx, h));
        const auto attended = map(ctx, Add{}, x, dropout(ctx, self_.attend(ctx, h, seen, key_length)));
        const auto cross_attended = cross_.attend(ctx, cross_norm_(ctx, attended), candidates);
        return feed_forward_(ctx, map(ctx, Add{}, attended, dropout(ctx, cross_attended)));
    }

  private:
    LayerNorm<Width> norm_;
    MultiHeadAttention<Width, Heads> self_;
    LayerNorm<Width> cross_norm_;
    MultiHeadAttention<Width, Heads> cross_;
    FeedForward<Width, Hidden> feed_forward_;
};

}  // namespace psad::nn
