/// \file field_match.hpp
/// What the history says of the values of a candidate's item: events on items of the same brand, of the same author.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/math.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/dense_features.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI {

/// The events of a request's history, latest first, by the values of one item field.
class FieldEvents {
  public:
    /// Reads the latest `events` of the first `past` events.
    void read(const Request& r, const Catalog& catalog, std::size_t past, std::size_t events, std::size_t field) {
        values_.clear();
        places_.clear();
        events_ = events;
        for (std::size_t h = 0; h < events; ++h) {
            for (const std::int32_t v : find_item(catalog, r, r.history_items[past - 1 - h]).field(field)) {
                if (v == 0) continue;  // the unknown
                values_.push_back(v);
                places_.push_back(static_cast<std::int32_t>(h));
            }
        }
    }

    /// How the events stand to each of `count` items, of which values_of(i) are the values: less the mean over the
    /// items. Valid until the next call.
    template <class ValuesOf>
    std::span<const FieldMatch> match(std::size_t count, ValuesOf values_of) {
        matches_.clear();
        std::array<double, row_width<FieldMatch>> sum{};  // exact, so that no order of the items tells
        for (std::size_t i = 0; i < count; ++i) {
            matches_.push_back(match_one(values_of(i)));
            std::size_t k = 0;
            FieldMatch::for_each_number([&](const char*, float x) { sum[k++] += static_cast<double>(x); },
                                        matches_.back());
        }
        for (FieldMatch& m : matches_) {
            std::size_t k = 0;
            FieldMatch::for_each_number(
                [&](const char*, float& x) {
                    x = static_cast<float>(static_cast<double>(x) - sum[k++] / static_cast<double>(count));
                },
                m);
        }
        return matches_;
    }

  private:
    FieldMatch match_one(std::span<const std::int32_t> values) const {
        int count = 0, known = 0;
        auto latest = static_cast<std::int32_t>(events_);
        for (const std::int32_t v : values) {
            if (v == 0) continue;
            ++known;
            for (std::size_t k = 0; k < values_.size(); ++k) {
                const bool same = values_[k] == v;
                count += same ? 1 : 0;
                latest = (std::min)(latest, same ? places_[k] : latest);
            }
        }
        if (count == 0) return {};
        const float mean = static_cast<float>(count) / static_cast<float>(known);
        return {.share = mean / static_cast<float>(events_),
                .log_events = math::log1p(mean),
                .recency = 1.0f / (1.0f + static_cast<float>(latest))};
    }

    std::vector<std::int32_t> values_, places_;  ///< the place of an event, counted from the latest
    std::size_t events_ = 0;
    std::vector<FieldMatch> matches_;
};

}  // namespace psad
