// What an encoder learned from the training lists.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "notes.hpp"
#include "output.hpp"
#include "psad/features/fit_encoder.hpp"

namespace psad::cli {

/// "logarithm from 12.5, 3 % missing"
inline std::string text(const DenseTransforms& t, std::size_t feature) {
    std::string out = t.inv_unit[feature] == 0 ? "constant"
                      : t.curve[feature] > 1   ? fmt::format("logarithm from {:.4g}", t.center[feature])
                      : t.curve[feature] == 1  ? fmt::format("logarithm about {:.4g}", t.center[feature])
                                               : fmt::format("linear about {:.4g}", t.center[feature]);
    if (t.missing[feature] > 0) out += fmt::format(", {:.1f} % missing", 100 * static_cast<double>(t.missing[feature]));
    return out;
}

/// Prints how the page changes feedback, where that was learned.
inline void print_exposure(const Encoder& encoder, double min_propensity) {
    const Exposure& e = encoder.exposure();
    const auto factor = [](float log_factor) { return fmt::format("{:.2f}", std::exp(log_factor)); };
    if (e.position.size() > 1) {
        std::string positions, factors;
        const auto add = [&](std::size_t p) {
            positions += fmt::format("{}{}", positions.empty() ? "" : ", ", p + 1);
            factors += (factors.empty() ? "x" : ", ") + factor(e.position[p]);
        };
        for (const std::size_t p : std::array<std::size_t, 6>{1, 2, 4, 9, 19, 49}) {
            if (p + 1 < e.position.size()) add(p);
        }
        add(e.position.size() - 1);
        print(
            "positions {} gain {} of what position 1 gains: taken out, by no more than {:.3g} times "
            "(--position-effects)\n",
            positions, factors, 1 / min_propensity);
    }
    for (std::size_t f = 0; f * Exposure::reach < e.neighbours.size(); ++f) {
        std::string above, factors;
        for (std::size_t k = 0; k < Exposure::reach; ++k) {
            const float x = e.neighbours[f * Exposure::reach + k];
            if (x == 0) continue;
            above += fmt::format("{}{}", above.empty() ? "" : ", ", k + 1);
            factors += (factors.empty() ? "x" : ", ") + factor(x);
        }
        if (!above.empty())
            print(
                "an item whose {} stood {} positions above as well gains {}: taken out, and kept apart "
                "(--neighbour-effects)\n",
                encoder.schema().item_fields[f].name, above, factors);
    }
}

/// Prints how many values have a row of their own, how dense features are transformed, and what was not taken as it
/// came.
inline void print_encoder(const Encoder& encoder, const EncoderSettings& settings, const EncodingCounts& counts) {
    const Statistics& s = encoder.statistics();
    print("in {} lists or more: {} of {} items", settings.min_count, s.items.rows() - 1, encoder.catalog().items);
    for_each_fields(encoder.schema(), [&](const std::string& name, const std::vector<FieldSchema>& fields) {
        const std::size_t users = encoder.schema().user_fields.size();
        for (std::size_t f = 0; f < fields.size(); ++f) {
            const Vocabulary& v = name == "user_fields"        ? s.profile_fields[f]
                                  : name == "context_fields"   ? s.profile_fields[users + f]
                                  : name == "item_fields"      ? s.item_fields[f]
                                  : name == "candidate_fields" ? s.candidate_fields[f]
                                                               : s.event_fields[f];
            print(", {} of {} {}", v.rows() - 1, fields[f].vocabulary - 1, fields[f].name);
        }
    });
    print("; the others share a row (--min-count)\n");
    constexpr std::size_t most = 40;  // of a kind of row
    Statistics::for_each_column(
        [&]<class Column>(const std::string& group, const Column& transforms) {
            if constexpr (std::is_same_v<Column, DenseTransforms>) {
                for_each_dense(encoder.schema(), [&](const std::string& name, const std::vector<DenseFeature>& dense) {
                    if (name != group || dense.empty()) return;
                    for (std::size_t f = 0; f < (std::min)(most, dense.size()); ++f)
                        print("{}: {}\n", dense[f].name, text(transforms, f));
                    if (dense.size() > most) print("... {} more\n", dense.size() - most);
                });
            }
        },
        s);
    const std::string taken = text(counts);
    if (!taken.empty()) print("in {} training lists: {}\n", counts.requests, taken);
}

}  // namespace psad::cli
