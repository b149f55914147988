/// \file fit.hpp
/// The short way: lists in, a trained model out.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/data/encoding.hpp"
#include "psad/features/whitening.hpp"
#include "psad/model/fold_whitening.hpp"
#include "psad/train/fit_exposure.hpp"
#include "psad/train/trainer.hpp"
#include "psad/train/validation.hpp"

namespace psad::inline PSAD_ABI {

template <class Network>
struct Fitted {
    Model<Network> model;
    train::Report report;
};

/// What a training reads.
struct TrainingLists {
    std::string name;  ///< for messages
    Schema schema;
    Catalog catalog;
    std::vector<Request> train, valid;
    bool shown = false;  ///< the lists say where each candidate was shown
};

/// Fits the encoder and trains the variant on the training lists; after each epoch NDCG@10 on the validation lists
/// decides what is kept. Where lists say what was shown where and bring no propensities, they are estimated
/// (fit_exposure.hpp). Throws DataError where there is no training list with a positive, or no such validation list.
template <class Network, class B, class Hooks = train::NoHooks>
Fitted<Network> fit(const B& backend, const TrainingLists& lists, const train::Settings& settings = {},
                    const EncoderSettings& encoding = {}, Hooks&& hooks = {}) {
    const auto must_have = [&](const std::vector<Request>& some, const char* what, const char* why) {
        const bool has_positive = std::ranges::any_of(some, &Request::has_positive);
        if (has_positive && std::ranges::any_of(some, [](const Request& r) { return r.size() > 1; })) return;
        throw DataError(lists.name, what,
                        some.empty()    ? "none"
                        : !has_positive ? "none with a positive"
                                        : "one candidate in each: is that the column that tells requests apart?",
                        std::string("at least one with a positive among others: ") + why);
    };
    must_have(lists.train, "training lists", "there is nothing else to learn from");
    must_have(lists.valid, "validation lists", "they choose the epoch to keep");
    EncodingCounts counts;
    Encoder encoder = fit_encoder(lists.schema, lists.catalog, lists.train, encoding, &counts);
    if (lists.shown) encoder.set_exposure(train::learned_exposure(backend, encoder, lists.train, settings));
    const bool whitened = whiten(encoder, lists.train);
    Model<Network> model(std::move(encoder), settings.seed);
    for (const Request& r : lists.valid) {
        model.encoder.check_one_of_many(r, {.take_missing_columns = true});
        train::check_feedback(r);
    }
    const train::WeighedLists valid(model.encoder, lists.valid, settings.min_propensity);
    const auto validate = [&](const Model<Network>& m) { return train::validation_score(backend, m, valid.lists()); };
    train::Report report =
        train::train(backend, model, std::span<const Request>(lists.train), settings, validate, hooks);
    report.encoded = counts;
    report.whitened = whitened;
    fold_whitening(model);
    return {std::move(model), std::move(report)};
}

/// On the splits of a data set, which must outlive the call.
template <class Network, class B, class Hooks = train::NoHooks>
Fitted<Network> fit(const B& backend, const data::Dataset& dataset, const train::Settings& settings = {},
                    const EncoderSettings& encoding = {}, Hooks&& hooks = {}) {
    const TrainingLists lists{dataset.meta.name,
                              data::schema_of(dataset),
                              data::catalog_of(dataset),
                              data::requests_of(dataset, dataset.train),
                              data::requests_of(dataset, dataset.valid),
                              false};
    return fit<Network>(backend, lists, settings, encoding, hooks);
}

}  // namespace psad
