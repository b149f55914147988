/// \file penalty.hpp
/// What the teacher learns from lists without a positive label: policies of its loss (docs/method.md).
#pragma once

#include "psad/autograd/ops/losses.hpp"
#include "psad/autograd/ops/map.hpp"
#include "psad/autograd/ops/row_mask.hpp"
#include "psad/model/policy.hpp"
#include "psad/train/labels.hpp"

namespace psad::inline PSAD_ABI::penalty {

struct kind_tag : policy_kind {};

/// Nothing else than from other lists.
struct None {
    using kind = kind_tag;
    static constexpr const char* name = "no penalty";
    static constexpr LabelGroups reads{};

    /// [positions] from the teacher's logits [positions x items]; `mask` hides what a position can't hold any more.
    template <class Ctx, class L, class T>
    static auto loss(Ctx& ctx, const L& logits, const Labels<T>& labels, const RowMask& mask) {
        return cross_entropy(ctx, logits, labels.target, labels.target_weight, mask);
    }
};

/// Unlikelihood of what was shown on a list without a positive (NAR4Rec, KDD 2024). Needs a target that follows the
/// shown list (target::Exposure); a set target is empty there.
struct Unlikelihood {
    using kind = kind_tag;
    static constexpr const char* name = "unlikelihood";
    static constexpr LabelGroups reads{.penalty = true};

    /// As above.
    template <class Ctx, class L, class T>
    static auto loss(Ctx& ctx, const L& logits, const Labels<T>& labels, const RowMask& mask) {
        const auto good = cross_entropy(ctx, logits, labels.target, labels.good_weight, mask);
        const auto poor = unlikelihood(ctx, logits, labels.target, labels.poor_weight, mask);
        return map(ctx, Add{}, good, poor);
    }
};

}  // namespace psad::penalty
