#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "run_method.hpp"

namespace psad::quality {

namespace {

template <class Scorer, class... Policies>
using Baseline = Alone<student::Of<Scorer>, Policies...>;

/// Learns from what was shown; where the lists do not say, that is the initial order.
template <class... Policies>
using ClickModel = StudentOf<Psad<method_spec, target::Exposure, student_loss::ClicksAlongList, Policies...>>;

}  // namespace

std::vector<Method> scorers() {
    using baseline::Dlcm, baseline::Prm, baseline::SetRank;
    using order::Sort;
    return {
        {"mlp", "pointwise MLP: each candidate on its own, no UPN",
         run_method<Alone<pool::None, match::Off, list_context::None, Sort>>},
        {"dlcm", "DLCM (Ai et al., SIGIR 2018); no history, the target of all instead of its loss",
         run_method<Baseline<Dlcm<method_spec>>>},
        {"prm", "PRM (Pei et al., RecSys 2019); no history, the target of all instead of its loss",
         run_method<Baseline<Prm<method_spec>>>},
        {"setrank", "SetRank (Pang et al., SIGIR 2020); no history, the target of all instead of its loss",
         run_method<Baseline<SetRank<method_spec>>>},
        {"dlcm+upn", "DLCM that sees items through the student's UPN",
         run_method<Baseline<Dlcm<method_spec, pool::PerUser>>>},
        {"prm+upn", "PRM that sees items through the student's UPN",
         run_method<Baseline<Prm<method_spec, pool::PerUser>>>},
        {"setrank+upn", "SetRank that sees items through the student's UPN",
         run_method<Baseline<SetRank<method_spec, pool::PerUser>>>},
        {"listnet", "PRM with the student's UPN by its paper's loss: cross-entropy on the clicks",
         run_method<Baseline<Prm<method_spec, pool::PerUser>, student_loss::ListNet>>},
        {"student-alone", "the student without a teacher", run_method<Alone<>>},
        {"clicks", "the student as a click model: clicks along the shown list, no teacher", run_method<ClickModel<>>},
        {"clicks-5x", "the student as a click model in five times the passes", run_method<ClickModel<>, 5>},
        {"pretrained-clicks", "a student that first imitates, then learns clicks in four times the passes",
         run_in_turn<Alone<>, ClickModel<>, 4>},
        {"clicks-sort", "a click model without transitions: sorted by the chance of a click",
         run_method<ClickModel<Sort>>},
        {"pretrained-clicks-sort",
         "a click model without transitions that first imitates, then learns clicks in four times the passes",
         run_in_turn<Alone<Sort>, ClickModel<Sort>, 4>},
        {"sort-alone", "the sorting student without a teacher", run_method<Alone<Sort>>},
        {"attention-sort-alone", "the sorting student with self-attention without a teacher",
         run_method<Alone<list_context::SelfAttention, Sort>>},
    };
}

}  // namespace psad::quality
