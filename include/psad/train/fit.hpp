/// \file fit.hpp
/// The short way: a dataset in, a trained model out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "psad/data/encoding.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/train/trainer.hpp"

namespace psad {

template <class Network>
struct Fitted {
    Model<Network> model;
    TrainReport report;
};

/// Fits the encoder and trains the variant on the training split, judged after each epoch on the validation
/// split.
template <class Network, class B>
Fitted<Network> fit(const B& backend, const data::Dataset& dataset, const TrainSettings& settings = {},
                    const EncoderSettings& encoding = {}, const TrainHooks& hooks = {}) {
    Model<Network> model(data::fit_encoder(dataset, encoding), settings.seed);
    const std::vector<Request> train_lists = data::requests_of(dataset, dataset.train);
    const std::vector<Request> valid_lists = data::requests_of(dataset, dataset.valid);
    if (!std::ranges::any_of(valid_lists, &Request::has_positive)) {
        throw SettingError("training", "validation lists", "none with a positive",
                           "at least one: they choose the epoch to keep");
    }
    const auto validate = [&](const Model<Network>& m) {
        const auto score = [&](const std::vector<eval::Order>& orders) {
            return eval::mean(eval::ranking_quality(valid_lists, orders).ndcg10);
        };
        ValidationScore out;
        if constexpr (HasStudent<Network>) out.student = score(eval::student_orders(backend, m, valid_lists));
        if constexpr (HasTeacher<Network>) out.teacher = score(eval::teacher_orders(backend, m, valid_lists));
        return out;
    };
    TrainReport report = train(backend, model, train_lists, settings, validate, hooks);
    return {std::move(model), std::move(report)};
}

}  // namespace psad
