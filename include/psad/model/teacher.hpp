/// \file teacher.hpp
/// PSAD-G (docs/method.md): the semi-autoregressive generator. A list is written in blocks of K positions; K = 1 is the
/// autoregressive generator, K >= L the non-autoregressive one. Block-causal mask and inputs shifted
/// by K after the semi-autoregressive transformer (SAT, EMNLP 2018).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "psad/model/candidate_upn.hpp"
#include "psad/model/embeddings.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/prefix.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/transition.hpp"
#include "psad/model/user_upn.hpp"
#include "psad/nn/transformer.hpp"

namespace psad::inline PSAD_ABI {

/// What every decoding step reads, computed once per list.
template <class E, class G, class KV, std::size_t Layers, class Tr>
struct EncodedList {
    E item;                                  ///< [items] personalised
    G position_scale;                        ///< [lists] scale of the position encoding
    std::array<KV, Layers> cross_attention;  ///< keys and values of the candidates, per decoder layer
    E pointer;                               ///< [items] keys of the pointer over candidates
    Tr transitions;
};

template <Spec spec, class... Policies>
class Teacher {
  public:
    static constexpr int width = spec.width;
    static constexpr int block = spec.block;
    static constexpr int layers = spec.decoder_layers;
    using Upn = UpnPolicies<pool::TargetAware, gate::PerItem, Policies...>;
    using TransitionPolicy = policy_or<transition::kind_tag, transition::On, Policies...>;
    using DecodePolicy = policy_or<decode::kind_tag, decode::LeftToRight, Policies...>;
    static constexpr bool has_transitions = std::is_same_v<TransitionPolicy, transition::On>;
    static_assert(spec.block >= 1 && spec.positions >= 1, "psad: a teacher needs block >= 1 and positions >= 1");
    static_assert(is_one_of<TransitionPolicy, transition::On, transition::Off>,
                  "psad: wanted transition::On or transition::Off");
    static_assert(!has_transitions || std::is_same_v<DecodePolicy, decode::LeftToRight>,
                  "psad: transitions need decode::LeftToRight; add transition::Off to decode otherwise");

    Teacher(const Scope& scope, const Embeddings<width>& embeddings)
        : embeddings_(embeddings),
          upn_(scope / "upn", embeddings.sizes()),
          rank_(scope / "rank"),
          encoder_norm_(scope / "encoded"),
          start_(scope / "start"),
          position_(scope / "slot"),
          position_scale_(scope / "slot_gate"),
          decoder_norm_(scope / "decoded"),
          pointer_query_(scope / "pointer_query"),
          pointer_key_(scope / "pointer_key"),
          transition_(scope / "transition") {
        for (int i = 0; i < spec.encoder_layers; ++i) encoder_.emplace_back(scope / "encoder" / i);
        for (int i = 0; i < layers; ++i) decoder_.emplace_back(scope / "decoder" / i);
    }

    /// One pass over the candidates.
    template <class Ctx, class T>
    auto encode(Ctx& ctx, const Inputs<T>& in) const {
        const auto user = embeddings_.profile(ctx, in);
        const auto item = personalised(ctx, in, user);
        auto z = gather<Items>(ctx, identity_rows(item), rank_.rows(ctx, in.rank));
        for (const auto& layer : encoder_) z = layer(ctx, z);
        z = encoder_norm_(ctx, z);
        using KV = decltype(decoder_[0].prepare(ctx, z));
        std::array<KV, static_cast<std::size_t>(layers)> cross_attention;
        for (std::size_t i = 0; i < cross_attention.size(); ++i) cross_attention[i] = decoder_[i].prepare(ctx, z);
        const auto pointer = pointer_key_(ctx, z);
        const auto transitions = transition_parts(ctx, item);
        const auto position_scale = position_scale_of(ctx, user);
        return EncodedList<decltype(z), std::remove_const_t<decltype(position_scale)>, KV,
                           static_cast<std::size_t>(layers), std::remove_const_t<decltype(transitions)>>{
            item, position_scale, cross_attention, pointer, transitions};
    }

