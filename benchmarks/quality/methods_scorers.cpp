#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "run_cell.hpp"

namespace psad::cli {

namespace {

template <class Scorer, class... Policies>
using Ranked = Ranker<Scorer, compared, target::ShownOrSet, Policies...>;

/// Learns from what was shown; where the lists do not say, that is the initial order.
template <class... Policies>
using ClickModel = Psad<compared, target::Exposure, student_loss::ClicksAlongList, Policies...>;

}  // namespace

std::vector<Contender> scorers() {
    return {
        {"mlp", "pointwise MLP: each candidate on its own, no UPN",
         run_cell<StudentOf<Compared<pool::None, match::Off, list_context::None, order::Sort>>>},
        {"dlcm", "DLCM (Ai et al., SIGIR 2018); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::Dlcm<compared>>>},
        {"prm", "PRM (Pei et al., RecSys 2019); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::Prm<compared>>>},
        {"setrank", "SetRank (Pang et al., SIGIR 2020); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::SetRank<compared>>>},
        {"dlcm+upn", "DLCM that sees items through the student's UPN",
         run_cell<Ranked<baseline::Dlcm<compared, pool::PerUser>>>},
        {"prm+upn", "PRM that sees items through the student's UPN",
         run_cell<Ranked<baseline::Prm<compared, pool::PerUser>>>},
        {"setrank+upn", "SetRank that sees items through the student's UPN",
         run_cell<Ranked<baseline::SetRank<compared, pool::PerUser>>>},
        {"listnet", "PRM with the student's UPN by its paper's loss: cross-entropy on the clicks",
         run_cell<Ranked<baseline::Prm<compared, pool::PerUser>, student_loss::ListNet>>},
        {"student-alone", "the student without a teacher", run_cell<StudentOf<Compared<>>>},
        {"clicks", "the student as a click model: clicks along the shown list, no teacher",
         run_cell<StudentOf<ClickModel<>>>},
        {"clicks-5x", "the student as a click model in five times the passes",
         run_cell<StudentOf<ClickModel<>>, 5>},
        {"taught-clicks", "a student that first imitates, then learns clicks in four times the passes",
         run_in_turn<StudentOf<Compared<>>, StudentOf<ClickModel<>>, 4>},
        {"clicks-sort", "a click model without transitions: sorted by the chance of a click",
         run_cell<StudentOf<ClickModel<order::Sort>>>},
        {"taught-clicks-sort",
         "a click model without transitions that first imitates, then learns clicks in four times the passes",
         run_in_turn<StudentOf<Compared<order::Sort>>, StudentOf<ClickModel<order::Sort>>, 4>},
        {"sort-alone", "the sorting student without a teacher", run_cell<StudentOf<Compared<order::Sort>>>},
        {"attention-sort-alone", "the sorting student with self-attention without a teacher",
         run_cell<StudentOf<Compared<list_context::SelfAttention, order::Sort>>>},
    };
}

}  // namespace psad::cli
