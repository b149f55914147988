/// \file objectives.hpp
/// The losses of online distillation (docs/method.md) as policies: how the student learns from feedback, and
/// from the teacher.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "psad/autograd/eval.hpp"
#include "psad/autograd/ops/losses.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/lessons.hpp"
#include "psad/train/targets.hpp"

namespace psad {

/// The teacher's own lists, laid out to be followed.
template <class T>
class Imitation {
  public:
    /// `chosen` holds an item row per slot of `layout`.
    void follow(const Layout& layout, const int* chosen, int block) {
        prefix_.clear();
        target_.clear();
        for (int l = 0; l < layout.lists; ++l) {
            const int first = layout.items.begin[l], n = layout.items.end[l] - first;
            const int begin = layout.slots.begin[l], slots = layout.slots.end[l] - begin;
            order_.clear();
            for (int t = 0; t < slots; ++t) {
                order_.push_back(chosen[begin + t] - first);
                const std::size_t row = target_.size();
                target_.resize(row + static_cast<std::size_t>(n), T(0));
                target_[row + static_cast<std::size_t>(order_.back())] = T(1);
            }
            prefix_.add(order_, slots, first, n, block);
        }
    }
    Prefix prefix() const { return prefix_.view(); }
    const T* target() const { return target_.data(); }  ///< [slots x items pairs] one-hot

  private:
    PrefixStorage prefix_;
    std::vector<int> order_;
    std::vector<T> target_;
};

/// What a loss policy can see of one step.
template <class Ctx, class Network, class Scores, class Logits>
struct Step {
    using T = typename Ctx::Scalar;

    Ctx& ctx;
    const Network& network;
    const Parameters<T, typename Ctx::Device::Memory>& parameters;
    const Inputs<T>& in;
    Prefix prefix;
    Labels<T> labels;
    Scores scores;            ///< of the student's one pass
    Logits student, teacher;  ///< [slots x items] along the prefix
    T temperature;
    Imitation<T>& imitation;  ///< room for the teacher's lists
};

/// What the teacher is told of lists without a positive, [lists].
namespace penalty {
struct kind_tag : policy_kind {};

struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no penalty";
};

/// Unlikelihood of what was shown on a poor list (NAR4Rec, KDD 2024). Needs a target that follows the shown
/// list (target::Exposure); a set target is empty there.
struct Unlikelihood {
    using kind = kind_tag;
    static constexpr const char* name = "unlikelihood";
};
}  // namespace penalty

/// The student's loss on the feedback itself, [lists].
namespace supervise {
struct kind_tag : policy_kind {};

/// Softmax of the scores against the shares of the positives (ListNet, ICML 2007).
struct ListNet {
    using kind = kind_tag;
    static constexpr const char* name = "ListNet";

    template <class S>
    static auto loss(S& s) {
        const auto rows = s.ctx.template relabel<Pairs<Lists, Items>>(s.scores.score);
        return cross_entropy(s.ctx, rows, s.labels.share, s.labels.has_positive);
    }
};

/// Logistic loss of every score, averaged over the list.
struct Logistic {
    using kind = kind_tag;
    static constexpr const char* name = "logistic";

    template <class S>
    static auto loss(S& s) {
        const auto y = s.ctx.template constant<Items, 1>(s.labels.relevance);
        return mean_per_list(s.ctx, map(s.ctx, LogisticLoss{}, s.scores.score, y));
    }
};

/// The teacher's own target, slot by slot: trains the transitions too. With target::PositivesFirst this is
/// ListMLE.
struct Slotwise {
    using kind = kind_tag;
    static constexpr const char* name = "slot by slot";

    template <class S>
    static auto loss(S& s) {
        return sum_per_list(s.ctx, cross_entropy(s.ctx, s.student, s.labels.target, s.labels.target_weight,
                                                 s.prefix.not_before_slot()));
    }
};

/// Logistic loss of the click on each place of the shown list, given what stands before it: the student
/// becomes a click model that knows its neighbours, and its greedy order asks at each place for the likeliest
/// click. What a place takes from being read at all is learned apart (a position bias, as in PAL, RecSys
/// 2019). For lists that an ordinary ranker showed: wants target::Exposure or target::ShownOrSet, and no
/// teacher.
struct ClicksAlongList {
    using kind = kind_tag;
    static constexpr const char* name = "clicks along the list";
    static constexpr bool reads_places = true;

