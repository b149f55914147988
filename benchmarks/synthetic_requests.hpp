// Synthetic requests, an encoder fitted to them, and a model with its starting values: it costs what a trained one
// does.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/fit_encoder.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"

namespace psad::benchmarks {

/// Owns the columns of one request.
struct RequestColumns {
    std::vector<std::int32_t> user, context, history_items, history_feedback, items;
    std::vector<std::int64_t> history_times;
    std::vector<float> scores, aux, dense;
    std::vector<std::int8_t> labels;

    Request view() const {
        return {.user_fields = user,
                .context = context,
                .time = 10'000'000,
                .history_items = history_items,
                .history_times = history_times,
                .history_feedback = history_feedback,
                .items = items,
                .scores = scores,
                .aux = aux,
                .labels = labels,
                .candidate_dense = FeatureRows(dense.data(), items.size(), dense.size() / items.size())};
    }
};

/// Different candidates out of `catalog_items`, every tenth event on one of them, one positive. `features` dense ones
/// take the place of score and aux.
inline RequestColumns synthetic_request(std::uint64_t key, int candidates, int events, int catalog_items,
                                        int features = 0) {
    std::uint64_t draws = 0;
    const auto draw = [&](int bound) {
        return static_cast<std::int32_t>(rng::below(key, draws++, static_cast<std::uint32_t>(bound)));
    };
    RequestColumns r;
    r.user = {draw(10), draw(20)};
    r.context = {draw(7)};
    const std::int32_t first = draw(catalog_items);
    for (int i = 0; i < candidates; ++i) {
        r.items.push_back((first + 37 * i) % catalog_items);  // no item twice: 37 is coprime to the catalog's size
        r.scores.push_back(1.0f / static_cast<float>(1 + i));
        r.aux.push_back(static_cast<float>(50 + draw(200)));
        r.labels.push_back(0);
    }
    for (int i = 0; i < candidates * features; ++i)
        r.dense.push_back(std::exp(static_cast<float>(rng::normal(key, 1000 + static_cast<std::uint64_t>(i)))));
    if (features > 0) r.scores.clear(), r.aux.clear();
    r.labels[static_cast<std::size_t>(draw(candidates))] = 1;
    const int gap = 8'000'000 / (events > 100 ? events : 100);
    for (int h = 0; h < events; ++h) {
        const auto candidate = static_cast<std::size_t>(draw(candidates));
        r.history_items.push_back(draw(10) == 0 ? r.items[candidate] : draw(catalog_items));
        r.history_times.push_back(1'000'000 + h * gap + draw(gap - gap / 8));
        r.history_feedback.push_back(draw(8));
    }
    return r;
}

/// Requests of one size, and a model for them.
template <class Network>
struct Workload {
    std::vector<RequestColumns> columns;
    std::vector<Request> requests;
    Model<Network> model;

    Workload(int count, int candidates, int events, int catalog_items = 2000, int features = 0)
        : columns(draw(count, candidates, events, catalog_items, features)),
          requests(view(columns)),
          model(encoder(requests, events, catalog_items, features)) {}

  private:
    static std::vector<RequestColumns> draw(int count, int candidates, int events, int catalog_items, int features) {
        std::vector<RequestColumns> out;
        for (int i = 0; i < count; ++i) {
            const std::uint64_t key = rng::derive(9, static_cast<std::uint64_t>(i));
            out.push_back(synthetic_request(key, candidates, events, catalog_items, features));
        }
        return out;
    }
    static std::vector<Request> view(const std::vector<RequestColumns>& columns) {
        std::vector<Request> out;
        for (const RequestColumns& c : columns) out.push_back(c.view());
        return out;
    }
    static Encoder encoder(const std::vector<Request>& requests, int events, int catalog_items, int features) {
        Schema schema{{{"age", 10}, {"country", 20}}, {{"weekday", 7}}, {{"kind", 30}, {"year", 25}}};
        for (int f = 0; f < features; ++f) schema.candidate_dense.push_back({"feature" + std::to_string(f)});
        Catalog catalog;
        catalog.items = static_cast<std::size_t>(catalog_items);
        catalog.fields.resize(2);
        for (std::int32_t i = 0; i < catalog_items; ++i) {
            for (const std::int32_t kind : {i % 30, i % 7}) catalog.fields[0].ids.push_back(kind);
            catalog.fields[0].offsets.push_back(2 * i + 2);
            catalog.fields[1].ids.push_back(i % 25);
            catalog.fields[1].offsets.push_back(i + 1);
        }
        return fit_encoder(std::move(schema), std::move(catalog), requests,
                           {.max_history = events > 50 ? events : 50, .min_count = 1});
    }
};

}  // namespace psad::benchmarks
