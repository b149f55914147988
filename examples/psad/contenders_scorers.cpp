#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "run_cell.hpp"

namespace psad::cli {

namespace {

template <class Scorer>
using Ranked = Ranker<Scorer, compared, target::ShownOrSet>;

/// Learns from what was shown; where the lists do not say, that is the initial order.
template <class... Policies>
using ClickModel = Psad<compared, target::Exposure, supervise::ClicksAlongList, Policies...>;

}  // namespace

std::vector<Contender> scorers() {
    return {
        {"mlp", "pointwise MLP: each candidate on its own, no UPN",
         run_cell<StudentOf<Compared<pool::None, match::Off, context::None, order::Sort>>>},
        {"dlcm", "DLCM (Ai et al., SIGIR 2018); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::Dlcm<compared>>>},
        {"prm", "PRM (Pei et al., RecSys 2019); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::Prm<compared>>>},
        {"setrank", "SetRank (Pang et al., SIGIR 2020); no history, the target of all instead of its loss",
         run_cell<Ranked<baseline::SetRank<compared>>>},
        {"student-alone", "the student without a teacher", run_cell<StudentOf<Compared<>>>},
        {"clicks", "the student as a click model: clicks along the shown list, no teacher",
         run_cell<StudentOf<ClickModel<>>>},
        {"clicks-sort", "the same without transitions: sorted by the chance of a click",
         run_cell<StudentOf<ClickModel<order::Sort>>>},
        {"sort-alone", "the sorting student without a teacher", run_cell<StudentOf<Compared<order::Sort>>>},
    };
}

}  // namespace psad::cli