    template <class S>
    static auto loss(S& s) {
        using Target =
            typename std::remove_cvref_t<decltype(s.network)>::template policy<target::kind_tag, target::Set>;
        static_assert(
            !is_one_of<Target, target::Set, target::PositivesFirst>,
            "psad: supervise::ClicksAlongList reads the shown list; wanted a target that follows it: "
            "target::Exposure, target::ShownOrSet or target::ClickWeightedExposure");
        const auto logit = s.network.student.click_logits(s.ctx, s.student, s.prefix);
        const auto clicked = s.ctx.template constant<Slots, 1>(s.labels.clicked);
        const auto shown = s.ctx.template constant<Slots, 1>(s.labels.shown);
        return sum_per_list(s.ctx, map(s.ctx, Multiply{}, shown, map(s.ctx, LogisticLoss{}, logit, clicked)));
    }
};
}  // namespace supervise

/// What passes between teacher and student, [lists]; added with the weight beta.
namespace distill {
struct kind_tag : policy_kind {};

struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no distillation";
};

/// tau^2 KL(p || q) of two rows of logits, p shielded, at every slot of the list that both follow. The
/// entropy of p, a constant, is left out.
template <class S, class L>
auto divergence(S& s, const L& p, const L& q) {
    const auto mask = s.prefix.not_before_slot();
    const auto aim = masked_softmax(s.ctx, s.ctx.detach(p), mask, s.temperature);
    const auto rows = cross_entropy(s.ctx, q, aim.data, s.labels.slot_weight, mask, s.temperature);
    return map(s.ctx, Times<typename S::T>{s.temperature * s.temperature}, sum_per_list(s.ctx, rows));
}

/// The student's distribution is drawn towards the teacher's; the teacher does not feel it.
struct Soft {
    using kind = kind_tag;
    static constexpr const char* name = "soft";

    template <class S>
    static auto loss(S& s) {
        return divergence(s, s.teacher, s.student);
    }
};

/// Soft both ways, each side shielded from its own lesson (Deep Mutual Learning, CVPR 2018).
struct Mutual {
    using kind = kind_tag;
    static constexpr const char* name = "mutual";

    template <class S>
    static auto loss(S& s) {
        return map(s.ctx, Add{}, divergence(s, s.teacher, s.student), divergence(s, s.student, s.teacher));
    }
};

/// Squared difference of centred logits.
struct LogitMse {
    using kind = kind_tag;
    static constexpr const char* name = "logit MSE";

    template <class S>
    static auto loss(S& s) {
        return sum_per_list(s.ctx, squared_logits(s.ctx, s.student, s.ctx.detach(s.teacher),
                                                  s.labels.slot_weight, s.prefix.not_before_slot()));
    }
};

/// The student imitates the list that the teacher writes right now.
struct Hard {
    using kind = kind_tag;
    static constexpr const char* name = "hard";

    template <class S>
    static auto loss(S& s) {
        const auto& w = s.ctx.workspace();
        Eval eval(*w.backend, s.parameters, s.in.layout, *w.arena);
        const auto written = generate(eval, s.network.teacher, s.in);
        const Layout& layout = s.in.layout.on_host();
        const auto slots = static_cast<std::size_t>(layout.slots.rows);
        s.imitation.follow(layout, w.on_host(written.chosen, slots), s.network.spec.block);
        Prefix own = s.imitation.prefix();
        const auto* target = s.imitation.target();
        using Device = std::remove_cvref_t<decltype(*w.backend)>;
        if constexpr (!Device::Memory::on_host) {
            Upload<Device> upload(*w.backend, *w.arena);
            add_prefix(upload, own, layout.slots.rows, layout.items.rows);
            upload.add(target, static_cast<std::size_t>(layout.slots_items.rows));
            upload.send();
        }
        const auto logits = s.network.student.logits(s.ctx, s.scores, own);
        return sum_per_list(
            s.ctx, cross_entropy(s.ctx, logits, target, s.labels.slot_weight, own.not_before_slot()));
    }
};
}  // namespace distill

/// Weights of the terms at one step.
struct LossWeights {
    double supervised = 1;
    double distillation = 1;  ///< beta
    double temperature = 1;   ///< tau
};

template <class V>
struct JointLoss {
    V total, teacher, supervised, distilled;  ///< [lists]
};

/// L_gen, [lists]: with a penalty, lists without a positive are to become unlikely instead of likely.
template <class Network, class Ctx, class P, class T>
auto teacher_loss(Ctx& ctx, const P& logits, const Labels<T>& labels, kernels::RowMask mask) {
    using Penalty = typename Network::template policy<penalty::kind_tag, penalty::None>;
    if constexpr (std::is_same_v<Penalty, penalty::None>) {
        return sum_per_list(ctx, cross_entropy(ctx, logits, labels.target, labels.target_weight, mask));
    } else {
        const auto good = cross_entropy(ctx, logits, labels.target, labels.good_weight, mask);
        const auto poor = unlikelihood(ctx, logits, labels.target, labels.poor_weight, mask);
        return sum_per_list(ctx, map(ctx, Add{}, good, poor));
    }
}

