/// \file describe.hpp
/// A network's description: what must agree between a model file and the type that reads it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "psad/model/psad_model.hpp"

namespace psad::inline PSAD_ABI::model_file {

namespace detail {

/// Name and description of one part: a teacher, or any student.
template <class PartModel>
nlohmann::json describe_part() {
    nlohmann::json out = nlohmann::json::object();
    if constexpr (requires { PartModel::name; }) out["name"] = PartModel::name;
    if constexpr (requires { PartModel::describe([](const char*, const auto&) {}); })
        PartModel::describe([&](const char* name, const auto& value) { out[name] = value; });
    return out;
}

}  // namespace detail

/// All that each part says of itself. The student stands apart, so that a student file says all that a student needs.
template <class Network>
nlohmann::json describe() {
    nlohmann::json out;
    if constexpr (HasStudent<Network>) {
        out["student"] = detail::describe_part<typename Network::StudentModel>();
        out["student"]["tied"] = Network::TiePolicy::name;
    }
    if constexpr (HasTeacher<Network>) out["teacher"] = detail::describe_part<typename Network::TeacherModel>();
    return out;
}

}  // namespace psad::model_file
