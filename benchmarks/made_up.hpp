// Made-up requests, an encoder fitted to them, and a model with its starting values, whose arithmetic is that
// of a trained model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "psad/features/fit_encoder.hpp"
#include "psad/model/model.hpp"
#include "psad/model/psad_model.hpp"

namespace psad_benchmarks {

struct Columns {
    std::vector<std::int32_t> user, context, history_items, history_feedback, items;
    std::vector<std::int64_t> history_times;
    std::vector<float> scores, aux;
    std::vector<std::int8_t> labels;

    psad::Request view() const {
        return {user,  context, 10'000'000, history_items, history_times, history_feedback,
                items, scores,  aux,        labels};
    }
};

// Different candidates, every tenth event on one of them, one positive.
inline Columns made_up(std::uint64_t key, int candidates, int history, int items) {
    std::uint64_t at = 0;
    const auto draw = [&](int bound) {
        return static_cast<std::int32_t>(psad::rng::below(key, at++, static_cast<std::uint32_t>(bound)));
    };
    Columns c;
    c.user = {draw(10), draw(20)};
    c.context = {draw(7)};
    const std::int32_t first = draw(items);
    for (int i = 0; i < candidates; ++i) {
        c.items.push_back((first + 37 * i) % items);  // 37 has no factor in common with what is used
        c.scores.push_back(1.0f / static_cast<float>(1 + i));
        c.aux.push_back(static_cast<float>(50 + draw(200)));
        c.labels.push_back(0);
    }
    c.labels[static_cast<std::size_t>(draw(candidates))] = 1;
    const int pause = 8'000'000 / (history > 100 ? history : 100);
    for (int h = 0; h < history; ++h) {
        const auto candidate = static_cast<std::size_t>(draw(candidates));
        c.history_items.push_back(draw(10) == 0 ? c.items[candidate] : draw(items));
        c.history_times.push_back(1'000'000 + h * pause + draw(pause - pause / 8));
        c.history_feedback.push_back(draw(8));
    }
    return c;
}

template <class Network>
struct World {
    std::vector<Columns> columns;
    std::vector<psad::Request> requests;
    psad::Model<Network> model;

    World(int count, int candidates, int history, int items = 2000)
        : columns(drawn(count, candidates, history, items)),
          requests(views(columns)),
          model(encoder(requests, history, items)) {}

  private:
    static std::vector<Columns> drawn(int count, int candidates, int history, int items) {
        std::vector<Columns> out;
        for (int i = 0; i < count; ++i) {
            out.push_back(
                made_up(psad::rng::derive(9, static_cast<std::uint64_t>(i)), candidates, history, items));
        }
        return out;
    }
    static std::vector<psad::Request> views(const std::vector<Columns>& columns) {
        std::vector<psad::Request> out;
        for (const Columns& c : columns) out.push_back(c.view());
        return out;
    }
    static psad::Encoder encoder(const std::vector<psad::Request>& requests, int history, int items) {
        psad::Schema schema{{{"age", 10}, {"country", 20}}, {{"weekday", 7}}, {{"kind", 30}, {"year", 25}}};
        psad::Catalog catalog;
        catalog.items = items;
        catalog.fields.resize(2);
        for (std::int32_t i = 0; i < items; ++i) {
            for (const std::int32_t kind : {i % 30, i % 7}) catalog.fields[0].ids.push_back(kind);
            catalog.fields[0].offsets.push_back(2 * i + 2);
            catalog.fields[1].ids.push_back(i % 25);
            catalog.fields[1].offsets.push_back(i + 1);
        }
        return psad::fit_encoder(std::move(schema), std::move(catalog), requests,
                                 {.max_history = history > 50 ? history : 50, .min_count = 1});
    }
};

}  // namespace psad_benchmarks
