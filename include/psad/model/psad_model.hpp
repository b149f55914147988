/// \file psad_model.hpp
/// Psad: teacher and student of one variant, side by side. Each has embeddings and a UPN of its own, so that
/// neither's loss disturbs the other and the student stands alone once trained.
#pragma once

#include <type_traits>

#include "psad/model/features.hpp"
#include "psad/model/spec.hpp"
#include "psad/model/student.hpp"
#include "psad/model/teacher.hpp"

namespace psad {

/// `Psad<Spec{.block = 5}, gate::None, order::Sort>`: a spec, then any policies in any order (see
/// policy.hpp).
template <Spec Numbers = Spec{}, Policy... Policies>
struct Psad {
    static_assert((std::is_base_of_v<policy_kind, typename Policies::kind> && ...),
                  "psad: a policy of an unknown kind; wanted: using kind = psad::fade::kind_tag (or pool, "
                  "position, gate, "
                  "match, decode, transition, order, context, share, target, penalty, supervise, distill)");
    static_assert(((policies_of_kind<typename Policies::kind, Policies...> == 1) && ...),
                  "psad: two policies of one kind; wanted: at most one of each");

    static constexpr Spec spec = Numbers;
    using TeacherModel = Teacher<Numbers, Policies...>;
    using StudentModel = Student<Numbers, Policies...>;
    /// The policy of a kind that the networks do not read themselves, such as those of training.
    template <class Kind, class Default>
    using policy = policy_or<Kind, Default, Policies...>;

    static_assert(is_one_of<policy<share::kind_tag, share::Nothing>, share::Nothing, share::Embeddings>,
                  "psad: wanted share::Nothing or share::Embeddings");
    static constexpr bool shares_embeddings =
        std::is_same_v<policy<share::kind_tag, share::Nothing>, share::Embeddings>;

    TeacherModel teacher;
    StudentModel student;

    /// Registers all parameters below `scope`: "teacher...", "student..." and, when shared, "shared...".
    Psad(const Scope& scope, const TableSizes& sizes) : Psad(scope, sizes, shared(scope, sizes)) {}

    /// Where the student's embeddings are registered.
    static Scope student_features(const Scope& scope) {
        return shares_embeddings ? scope / "shared" : scope / "student" / "features";
    }

  private:
    // Layers are handles: two holders of one handle share the numbers.
    static Features<Numbers.width> shared(const Scope& scope, const TableSizes& sizes) {
        return {student_features(scope), sizes};
    }
    Psad(const Scope& scope, const TableSizes& sizes, const Features<Numbers.width>& of_student)
        : teacher(scope / "teacher", shares_embeddings
                                         ? of_student
                                         : Features<Numbers.width>(scope / "teacher" / "features", sizes)),
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
    static constexpr bool shares_embeddings = Variant::shares_embeddings;
    using StudentModel = typename Variant::StudentModel;

    StudentModel student;

    StudentOf(const Scope& scope, const TableSizes& sizes)
        : student(scope / "student", {Variant::student_features(scope), sizes}) {}
};

/// The teacher of a variant alone, with embeddings of its own.
template <class Variant>
struct TeacherOf {
    static constexpr Spec spec = Variant::spec;
    template <class Kind, class Default>
    using policy = typename Variant::template policy<Kind, Default>;
    static constexpr bool shares_embeddings = false;
    using TeacherModel = typename Variant::TeacherModel;

    TeacherModel teacher;

    TeacherOf(const Scope& scope, const TableSizes& sizes)
        : teacher(scope / "teacher", {scope / "teacher" / "features", sizes}) {}
};

/// A variant whose teacher was trained before and stays as it is: offline distillation.
template <class Variant>
struct Offline : Variant {
    static_assert(!Variant::shares_embeddings,
                  "psad: a finished teacher shares no embeddings with its student");
    static constexpr bool teacher_is_finished = true;
    using Variant::Variant;
};

template <class Network>
concept FinishedTeacher = requires {
    Network::teacher_is_finished;
};

/// Any one-pass scorer in place of the student: the baselines.
template <class Scorer, Spec Numbers, Policy... Policies>
struct Ranker {
    static constexpr Spec spec = Numbers;
    template <class Kind, class Default>
    using policy = policy_or<Kind, Default, Policies...>;
    static constexpr bool shares_embeddings = false;
    using StudentModel = Scorer;

    StudentModel student;

    Ranker(const Scope& scope, const TableSizes& sizes)
        : student(scope / "student", {scope / "student" / "features", sizes}) {}
};

}  // namespace psad
