/// \file fit.hpp
/// The short way: a dataset in, a trained model out.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/data/encoding.hpp"
#include "psad/train/trainer.hpp"
#include "psad/train/validation.hpp"

namespace psad::inline PSAD_ABI {

template <class Network>
struct Fitted {
    Model<Network> model;
    train::Report report;
};

/// Fits the encoder and trains the variant on the training split; after each epoch NDCG@10 on the validation split
/// decides what is kept. Throws DataError where there is no training list, or no validation list with a positive.
template <class Network, class B, class Hooks = train::NoHooks>
Fitted<Network> fit(const B& backend, const data::Dataset& dataset, const train::Settings& settings = {},
                    const EncoderSettings& encoding = {}, Hooks&& hooks = {}) {
    const std::vector<Request> train_lists = data::requests_of(dataset, dataset.train);
    const std::vector<Request> valid_lists = data::requests_of(dataset, dataset.valid);
    if (train_lists.empty()) throw DataError(dataset.meta.name, "training lists", "none", "at least one");
    if (!std::ranges::any_of(valid_lists, &Request::has_positive)) {
        throw DataError(dataset.meta.name, "validation lists", "none with a positive",
                        "at least one: they choose the epoch to keep");
    }
    EncodingCounts counts;
    Model<Network> model(
        fit_encoder(data::schema_of(dataset), data::catalog_of(dataset), train_lists, encoding, &counts),
        settings.seed);
    const auto validate = [&](const Model<Network>& m) {
        return train::validation_score(backend, m, std::span<const Request>(valid_lists));
    };
    train::Report report =
        train::train(backend, model, std::span<const Request>(train_lists), settings, validate, hooks);
    report.encoded = counts;
    return {std::move(model), std::move(report)};
}

}  // namespace psad
