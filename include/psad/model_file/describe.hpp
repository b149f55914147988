/// \file describe.hpp
/// A network's description: what must agree between a model file and the type that reads it.
#pragma once

#include <string_view>
#include <utility>

#include "psad/model/psad_model.hpp"
#include "psad/model_file/json_value.hpp"

namespace psad::inline PSAD_ABI::model_file {

inline constexpr std::string_view model_format = "psad-model-4";

namespace detail {

/// Name and description of one part: a teacher, or any student.
template <class PartModel>
JsonValue describe_part() {
    JsonValue out = JsonValue::object();
    if constexpr (requires { PartModel::name; }) out.set("name", PartModel::name);
    if constexpr (requires { PartModel::describe([](const char*, const auto&) {}); })
        PartModel::describe([&](const char* name, const auto& value) { out.set(name, value); });
    return out;
}

}  // namespace detail

/// All that each part says of itself. The student stands apart, so that a student file says all that a student needs.
template <class Network>
JsonValue describe() {
    JsonValue out = JsonValue::object();
    if constexpr (HasStudent<Network>) {
        JsonValue student = detail::describe_part<typename Network::StudentModel>();
        student.set("tied", Network::TiePolicy::name);
        out.set("student", std::move(student));
    }
    if constexpr (HasTeacher<Network>) out.set("teacher", detail::describe_part<typename Network::TeacherModel>());
    return out;
}

}  // namespace psad::model_file
