/// \file fit_encoder.hpp
/// Learns an encoder's statistics from training requests alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "psad/input/encoder.hpp"

namespace psad {

struct EncoderSettings {
    int max_history = 50;     ///< events read per request
    int min_item_count = 20;  ///< an item shown less often in the training lists shares the out-of-vocabulary row
};

/// Only the given requests and their histories are looked at, so nothing of a later split leaks in.
inline Encoder fit_encoder(Schema schema, Catalog catalog, std::span<const Request> train,
                           const EncoderSettings& settings = {}) {
    Statistics s;
    std::vector<double> gaps;
    std::vector<int> shown(catalog.items, 0);
    struct Moments {
        double n = 0, sum = 0, squares = 0;
        void add(double x) { n += 1, sum += x, squares += x * x; }
        Scaling scaling() const {
            if (n < 2) return {};
            const double mean = sum / n, variance = squares / n - mean * mean;
            return {static_cast<float>(mean), variance > 1e-12 ? static_cast<float>(1.0 / std::sqrt(variance)) : 1.0f};
        }
    } score, aux;
    for (const Request& r : train) {
        const std::size_t h = r.history_times.size();
        const std::size_t from = h - (std::min)(h, static_cast<std::size_t>(settings.max_history));
        for (std::size_t e = from + 1; e < h; ++e) {
            gaps.push_back(static_cast<double>(r.history_times[e] - r.history_times[e - 1]));
        }
        for (const std::int32_t item : r.items) {
            if (static_cast<std::size_t>(item) < shown.size()) ++shown[static_cast<std::size_t>(item)];
        }
        for (const float x : r.scores) score.add(static_cast<double>(x));
        for (const float x : r.aux) aux.add(std::log1p(static_cast<double>((std::max)(x, 0.0f))));
    }
    if (!gaps.empty()) {
        const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
        std::nth_element(gaps.begin(), middle, gaps.end());
        s.tau0 = (std::max)(1.0, *middle);
    }
    s.score = score.scaling();
    s.log_aux = aux.scaling();
    s.item_row.assign(catalog.items, 0);
    for (std::size_t i = 0; i < catalog.items; ++i) {
        if (shown[i] >= settings.min_item_count) s.item_row[i] = s.item_rows++;
    }
    return Encoder(std::move(schema), std::move(catalog), std::move(s), settings.max_history);
}

}  // namespace psad
