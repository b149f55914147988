/// \file teacher.hpp
/// PSAD-G (docs/method.md): the semi-autoregressive generator. A list is written in blocks of K places; K = 1
/// is the autoregressive generator, K >= L the non-autoregressive one. Block-causal mask and inputs shifted
/// by K after the semi-autoregressive transformer (SAT, EMNLP 2018).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "psad/model/features.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/prefix.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/transition.hpp"
#include "psad/model/upn.hpp"
#include "psad/nn/transformer.hpp"

namespace psad {

/// What decoding reads again and again, computed once per list.
template <class E, class G, class KV, std::size_t Layers, class Tr>
struct TeacherMemory {
    E item;                          ///< [items] as the user sees them
    G slot_gate;                     ///< [lists] how this user's places differ
    std::array<KV, Layers> crossed;  ///< keys and values of the candidates, per decoder layer
    E pointer;                       ///< [items] what the places point at
    Tr transitions;
};

template <Spec spec, class... Policies>
class Teacher {
  public:
    static constexpr int width = spec.width;
    static constexpr int block = spec.block;
    static constexpr int layers = spec.decoder_layers;
    using Upn = UpnPolicies<pool::PerItem, gate::PerItem, Policies...>;
    using TransitionPolicy = policy_or<transition::kind_tag, transition::On, Policies...>;
    using DecodePolicy = policy_or<decode::kind_tag, decode::LeftToRight, Policies...>;
    static constexpr bool has_transitions = std::is_same_v<TransitionPolicy, transition::On>;
    static_assert(spec.block >= 1 && spec.slots >= 1, "psad: a teacher needs block >= 1 and slots >= 1");
    static_assert(is_one_of<TransitionPolicy, transition::On, transition::Off>,
                  "psad: wanted transition::On or transition::Off");
    static_assert(!has_transitions || std::is_same_v<DecodePolicy, decode::LeftToRight>,
                  "psad: transitions need decode::LeftToRight; add transition::Off to decode otherwise");

    Teacher(const Scope& scope, const Features<width>& features)
        : features_(features),
          upn_(scope / "upn"),
          rank_(scope / "rank"),
          encoded_(scope / "encoded"),
          start_(scope / "start"),
          slot_(scope / "slot"),
          slot_gate_(scope / "slot_gate"),
          decoded_(scope / "decoded"),
          pointer_query_(scope / "pointer_query"),
          pointer_key_(scope / "pointer_key"),
          transition_(scope / "transition") {
        for (int i = 0; i < spec.encoder_layers; ++i) encoder_.emplace_back(scope / "encoder" / i);
        for (int i = 0; i < layers; ++i) decoder_.emplace_back(scope / "decoder" / i);
    }

    /// One pass over the candidates.
    template <class Ctx, class T>
    auto encode(Ctx& ctx, const Inputs<T>& in) const {
        const auto user = features_.profile(ctx, in);
        const auto item = personalised(ctx, in, user);
        auto z = gather<Items>(ctx, each_row(item), rank_.rows(ctx, in.rank));
        for (const auto& layer : encoder_) z = layer(ctx, z);
        z = encoded_(ctx, z);
        using KV = decltype(decoder_[0].prepare(ctx, z));
        std::array<KV, static_cast<std::size_t>(layers)> crossed;
        for (std::size_t i = 0; i < crossed.size(); ++i) crossed[i] = decoder_[i].prepare(ctx, z);
        const auto pointer = pointer_key_(ctx, z);
        const auto transitions = transition_parts(ctx, item);
        const auto slot_gate = slot_gate_of(ctx, user);
        return TeacherMemory<decltype(z), std::remove_const_t<decltype(slot_gate)>, KV,
                             static_cast<std::size_t>(layers), std::remove_const_t<decltype(transitions)>>{
            item, slot_gate, crossed, pointer, transitions};
    }

