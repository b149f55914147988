/// \file joint_loss.hpp
/// The loss of one tape: L = L_gen + a L_student + beta L_KD (docs/method.md), or those terms whose parts the network
/// has.
#pragma once

#include <span>
#include <type_traits>

#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/row_mask.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/distillation.hpp"
#include "psad/train/penalty.hpp"
#include "psad/train/student_loss.hpp"
#include "psad/train/training_batch.hpp"

namespace psad::inline PSAD_ABI {

/// Weights of the terms at one step.
struct LossWeights {
    double student = 1;       ///< a
    double distillation = 1;  ///< beta
    double temperature = 1;   ///< tau
};

/// The terms, [lists]; those that the network lacks are empty values. Only the total is weighted by the lists' weights.
template <class V>
struct JointLoss {
    V total{}, teacher{}, student{}, distillation{};
};

/// What a loss policy of the student can read of one step.
template <class Ctx, class Network, class Scores, class Logits>
struct LossStep {
    using T = typename Ctx::Scalar;

    Ctx& ctx;
    const Network& network;
    const Parameters<T, typename Ctx::Device::Memory>& parameters;
    const Inputs<T>& in;
    const Prefix& prefix;
    const Labels<T>& labels;
    Scores scores;          ///< of the student's one pass
    Logits student_logits;  ///< [positions x items] along the prefix
    Logits teacher_logits;  ///< the same of the teacher, or the mean of a bag; empty without one
    T temperature;
    GreedyTargets<T>& greedy_targets;
};

namespace joint_loss_detail {

template <class Network>
using Penalty = typename Network::template policy<penalty::kind_tag, penalty::None>;
template <class Network>
using StudentLoss = typename Network::template policy<student_loss::kind_tag, student_loss::PerPosition>;
template <class Network>
using Distill = typename Network::template policy<distill::kind_tag, distill::Soft>;

}  // namespace joint_loss_detail

/// The label columns that the losses of a network read.
template <class Network>
constexpr LabelGroups label_groups() {
    LabelGroups groups;
    if constexpr (HasTeacher<Network>) groups = groups | groups_read_by<joint_loss_detail::Penalty<Network>>();
    if constexpr (HasStudent<Network>) groups = groups | groups_read_by<joint_loss_detail::StudentLoss<Network>>();
    if constexpr (HasTeacher<Network> && HasStudent<Network>)
        groups = groups | groups_read_by<joint_loss_detail::Distill<Network>>();
    return groups;
}

/// The logits of a teacher along the prefix, and its own loss, [lists].
template <class V, class Logits>
struct TeacherLoss {
    V loss;
    Logits logits;
};
template <class V, class Logits>
TeacherLoss(V, Logits) -> TeacherLoss<V, Logits>;

template <class Ctx, class Network, class T>
auto teacher_loss(Ctx& ctx, const Network& network, const TrainingBatch<T>& batch) {
    const auto logits = network.teacher.logits(ctx, network.teacher.encode(ctx, batch.in), batch.prefix);
    // With transitions a position also knows what stands before it in its own block.
    const RowMask mask =
        Network::TeacherModel::has_transitions ? batch.prefix.not_before_position() : batch.prefix.not_before_block();
    const auto rows = joint_loss_detail::Penalty<Network>::loss(ctx, logits, batch.labels, mask);
    return TeacherLoss{sum_per_list(ctx, rows), logits};
}

/// A loss times the lists' weights.
template <class Ctx, class V, class T>
V weighted(Ctx& ctx, V loss, const Labels<T>& labels) {
    return map(ctx, Multiply{}, loss, ctx.template constant<Lists, 1>(labels.list_weight));
}

/// The mean of a teacher's logits, of those of a bag, and of the scores of another ranker, where there are some.
template <class Ctx, class Logits, class T>
Logits mean_logits(Ctx& ctx, Logits logits, std::span<const T* const> bag, const T* scores) {
    if (bag.empty() && scores == nullptr) return logits;
    for (const T* other : bag)
        logits = map(ctx, Add{}, logits, ctx.template constant<Pairs<Positions, Items>, 1>(other));
    if (scores != nullptr)
        logits = map(ctx, Add{}, logits, spread_keys<Positions>(ctx, ctx.template constant<Items, 1>(scores)));
    const auto teachers = static_cast<T>(1 + bag.size() + (scores != nullptr ? 1 : 0));
    return map(ctx, Times<T>{T(1) / teachers}, logits);
}

/// All terms on one tape. A frozen teacher has no loss of its own; where beta is 0 nothing is distilled. The student
/// learns from the mean of the teacher's logits, of `bag`, those of other teachers, and of the labels' teacher scores.
template <class Ctx, class Network, class T, class Memory>
auto joint_loss(Ctx& ctx, const Network& network, const Parameters<T, Memory>& parameters,
                const TrainingBatch<T>& batch, const LossWeights& weights, GreedyTargets<T>& greedy_targets,
                std::span<const T* const> bag = {}) {
    namespace detail = joint_loss_detail;
    using Logits = typename Ctx::template Value<Pairs<Positions, Items>, 1>;
    JointLoss<typename Ctx::template Value<Lists, 1>> out;
    Logits teacher{};
    if constexpr (HasTeacher<Network>) {
        const auto of_batch = teacher_loss(ctx, network, batch);
        out.total = out.teacher = of_batch.loss;
        teacher = mean_logits(ctx, of_batch.logits, bag, batch.labels.teacher_score);
    }
    if constexpr (HasStudent<Network>) {
        const auto scores = network.student.score(ctx, batch.in, network.student.user_state(ctx, batch.in));
        const Logits student = student_logits(ctx, network.student, scores, batch.prefix);
        LossStep<Ctx, Network, std::remove_const_t<decltype(scores)>, Logits> step{
            ctx,           network, parameters, batch.in, batch.prefix,
            batch.labels,  scores,  student,    teacher,  static_cast<T>(weights.temperature),
            greedy_targets};
        out.student = detail::StudentLoss<Network>::loss(step);
        const auto a = static_cast<T>(weights.student);
        if constexpr (!HasTeacher<Network> || HasFrozenTeacher<Network>)
            out.total = map(ctx, Times<T>{a}, out.student);
        else
            out.total = map(ctx, AddTimes<T>{a}, out.teacher, out.student);
        if constexpr (HasTeacher<Network> && !std::is_same_v<detail::Distill<Network>, distill::None>) {
            if (weights.distillation != 0) {
                out.distillation = detail::Distill<Network>::loss(step);
                out.total = map(ctx, AddTimes<T>{static_cast<T>(weights.distillation)}, out.total, out.distillation);
            }
        }
    }
    out.total = weighted(ctx, out.total, batch.labels);
    return out;
}

}  // namespace psad
