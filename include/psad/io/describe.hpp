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

/// The policies of a UPN.
template <class Upn>
nlohmann::json upn_description() {
    std::string fading = Upn::Fade::name;
    if constexpr (requires { typename Upn::Fade::curve; })
        fading += std::string(", ") + Upn::Fade::curve::name;
    return {{"history", Upn::Pool::name},
            {"fading", fading},
            {"gates", Upn::Gate::name},
            {"match", Upn::Match::name},
            {"positions", Upn::Position::name}};
}

/// Spec and policies of a variant. The numbers of the student and of the teacher stand apart, so that a
/// student file says all that a student needs.
template <class Network>
nlohmann::json describe() {
    using S = typename Network::StudentModel;
    constexpr Spec s = Network::spec;
    nlohmann::json out;
    out["student"] = {{"width", s.width},
                      {"heads", s.heads},
                      {"gate", s.gate},
                      {"hidden1", s.student_hidden1},
                      {"hidden2", s.student_hidden2},
                      {"rank", s.student_rank},
                      {"shares", shares_of<Network>()},
                      {"order", S::OrderPolicy::name},
                      {"context", S::ContextPolicy::name}};
    out["student"].update(upn_description<typename S::Upn>());
    if constexpr (requires { typename Network::TeacherModel; }) {
        using T = typename Network::TeacherModel;
        out["teacher"] = {{"block", s.block},
                          {"slots", s.slots},
                          {"encoder_layers", s.encoder_layers},
                          {"decoder_layers", s.decoder_layers},
                          {"feed_forward", s.feed_forward},
                          {"rank", s.transition_rank},
                          {"transitions", T::TransitionPolicy::name},
                          {"decoding", T::DecodePolicy::name}};
        out["teacher"].update(upn_description<typename T::Upn>());
    }
    return out;
}

}  // namespace psad::io
