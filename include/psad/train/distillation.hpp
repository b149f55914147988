/// \file distillation.hpp
/// What the student learns from the teacher: policies of the distillation loss (docs/method.md), one number per list,
/// added with the weight beta.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "psad/autograd/inference.hpp"
#include "psad/autograd/ops/losses.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/policy.hpp"
#include "psad/model/scorer.hpp"
#include "psad/train/labels.hpp"

namespace psad::inline PSAD_ABI {

/// The lists that a teacher writes, laid out as a list to follow and as one-hot targets. Owns their numbers.
template <class T>
class GreedyTargets {
    template <class Store>
    struct TargetColumns {
        typename Store::template column<T> target{};  ///< [positions x items pairs] one-hot

        template <class Visit, class... Self>
        static void for_each_column(Visit&& visit, Self&... self) {
            visit(Column<Pairs<Positions, Items>>{"target"}, self.target...);
        }
    };

  public:
    /// What a loss reads, where the device reads it.
    struct View : TargetColumns<Viewed> {
        Prefix prefix;
    };

    /// `chosen` holds an item row per position of `layout`; both on the host. A copy for the device lies in the arena.
    template <class B>
    View build(const B& backend, const Layout& layout, const int* chosen, int block, Arena<typename B::Memory>& arena) {
        prefix_.clear();
        clear_columns(owned_);
        for (int l = 0; l < layout.lists; ++l) {
            const int first = layout.items.begin[l], items = layout.items.end[l] - first;
            const int begin = layout.positions.begin[l], length = layout.positions.end[l] - begin;
            order_.clear();
            for (int t = 0; t < length; ++t) {
                order_.push_back(chosen[begin + t] - first);
                const std::size_t row = owned_.target.size();
                owned_.target.resize(row + static_cast<std::size_t>(items), T(0));
                owned_.target[row + static_cast<std::size_t>(order_.back())] = T(1);
            }
            prefix_.add(order_, length, first, items, block);
        }
        View view;
        view.prefix = prefix_.view();
        view_columns(owned_, view);
        if constexpr (!B::Memory::on_host) {
            TargetColumns<Viewed>& target = view;
            stage(backend, arena, [&](auto f) {
                for_each_array(view.prefix, layout, f);
                for_each_array(target, layout, f);
            });
        }
        return view;
    }

  private:
    PrefixStorage prefix_;
    TargetColumns<Owned> owned_;
    std::vector<int> order_;
};

namespace distill {
struct kind_tag : policy_kind {};

struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no distillation";
    static constexpr LabelGroups reads{};
};

/// tau^2 KL(p || q) of two rows of logits at every position of the list that both follow, p with a stop-gradient. The
/// entropy of p, a constant, is left out.
template <class S, class L>
auto divergence(S& s, const L& p, const L& q) {
    const auto mask = s.prefix.not_before_position();
    const auto target = masked_softmax(s.ctx, s.ctx.detach(p), mask, s.temperature);
    const auto rows = cross_entropy(s.ctx, q, target.data, s.labels.position_weight, mask, s.temperature);
    return map(s.ctx, Times<typename S::T>{s.temperature * s.temperature}, sum_per_list(s.ctx, rows));
}

/// Draws the student's distribution towards the teacher's; the teacher gets no gradient.
struct Soft {
    using kind = kind_tag;
    static constexpr const char* name = "soft";
    static constexpr LabelGroups reads{};

    template <class S>
    static auto loss(S& s) {
        return divergence(s, s.teacher_logits, s.student_logits);
    }
};

/// Soft both ways, with a stop-gradient on the target side (Deep Mutual Learning, CVPR 2018).
struct Mutual {
    using kind = kind_tag;
    static constexpr const char* name = "mutual";
    static constexpr LabelGroups reads{};

    template <class S>
    static auto loss(S& s) {
        return map(s.ctx, Add{}, divergence(s, s.teacher_logits, s.student_logits),
                   divergence(s, s.student_logits, s.teacher_logits));
    }
};

/// Squared difference of centred logits.
struct LogitMse {
    using kind = kind_tag;
    static constexpr const char* name = "logit MSE";
    static constexpr LabelGroups reads{};

    template <class S>
    static auto loss(S& s) {
        return sum_per_list(s.ctx, squared_logits(s.ctx, s.student_logits, s.ctx.detach(s.teacher_logits),
                                                  s.labels.position_weight, s.prefix.not_before_position()));
    }
};

/// Cross entropy on the lists that the teacher writes with its present parameters.
struct Hard {
    using kind = kind_tag;
    static constexpr const char* name = "hard";
    static constexpr LabelGroups reads{};

    template <class S>
    static auto loss(S& s) {
        const auto written = greedy_targets(s);
        const auto logits = student_logits(s.ctx, s.network.student, s.scores, written.prefix);
        return sum_per_list(s.ctx, cross_entropy(s.ctx, logits, written.target, s.labels.position_weight,
                                                 written.prefix.not_before_position()));
    }

  private:
    /// Generates in inference, beside the tape. The lists go to the host and back, since prefixes are laid out there.
    template <class S>
    static auto greedy_targets(S& s) {
        const auto& w = s.ctx.workspace();
        Inference inference(*w.backend, s.parameters, s.in.layout, *w.arena);
        const auto lists = generate(inference, s.network.teacher, s.in);
        const Layout& layout = s.in.layout.on_host();
        const int* chosen = w.on_host(lists.chosen, static_cast<std::size_t>(layout.positions.rows));
        return s.greedy_targets.build(*w.backend, layout, chosen, s.network.spec.block, *w.arena);
    }
};
}  // namespace distill
}  // namespace psad
