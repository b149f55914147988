/// \file student_loss.hpp
/// How the student learns from feedback: policies of the student's own loss (docs/method.md), one number per list.
#pragma once

#include <type_traits>

#include "psad/autograd/ops/losses.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/policy.hpp"
#include "psad/train/labels.hpp"
#include "psad/train/targets.hpp"

namespace psad::inline PSAD_ABI::student_loss {

struct kind_tag : policy_kind {};

/// Softmax of the scores against the distribution of the positives (ListNet, ICML 2007).
struct ListNet {
    using kind = kind_tag;
    static constexpr const char* name = "ListNet";
    static constexpr LabelGroups reads{.distribution = true};

    template <class S>
    static auto loss(S& s) {
        const auto rows = s.ctx.template relabel<Pairs<Lists, Items>>(s.scores.score);
        return cross_entropy(s.ctx, rows, s.labels.target_prob, s.labels.has_positive);
    }
};

/// Logistic loss of every score, averaged over the list.
struct Logistic {
    using kind = kind_tag;
    static constexpr const char* name = "logistic";
    static constexpr LabelGroups reads{.relevance = true};

    template <class S>
    static auto loss(S& s) {
        const auto y = s.ctx.template constant<Items, 1>(s.labels.relevance);
        return mean_per_list(s.ctx, map(s.ctx, LogisticLoss{}, s.scores.score, y));
    }
};

/// The teacher's own target, position by position: trains the transitions too. With target::PositivesFirst this is
/// ListMLE.
struct PerPosition {
    using kind = kind_tag;
    static constexpr const char* name = "position by position";
    static constexpr LabelGroups reads{};

    template <class S>
    static auto loss(S& s) {
        return sum_per_list(s.ctx, cross_entropy(s.ctx, s.student_logits, s.labels.target, s.labels.target_weight,
                                                 s.prefix.not_before_position()));
    }
};

/// Logistic loss of the click on each position of the shown list, given the candidates before it: the student becomes a
/// click model that knows its neighbours, and its greedy order chooses at each position the likeliest click. A learned
/// position bias (PAL, RecSys 2019) explains how much each position is examined. For lists that an ordinary ranker
/// showed, and meant for a StudentOf: wants a target that follows the shown list (Exposure, ShownOrSet or
/// ClickWeightedExposure).
struct ClicksAlongList {
    using kind = kind_tag;
    static constexpr const char* name = "clicks along the list";
    static constexpr LabelGroups reads{.clicks = true};
    static constexpr bool reads_positions = true;

    template <class S>
    static auto loss(S& s) {
        using Target =
            typename std::remove_cvref_t<decltype(s.network)>::template policy<target::kind_tag, target::Set>;
        static_assert(!is_one_of<Target, target::Set, target::PositivesFirst>,
                      "psad: student_loss::ClicksAlongList reads the shown list; wanted a target that follows it: "
                      "target::Exposure, target::ShownOrSet or target::ClickWeightedExposure");
        const auto logit = s.network.student.click_logits(s.ctx, s.student_logits, s.prefix);
        const auto clicked = s.ctx.template constant<Positions, 1>(s.labels.clicked);
        const auto shown = s.ctx.template constant<Positions, 1>(s.labels.shown);
        return sum_per_list(s.ctx, map(s.ctx, Multiply{}, shown, map(s.ctx, LogisticLoss{}, logit, clicked)));
    }
};

}  // namespace psad::student_loss
