/// \file psad_model.hpp
/// Psad: teacher and student of one variant, side by side. Each has embeddings and a UPN of its own, so that
/// neither's loss disturbs the other and the student stands alone once trained.
#pragma once

#include "psad/model/features.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/student.hpp"
#include "psad/model/teacher.hpp"

namespace psad {

/// `Psad<Spec{.block = 5}, gate::None, order::Sort>`: a spec, then any policies in any order (see
/// policy.hpp).
template <Spec Numbers = Spec{}, Policy... Policies>
struct Psad {
    static constexpr Spec spec = Numbers;
    using TeacherModel = Teacher<Numbers, Policies...>;
    using StudentModel = Student<Numbers, Policies...>;
    /// The policy of a kind that the networks do not read themselves, such as those of training.
    template <class Kind, class Default>
    using policy = policy_or<Kind, Default, Policies...>;

    TeacherModel teacher;
    StudentModel student;

    /// Registers all parameters below `scope`: "teacher..." and "student...".
    Psad(const Scope& scope, const TableSizes& sizes)
        : teacher(scope / "teacher", sizes), student(scope / "student", sizes) {}
};

/// The student of a variant alone: what production loads.
template <class Variant>
struct StudentOf {
    static constexpr Spec spec = Variant::spec;
    using StudentModel = typename Variant::StudentModel;

    StudentModel student;

    StudentOf(const Scope& scope, const TableSizes& sizes) : student(scope / "student", sizes) {}
};

}  // namespace psad
