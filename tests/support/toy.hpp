// A tiny world with every kind of column, for model tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/fit_encoder.hpp"

namespace psad::test {

// Owns the columns of one request.
struct OwnedRequest {
    std::vector<std::int32_t> user, context, history_items, history_feedback, items;
    std::vector<std::int64_t> history_times;
    std::vector<float> scores, aux;
    std::vector<std::int8_t> labels;

    Request view() const {
        return {.user_fields = user,
                .context = context,
                .time = 1000000,
                .history_items = history_items,
                .history_times = history_times,
                .history_feedback = history_feedback,
                .items = items,
                .scores = scores,
                .aux = aux,
                .labels = labels};
    }
};

inline constexpr int toy_items = 60;

// n candidates without repetition, H events of which some are on candidates, one or two positives.
inline OwnedRequest toy_request(std::uint64_t key, int n, int history, bool scores = true, bool aux = true) {
    OwnedRequest r;
    std::uint64_t c = 0;
    const auto draw = [&](std::uint32_t bound) { return static_cast<std::int32_t>(rng::below(key, c++, bound)); };
    r.user = {draw(3), draw(4)};
    r.context = {draw(5)};
    std::vector<std::int32_t> pool(toy_items);
    for (int i = 0; i < toy_items; ++i) pool[static_cast<std::size_t>(i)] = i;
    for (int i = 0; i < n; ++i) {
        std::swap(pool[static_cast<std::size_t>(i)],
                  pool[static_cast<std::size_t>(i + draw(static_cast<std::uint32_t>(toy_items - i)))]);
        r.items.push_back(pool[static_cast<std::size_t>(i)]);
    }
    for (int h = 0; h < history; ++h) {
        r.history_items.push_back(draw(3) == 0 ? r.items[static_cast<std::size_t>(draw(static_cast<std::uint32_t>(n)))]
                                               : draw(toy_items));
        r.history_times.push_back(900000 + h * 1000 + draw(900));
        r.history_feedback.push_back(draw(7));
    }
    for (int i = 0; i < n; ++i) {
        if (scores) r.scores.push_back(static_cast<float>(n - i) * 0.1f);
        if (aux) r.aux.push_back(static_cast<float>(50 + draw(200)));
        r.labels.push_back(0);
    }
    r.labels[static_cast<std::size_t>(draw(static_cast<std::uint32_t>(n)))] = 1;
    r.labels[static_cast<std::size_t>(draw(static_cast<std::uint32_t>(n)))] = 1;
    return r;
}

inline Encoder toy_encoder(const std::vector<Request>& train = {}, int min_count = 2) {
    Schema schema{{{"device", 3}, {"plan", 4}}, {{"place", 5}}, {{"genre", 6}, {"brand", 4}}};
    Catalog catalog;
    catalog.items = toy_items;
    catalog.fields.resize(2);
    for (std::int32_t i = 0; i < toy_items; ++i) {
        for (std::int32_t j = 0; j < i % 3; ++j) catalog.fields[0].ids.push_back((i + j) % 6);  // none, one or two
        catalog.fields[0].offsets.push_back(static_cast<std::int64_t>(catalog.fields[0].ids.size()));
        catalog.fields[1].ids.push_back(i % 4);
        catalog.fields[1].offsets.push_back(i + 1);
    }
    return fit_encoder(std::move(schema), std::move(catalog), train, {.max_history = 6, .min_count = min_count});
}

// Requests over the jagged edges: one candidate, no history, fewer candidates than positions, a long history.
inline std::vector<OwnedRequest> toy_requests(std::uint64_t key) {
    std::vector<OwnedRequest> out;
    out.push_back(toy_request(rng::derive(key, 0), 5, 3));
    out.push_back(toy_request(rng::derive(key, 1), 1, 0));
    out.push_back(toy_request(rng::derive(key, 2), 9, 1, false));
    out.push_back(toy_request(rng::derive(key, 3), 3, 10, true, false));
    out.push_back(toy_request(rng::derive(key, 4), 7, 0));
    return out;
}

inline std::vector<Request> views(const std::vector<OwnedRequest>& owned) {
    std::vector<Request> out;
    for (const OwnedRequest& r : owned) out.push_back(r.view());
    return out;
}

// Several such sets: enough lists for shards of differing length.
struct ToyLists {
    std::vector<OwnedRequest> owned;
    std::vector<Request> all;

    explicit ToyLists(std::uint64_t key, int sets) {
        for (int s = 0; s < sets; ++s) {
            for (OwnedRequest& r : toy_requests(rng::derive(key, static_cast<std::uint64_t>(s))))
                owned.push_back(std::move(r));
        }
        all = views(owned);
    }
};

}  // namespace psad::test