    /// Logits [Axis x items] of the positions of Axis (Positions: all at once, Block: those being decoded), before
    /// transitions. `block_input`, `start` and `position` as in Prefix, one number per row of Axis.
    template <class Axis, class Ctx, class E, class Cache>
    auto decode(Ctx& ctx, const E& encoded, const int* block_input, const int* start, const int* position,
                const int* key_length, Cache& cache) const {
        const auto encoding = scaled_position(ctx, position_.template on<Axis>(ctx, position), encoded.position_scale);
        const auto input =
            gather<Axis>(ctx, PickedRows<decltype(encoded.item)>{encoded.item, block_input}, start_.rows(ctx, start));
        auto h = map(ctx, Add{}, input, encoding);
        for (int i = 0; i < layers; ++i) {
            const auto at = static_cast<std::size_t>(i);
            h = decoder_[at](ctx, h, encoded.cross_attention[at], key_length, cache, i);
        }
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(width));
        return pair_dot(ctx, pointer_query_(ctx, decoder_norm_(ctx, h)), encoded.pointer, scale);
    }

    /// Teacher forcing: logits [positions x items] along a known list, transitions included.
    template <class Ctx, class E>
    auto logits(Ctx& ctx, const E& encoded, const Prefix& prefix) const {
        nn::NoCache all;
        const auto plain =
            decode<Positions>(ctx, encoded, prefix.block_input, prefix.start, prefix.position, prefix.key_length, all);
        if constexpr (has_transitions)
            return transition_.add_to(ctx, plain, encoded.transitions, prefix.previous());
        else
            return plain;
    }

    /// Transition scores between any two candidates, for decoding.
    template <class Ctx, class E>
    auto transition_scores(Ctx& ctx, const E& encoded) const {
        return transition_.transition_scores(ctx, encoded.transitions);
    }

    /// Calls visit(name, value) for all that a model file and the type that reads it must agree on.
    template <class Visit>
    static void describe(Visit&& visit) {
        Spec::for_each_column(
            [&](const char* number, int value, bool, bool of_teacher) {
                if (of_teacher) visit(number, value);
            },
            spec);
        visit("transitions", TransitionPolicy::name);
        visit("decoding", DecodePolicy::name);
        Upn::describe(visit);
    }

  private:
    static constexpr bool per_item = std::is_same_v<typename Upn::Pool, pool::TargetAware>;
    static constexpr bool reads_history = !std::is_same_v<typename Upn::Pool, pool::None>;
    static constexpr bool adaptive = reads_history && std::is_same_v<typename Upn::Position, position::Adaptive>;

    template <class Ctx, class X>
    auto position_scale_of(Ctx& ctx, const X& user) const {
        if constexpr (adaptive)
            return position_scale_(ctx, user);
        else
            return user;  // not read
    }
    template <class Ctx, class S, class G>
    auto scaled_position(Ctx& ctx, const S& encoding, const G& scale) const {
        if constexpr (adaptive)
            return map(ctx, Multiply{}, encoding, scale);
        else
            return encoding;
    }

    template <class Ctx, class T, class X>
    auto personalised(Ctx& ctx, const Inputs<T>& in, const X& user) const {
        const auto item = embeddings_.items(ctx, in);
        if constexpr (!reads_history)
            return upn_(ctx, item, upn_.user_state(ctx, user));
        else if constexpr (per_item)
            return upn_(ctx, in, item, embeddings_.events(ctx, in), user);
        else
            return upn_(ctx, in, item, upn_.user_state(ctx, in, embeddings_.events(ctx, in), user));
    }
    template <class Ctx, class E>
    auto transition_parts(Ctx& ctx, const E& item) const {
        if constexpr (has_transitions)
            return transition_.prepare(ctx, item);
        else
            return NoTransitions{};
    }

    Embeddings<width> embeddings_;
    std::conditional_t<
        !reads_history, ProfileShift<width>,
        std::conditional_t<per_item, CandidateUpn<width, spec.gate, Upn>, UserUpn<width, spec.gate, Upn>>>
        upn_;
    nn::PositionEmbedding<rank_positions, width> rank_;
    std::vector<nn::EncoderLayer<width, spec.heads, spec.feed_forward>> encoder_;
    nn::LayerNorm<width> encoder_norm_;
    nn::PositionEmbedding<1, width> start_;
    nn::PositionEmbedding<spec.positions, width> position_;
    LayerIf<adaptive, UserScale<width, width>> position_scale_;
    std::vector<nn::DecoderLayer<width, spec.heads, spec.feed_forward>> decoder_;
    nn::LayerNorm<width> decoder_norm_;
    nn::Projection<width, width> pointer_query_, pointer_key_;
    std::conditional_t<has_transitions, TransitionHead<width, spec.transition_rank>, NoLayer> transition_;
};

}  // namespace psad
