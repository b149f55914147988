#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "run_cell.hpp"

namespace psad::cli {

namespace {

template <class Scorer>
using Ranked = Ranker<Scorer, compared, target::ShownOrSet>;

}  // namespace

std::vector<Contender> scorers() {
    return {
        {"mlp", "pointwise MLP: each candidate on its own, no UPN",
         run_cell<StudentOf<Compared<pool::None, match::Off, context::None, order::Sort>>>},
        {"dlcm", "DLCM (Ai et al., SIGIR 2018)", run_cell<Ranked<baseline::Dlcm<compared>>>},
        {"prm", "PRM (Pei et al., RecSys 2019)", run_cell<Ranked<baseline::Prm<compared>>>},
        {"setrank", "SetRank (Pang et al., SIGIR 2020)", run_cell<Ranked<baseline::SetRank<compared>>>},
        {"student-alone", "the student without a teacher", run_cell<StudentOf<Compared<>>>},
        {"clicks", "the student as a click model: clicks along the shown list, no teacher",
         run_cell<StudentOf<Compared<supervise::ClicksAlongList>>>},
        {"clicks-sort", "the same without transitions: sorted by the chance of a click",
         run_cell<StudentOf<Compared<supervise::ClicksAlongList, order::Sort>>>},
        {"sort-alone", "the sorting student without a teacher", run_cell<StudentOf<Compared<order::Sort>>>},
    };
}

}  // namespace psad::cli
