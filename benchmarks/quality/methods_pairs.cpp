#include "run_cell.hpp"

namespace psad::cli {

namespace {

constexpr Spec wide_student() {
    Spec s = compared;
    s.student_hidden1 = 2 * s.student_hidden1;
    s.student_hidden2 = 2 * s.student_hidden2;
    s.student_rank = 2 * s.student_rank;
    return s;
}

}  // namespace

std::vector<Contender> pairs() {
    return {
        {"psad", "teacher (K = 5) and student trained together: all defaults", run_cell<Compared<>>},
        {"psad-sort", "the sorting student, hard distillation",
         run_cell<Compared<order::Sort, distill::Hard>>},
        {"attention", "the student's context by self-attention", run_cell<Compared<list_context::SelfAttention>>},
        {"attention-wide", "self-attention; scorer and transitions twice as wide",
         run_cell<Psad<wide_student(), target::ShownOrSet, list_context::SelfAttention>>},
        {"attention-sort", "the sorting student with self-attention, hard distillation",
         run_cell<Compared<list_context::SelfAttention, order::Sort, distill::Hard>>},
        {"no-distillation", "both trained together, nothing passes", run_cell<Compared<distill::None>>},
        {"offline", "the student of a finished teacher",
         run_in_turn<TeacherOf<Compared<>>, FrozenTeacher<Compared<>>>},
        {"mutual", "lessons both ways (Deep Mutual Learning)", run_cell<Compared<distill::Mutual>>},
        {"hard", "the student imitates the teacher's own lists", run_cell<Compared<distill::Hard>>},
    };
}

}  // namespace psad::cli
