/// \file validation.hpp
/// How good a model is on labelled lists, as a trainer asks it after each epoch.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/eval/orders.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/settings.hpp"

namespace psad::inline PSAD_ABI::train {

/// Mean NDCG@10 of a model's parts on labelled lists that pass Encoder::check; lists without a positive do not count.
/// Throws SettingError where none counts.
template <class B, class Network>
ValidationScore validation_score(const B& backend, const Model<Network>& model, std::span<const Request> lists) {
    if (!std::ranges::any_of(lists, &Request::has_positive))
        throw SettingError("training", "validation lists", "none with a positive", "at least one");
    const auto ndcg10 = [&](const std::vector<eval::Order>& orders) {
        return eval::mean(eval::ranking_quality(lists, orders).ndcg10);
    };
    ValidationScore out;
    if constexpr (HasStudent<Network>) out.student = ndcg10(eval::student_orders(backend, model, lists));
    if constexpr (HasTeacher<Network>) out.teacher = ndcg10(eval::teacher_orders(backend, model, lists));
    return out;
}

}  // namespace psad::train
