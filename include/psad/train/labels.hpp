/// \file labels.hpp
/// The labels of a batch in the form that losses read.
#pragma once

#include "psad/core/columns.hpp"

namespace psad::inline PSAD_ABI {

/// Groups of label columns. A loss policy says which it reads, `static constexpr LabelGroups reads{.clicks = true}`;
/// the others are not laid out. The columns of the target and of list weights are always there.
struct LabelGroups {
    bool relevance = false;     ///< `relevance`
    bool distribution = false;  ///< `target_prob`, `has_positive`
    bool clicks = false;        ///< `clicked`, `shown`
    bool penalty = false;       ///< `good_weight`, `poor_weight`

    friend constexpr LabelGroups operator|(LabelGroups a, LabelGroups b) {
        return {a.relevance || b.relevance, a.distribution || b.distribution, a.clicks || b.clicks,
                a.penalty || b.penalty};
    }
};

/// The groups that a policy reads; all of them if it does not say.
template <class Policy>
constexpr LabelGroups groups_read_by() {
    if constexpr (requires { Policy::reads; })
        return Policy::reads;
    else
        return {true, true, true, true};
}

/// The label columns: owned by a BatchBuilder, or seen through Labels. A column of a group that nothing reads is empty.
template <class T, class Store>
struct LabelColumns {
    template <class U>
    using column = typename Store::template column<U>;

    column<T> target{};           ///< [positions x items pairs] what each position should hold
    column<T> target_weight{};    ///< [positions]
    column<T> position_weight{};  ///< [positions] see position_weight()
    column<T> good_weight{};      ///< [positions] target_weight on lists with a positive, else 0
    column<T> poor_weight{};      ///< [positions] target_weight on lists without one, else 0
    column<T> list_weight{};      ///< [lists] weight of the list, about 1
    column<T> relevance{};        ///< [items] 1 with a gain, else 0
    column<T> target_prob{};      ///< [items] gain / its sum over the list
    column<T> has_positive{};     ///< [lists] 0 or 1
    column<T> teacher_score{};    ///< [items] of another ranker, as a logit; empty where there is none
    column<T> clicked{};          ///< [positions] relevance of the item that the followed list holds there
    column<T> shown{};            ///< [positions] 1 where the target says what stood there, else 0

    template <class Visit, class... Self>
    static void for_each_column(Visit&& visit, Self&... self) {
        visit(Column<Pairs<Positions, Items>>{"target"}, self.target...);
        visit(Column<Positions>{"target_weight"}, self.target_weight...);
        visit(Column<Positions>{"position_weight"}, self.position_weight...);
        visit(Column<Positions>{"good_weight"}, self.good_weight...);
        visit(Column<Positions>{"poor_weight"}, self.poor_weight...);
        visit(Column<Lists>{"list_weight"}, self.list_weight...);
        visit(Column<Items>{"relevance"}, self.relevance...);
        visit(Column<Items>{"target_prob"}, self.target_prob...);
        visit(Column<Lists>{"has_positive"}, self.has_positive...);
        visit(Column<Items>{"teacher_score"}, self.teacher_score...);
        visit(Column<Positions>{"clicked"}, self.clicked...);
        visit(Column<Positions>{"shown"}, self.shown...);
    }
};

/// Pointers into a BatchBuilder, or into its copy on a device; null for a column that nothing reads.
template <class T>
using Labels = LabelColumns<T, Viewed>;

}  // namespace psad
