/// \file describe.hpp
/// A variant's description: what must agree between a model file and the type that reads it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "psad/model/psad_model.hpp"

namespace psad::io {

/// What the student's numbers are shared with.
template <class Network>
constexpr const char* shares_of() {
    return Network::shares_embeddings ? share::Embeddings::name : share::Nothing::name;
}

/// Spec and policies of a variant. The numbers of the student and of the teacher stand apart, so that a
/// student file says all that a student needs.
template <class Network>
nlohmann::json describe() {
    using S = typename Network::StudentModel;
    constexpr Spec s = Network::spec;
    const auto fade_name = [](auto policy) {
        using P = decltype(policy);
        std::string name = P::name;
        if constexpr (requires { typename P::curve; }) name += std::string(", ") + P::curve::name;
        return name;
    };
    nlohmann::json out;
    out["student"] = {{"width", s.width},
                      {"heads", s.heads},
                      {"gate", s.gate},
                      {"hidden1", s.student_hidden1},
                      {"hidden2", s.student_hidden2},
                      {"rank", s.student_rank},
                      {"shares", shares_of<Network>()},
                      {"order", S::OrderPolicy::name},
                      {"context", S::ContextPolicy::name},
                      {"fading", fade_name(typename S::FadePolicy{})},
                      {"gates", S::GatePolicy::name},
                      {"match", S::MatchPolicy::name}};
    if constexpr (requires { typename Network::TeacherModel; }) {
        using T = typename Network::TeacherModel;
        out["teacher"] = {{"block", s.block},
                          {"slots", s.slots},
                          {"encoder_layers", s.encoder_layers},
                          {"decoder_layers", s.decoder_layers},
                          {"feed_forward", s.feed_forward},
                          {"rank", s.transition_rank},
                          {"history", T::PoolPolicy::name},
                          {"transitions", T::TransitionPolicy::name},
                          {"decoding", T::DecodePolicy::name},
                          {"fading", fade_name(typename T::FadePolicy{})},
                          {"match", T::MatchPolicy::name},
                          {"gates", T::GatePolicy::name}};
    }
    return out;
}

}  // namespace psad::io
