#include "run_method.hpp"

namespace psad::quality {

namespace {

constexpr Spec wide_student() {
    Spec s = method_spec;
    s.student_hidden1 = 2 * s.student_hidden1;
    s.student_hidden2 = 2 * s.student_hidden2;
    s.student_rank = 2 * s.student_rank;
    return s;
}

}  // namespace

std::vector<Method> pairs() {
    using list_context::SelfAttention;
    return {
        {"psad", "teacher (K = 5) and student trained together: all defaults", run_method<Pair<>>},
        {"psad-sort", "the sorting student, hard distillation", run_method<Pair<order::Sort, distill::Hard>>},
        {"attention", "the student's context by self-attention", run_method<Pair<SelfAttention>>},
        {"attention-wide", "self-attention; scorer and transitions twice as wide",
         run_method<Psad<wide_student(), target::ShownOrSet, SelfAttention>>},
        {"attention-sort", "the sorting student with self-attention, hard distillation",
         run_method<Pair<SelfAttention, order::Sort, distill::Hard>>},
        {"no-distillation", "teacher and student trained together, without distillation",
         run_method<Pair<distill::None>>},
        {"offline", "the student of a finished teacher", run_in_turn<TeacherOf<Pair<>>, FrozenTeacher<Pair<>>>},
        {"mutual", "distillation both ways (Deep Mutual Learning)", run_method<Pair<distill::Mutual>>},
        {"hard", "the student imitates the teacher's own lists", run_method<Pair<distill::Hard>>},
    };
}

}  // namespace psad::quality