/// L_gen of the network's teacher, and its logits [slots x items] along the prefix.
template <class Logits, class Loss>
struct AlongPrefix {
    Logits logits;
    Loss loss;  ///< [lists]
};
template <class Ctx, class Network, class T>
auto write_along(Ctx& ctx, const Network& network, const Inputs<T>& in, const Prefix& prefix,
                 const Labels<T>& labels) {
    const auto logits = network.teacher.logits(ctx, network.teacher.encode(ctx, in), prefix);
    // With transitions a slot knows what stands before it in its own block too.
    const auto mask =
        Network::TeacherModel::has_transitions ? prefix.not_before_slot() : prefix.not_before_block();
    const auto loss = teacher_loss<Network>(ctx, logits, labels, mask);
    return AlongPrefix<std::remove_const_t<decltype(logits)>, std::remove_const_t<decltype(loss)>>{logits,
                                                                                                   loss};
}

/// L = L_gen for a teacher alone.
template <class Ctx, HasTeacher Network, class T, class Memory>
auto joint_loss(Ctx& ctx, const Network& network, const Parameters<T, Memory>&, const Inputs<T>& in,
                const Prefix& prefix, const Labels<T>& labels, const LossWeights&, Imitation<T>&) {
    const auto written = write_along(ctx, network, in, prefix, labels);
    return JointLoss<decltype(written.loss)>{written.loss, written.loss, {}, {}};
}

/// L = a L_sup for a student alone.
template <class Ctx, HasStudent Network, class T, class Memory>
auto joint_loss(Ctx& ctx, const Network& network, const Parameters<T, Memory>& parameters,
                const Inputs<T>& in, const Prefix& prefix, const Labels<T>& labels,
                const LossWeights& weights, Imitation<T>& imitation) {
    using Supervise = typename Network::template policy<supervise::kind_tag, supervise::Slotwise>;
    const auto scores = network.student.score(ctx, in, network.student.user(ctx, in));
    const auto student = network.student.logits(ctx, scores, prefix);
    Step<Ctx, Network, std::remove_const_t<decltype(scores)>, std::remove_const_t<decltype(student)>> step{
        ctx, network, parameters, in, prefix, labels, scores, student, student, T(1), imitation};
    const auto supervised = Supervise::loss(step);
    const auto total = map(ctx, Times<T>{static_cast<T>(weights.supervised)}, supervised);
    return JointLoss<std::remove_const_t<decltype(total)>>{total, {}, supervised, {}};
}

/// L = L_gen + a L_sup + beta L_KD for both on one tape; without L_gen for a teacher that is finished.
template <class Ctx, class Network, class T, class Memory>
requires HasTeacher<Network> && HasStudent<Network>
auto joint_loss(Ctx& ctx, const Network& network, const Parameters<T, Memory>& parameters,
                const Inputs<T>& in, const Prefix& prefix, const Labels<T>& labels,
                const LossWeights& weights, Imitation<T>& imitation) {
    using Supervise = typename Network::template policy<supervise::kind_tag, supervise::Slotwise>;
    using Distill = typename Network::template policy<distill::kind_tag, distill::Soft>;
    const auto written = write_along(ctx, network, in, prefix, labels);
    const auto scores = network.student.score(ctx, in, network.student.user(ctx, in));
    const auto student = network.student.logits(ctx, scores, prefix);
    Step<Ctx, Network, std::remove_const_t<decltype(scores)>, std::remove_const_t<decltype(student)>> step{
        ctx,
        network,
        parameters,
        in,
        prefix,
        labels,
        scores,
        student,
        written.logits,
        static_cast<T>(weights.temperature),
        imitation};
    const auto supervised = Supervise::loss(step);
    const auto a = static_cast<T>(weights.supervised);
    const auto taught = [&] {
        if constexpr (FinishedTeacher<Network>)
            return map(ctx, Times<T>{a}, supervised);
        else
            return map(ctx, AddTimes<T>{a}, written.loss, supervised);
    }();
    using V = std::remove_const_t<decltype(taught)>;
    if constexpr (std::is_same_v<Distill, distill::None>) {
        return JointLoss<V>{taught, written.loss, supervised, {}};
    } else {
        if (weights.distillation == 0) return JointLoss<V>{taught, written.loss, supervised, {}};
        const auto distilled = Distill::loss(step);
        return JointLoss<V>{map(ctx, AddTimes<T>{static_cast<T>(weights.distillation)}, taught, distilled),
                            written.loss, supervised, distilled};
    }
}

}  // namespace psad
