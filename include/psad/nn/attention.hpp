/// \file attention.hpp
/// Multi-head attention with its projections.
#pragma once

#include "psad/autograd/ops/attention.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI::nn {

/// The keys and values of one layer.
template <class K, class V>
struct KeysValues {
    K keys;
    V values;
};

template <int Width, int Heads>
class MultiHeadAttention {
  public:
    explicit MultiHeadAttention(const Scope& scope)
        : query_(scope / "query"), key_(scope / "key"), value_(scope / "value"), out_(scope / "out") {}

    /// What can be attended to, from rows `x`.
    template <class Ctx, class X>
    auto prepare(Ctx& ctx, const X& x) const {
        auto keys = key_(ctx, x);
        auto values = value_(ctx, x);
        return KeysValues<decltype(keys), decltype(values)>{keys, values};
    }

    /// Rows `x` attend to what was prepared; `key_length` as in psad::attention.
    template <class Ctx, class X, class K, class V>
    auto attend(Ctx& ctx, const X& x, const KeysValues<K, V>& to, const int* key_length = nullptr) const {
        return out_(ctx, attention<Heads>(ctx, query_(ctx, x), to.keys, to.values, key_length));
    }

  private:
    Projection<Width, Width> query_, key_;
    Linear<Width, Width> value_, out_;
};

}  // namespace psad::nn