    /// Logits [Axis x items] of the places of Axis (Slots: all at once, Block: those being decoded), before
    /// transitions. `block_input`, `start` and `position` as in Prefix, one number per row of Axis.
    template <class Axis, class Ctx, class M, class Cache>
    auto decode(Ctx& ctx, const M& memory, const int* block_input, const int* start, const int* position,
                const int* visible, Cache& cache) const {
        const auto place = gated_place(ctx, slot_.template on<Axis>(ctx, position), memory.slot_gate);
        const auto before = gather<Axis>(ctx, Picked<decltype(memory.item)>{memory.item, block_input},
                                         start_.rows(ctx, start));
        auto h = map(ctx, Add{}, before, place);
        for (int i = 0; i < layers; ++i) {
            const auto at = static_cast<std::size_t>(i);
            h = decoder_[at](ctx, h, memory.crossed[at], visible, cache, i);
        }
        const auto scale = typename Ctx::Scalar(1) / std::sqrt(static_cast<typename Ctx::Scalar>(width));
        return pair_dot(ctx, pointer_query_(ctx, decoded_(ctx, h)), memory.pointer, scale);
    }

    /// Teacher forcing: logits [slots x items] along a known list, transitions included.
    template <class Ctx, class M>
    auto logits(Ctx& ctx, const M& memory, const Prefix& prefix) const {
        nn::NoCache all;
        const auto plain = decode<Slots>(ctx, memory, prefix.block_input, prefix.start, prefix.position,
                                         prefix.visible, all);
        if constexpr (has_transitions)
            return transition_.along(ctx, plain, memory.transitions, prefix.before);
        else
            return plain;
    }

    /// Transitions between any two candidates, for decoding.
    template <class Ctx, class M>
    auto steps(Ctx& ctx, const M& memory) const {
        return transition_.steps(ctx, memory.transitions);
    }

  private:
    static constexpr bool per_item = std::is_same_v<typename Upn::Pool, pool::PerItem>;
    static constexpr bool reads_history = !std::is_same_v<typename Upn::Pool, pool::None>;
    static constexpr bool adaptive =
        reads_history && std::is_same_v<typename Upn::Position, position::Adaptive>;

    template <class Ctx, class X>
    auto slot_gate_of(Ctx& ctx, const X& user) const {
        if constexpr (adaptive)
            return slot_gate_(ctx, user);
        else
            return user;  // not read
    }
    template <class Ctx, class S, class G>
    auto gated_place(Ctx& ctx, const S& place, const G& gate) const {
        if constexpr (adaptive)
            return map(ctx, Multiply{}, place, gate);
        else
            return place;
    }

    template <class Ctx, class T, class X>
    auto personalised(Ctx& ctx, const Inputs<T>& in, const X& user) const {
        const auto item = features_.items(ctx, in);
        if constexpr (!reads_history)
            return upn_(ctx, item, upn_.user(ctx, user));
        else if constexpr (per_item)
            return upn_(ctx, in, item, features_.events(ctx, in), user);
        else
            return upn_(ctx, in, item, upn_.user(ctx, in, features_.events(ctx, in), user));
    }
    template <class Ctx, class E>
    auto transition_parts(Ctx& ctx, const E& item) const {
        if constexpr (has_transitions)
            return transition_.prepare(ctx, item);
        else
            return NoTransitions{};
    }

    Features<width> features_;
    std::conditional_t<
        !reads_history, ProfileShift<width>,
        std::conditional_t<per_item, CandidateUpn<width, spec.gate, Upn>, UserUpn<width, spec.gate, Upn>>>
        upn_;
    nn::PositionEmbedding<rank_positions, width> rank_;
    std::vector<nn::EncoderLayer<width, spec.heads, spec.feed_forward>> encoder_;
    nn::LayerNorm<width> encoded_;
    nn::PositionEmbedding<1, width> start_;
    nn::PositionEmbedding<spec.slots, width> slot_;
    PartIf<adaptive, UserScale<width, width>> slot_gate_;
    std::vector<nn::DecoderLayer<width, spec.heads, spec.feed_forward>> decoder_;
    nn::LayerNorm<width> decoded_;
    nn::Projection<width, width> pointer_query_, pointer_key_;
    std::conditional_t<has_transitions, TransitionHead<width, spec.transition_rank>, NoPart> transition_;
};

}  // namespace psad
