/// \file psad_model.hpp
/// Psad: teacher and student of one variant, side by side. Each has embeddings and a UPN of its own, so that no loss of
/// the one changes the other and the student stands alone once trained.
#pragma once

#include <type_traits>

#include "psad/model/embeddings.hpp"
#include "psad/model/scorer.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/student.hpp"
#include "psad/model/teacher.hpp"

namespace psad::inline PSAD_ABI {

namespace psad_detail {
template <class Chosen, Spec Numbers, class... Policies>
struct ChooseStudent {
    static_assert(std::is_same_v<Chosen, student::PsadS>,
                  "psad: wanted student::PsadS or student::Of<your own student>");
    using type = Student<Numbers, Policies...>;
};
template <class S, Spec Numbers, class... Policies>
struct ChooseStudent<student::Of<S>, Numbers, Policies...> {
    static_assert((expect_scorer<S>(), true));
    using type = S;
};
}  // namespace psad_detail

/// `Psad<Spec{.block = 5}, gate::None, order::Sort>`: a spec, then any policies in any order (see
/// policy.hpp).
template <Spec Numbers = Spec{}, Policy... Policies>
struct Psad {
    static_assert((std::is_base_of_v<policy_kind, typename Policies::kind> && ...),
                  "psad: a policy of an unknown kind; wanted: using kind = psad::fade::kind_tag (or pool, "
                  "position, gate, match, decode, transition, order, list_context, tie, student, target, penalty, "
                  "student_loss, distill)");
    static_assert(((policies_of_kind<typename Policies::kind, Policies...> == 1) && ...),
                  "psad: two policies of one kind; wanted: at most one of each");

    static constexpr Spec spec = Numbers;
    /// The policy of a kind that the networks do not read themselves, such as those of training.
    template <class Kind, class Default>
    using policy = policy_or<Kind, Default, Policies...>;

    using TeacherModel = Teacher<Numbers, Policies...>;
    using StudentModel =
        typename psad_detail::ChooseStudent<policy<student::kind_tag, student::PsadS>, Numbers, Policies...>::type;

    using TiePolicy = policy<tie::kind_tag, tie::Nothing>;
    static_assert(is_one_of<TiePolicy, tie::Nothing, tie::Embeddings>, "psad: wanted tie::Nothing or tie::Embeddings");
    static constexpr bool tied_embeddings = std::is_same_v<TiePolicy, tie::Embeddings>;
    static_assert(!tied_embeddings || StudentModel::width == Numbers.width,
                  "psad: tied embeddings want a student of the teacher's width");

    TeacherModel teacher;
    StudentModel student;

    /// Registers all parameters below `scope`: "teacher...", "student..." and, when tied, "shared...".
    Psad(const Scope& scope, const InputSizes& sizes) : Psad(scope, sizes, student_embeddings(scope, sizes)) {}

    static Embeddings<StudentModel::width> student_embeddings(const Scope& scope, const InputSizes& sizes) {
        if constexpr (tied_embeddings)
            return {scope.of(Part::shared) / "shared", sizes};
        else
            return {scope / "student" / "features", sizes};
    }

  private:
    static Embeddings<Numbers.width> teacher_embeddings(const Scope& scope, const InputSizes& sizes,
                                                        const Embeddings<StudentModel::width>& of_student) {
        if constexpr (tied_embeddings)  // copying a layer copies offsets: both read the same numbers
            return of_student;
        else
            return {scope.of(Part::teacher) / "teacher" / "features", sizes};
    }
    Psad(const Scope& scope, const InputSizes& sizes, const Embeddings<StudentModel::width>& of_student)
        : teacher(scope.of(Part::teacher) / "teacher", teacher_embeddings(scope, sizes, of_student)),
          student(scope / "student", of_student) {}
};

/// A network with a part that writes lists block by block.
template <class Network>
concept HasTeacher = requires {
    typename Network::TeacherModel;
};
/// A network with a part that orders in one pass.
template <class Network>
concept HasStudent = requires {
    typename Network::StudentModel;
};

/// The student of a variant alone: what production loads, or a student trained without a teacher.
template <class Variant>
struct StudentOf {
    static constexpr Spec spec = Variant::spec;
    template <class Kind, class Default>
    using policy = typename Variant::template policy<Kind, Default>;
    using TiePolicy = typename Variant::TiePolicy;
    static constexpr bool tied_embeddings = Variant::tied_embeddings;
    using StudentModel = typename Variant::StudentModel;

    StudentModel student;

    StudentOf(const Scope& scope, const InputSizes& sizes)
        : student(scope / "student", student_embeddings(scope, sizes)) {}

    static auto student_embeddings(const Scope& scope, const InputSizes& sizes) {
        return Variant::student_embeddings(scope, sizes);
    }
};

/// The teacher of a variant alone, with embeddings of its own.
template <class Variant>
struct TeacherOf {
    static constexpr Spec spec = Variant::spec;
    template <class Kind, class Default>
    using policy = typename Variant::template policy<Kind, Default>;
    using TiePolicy = tie::Nothing;
    static constexpr bool tied_embeddings = false;
    using TeacherModel = typename Variant::TeacherModel;

    TeacherModel teacher;

    TeacherOf(const Scope& scope, const InputSizes& sizes)
        : teacher(scope.of(Part::teacher) / "teacher", {scope.of(Part::teacher) / "teacher" / "features", sizes}) {}
};

/// A variant whose teacher was trained before and stays as it is: offline distillation.
template <class Variant>
struct FrozenTeacher : Variant {
    static_assert(!Variant::tied_embeddings, "psad: a frozen teacher ties no embeddings with its student");
    static constexpr bool teacher_is_frozen = true;
    using Variant::Variant;
};

template <class Network>
concept HasFrozenTeacher = requires {
    Network::teacher_is_frozen;
};

}  // namespace psad
