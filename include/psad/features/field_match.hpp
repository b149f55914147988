/// \file field_match.hpp
/// What the history says of the values of a candidate's item: events on items of the same brand, of the same author.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/hash_key.hpp"
#include "psad/core/math.hpp"
#include "psad/core/rng.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/dense_features.hpp"

namespace psad::inline PSAD_ABI {

/// The events of a request's history, latest first, by the values of one item field. An event counts once for a value,
/// however often its item has it.
class FieldEvents {
  public:
    /// Reads a field of the items of events, latest first.
    void read(std::span<const CatalogRow> items, std::size_t field) {
        events_ = items.size();
        std::size_t values = 0;
        for (const CatalogRow& item : items) values += item.field(field).size();
        slots_.assign(std::bit_ceil(2 * (std::min)(values, most_at_once) + 1), Slot{});
        std::size_t taken = 0;
        for (std::size_t h = 0; h < items.size(); ++h) {
            const auto place = static_cast<std::int32_t>(h);
            for (const std::int32_t v : items[h].field(field)) {
                if (v == 0) continue;  // the unknown
                Slot& slot = slots_[find(v)];
                if (slot.count == 0) {
                    slot = {v, 1, place, place};
                    if (2 * ++taken >= slots_.size()) grow();
                } else if (slot.last != place) {
                    ++slot.count, slot.last = place;
                }
            }
        }
    }

    /// How the events stand to each of these items, by the same field: less the mean over the items. Valid until the
    /// next call.
    std::span<const FieldMatch> match(std::span<const CatalogRow> items, std::size_t field) {
        matches_.clear();
        std::array<double, row_width<FieldMatch>> sum{};
        for (const CatalogRow& item : items) {
            matches_.push_back(match_one(item.field(field)));
            std::size_t k = 0;
            FieldMatch::for_each_number([&](const char*, float x) { sum[k++] += static_cast<double>(x); },
                                        matches_.back());
        }
        for (FieldMatch& m : matches_) {
            std::size_t k = 0;
            FieldMatch::for_each_number(
                [&](const char*, float& x) {
                    x = static_cast<float>(static_cast<double>(x) - sum[k++] / static_cast<double>(items.size()));
                },
                m);
        }
        return matches_;
    }

  private:
    /// What the history says of one value.
    struct Slot {
        std::int32_t value = 0, count = 0;  ///< events with the value; 0: a free slot
        std::int32_t first = 0, last = 0;   ///< places of the latest and of the earliest, counted from the latest event
    };

    /// Values mostly come again: a history of long items must not take memory for each of them.
    static constexpr std::size_t most_at_once = 1 << 14;
    void grow() {
        spare_.assign(2 * slots_.size(), Slot{});
        std::swap(spare_, slots_);
        for (const Slot& s : spare_) {
            if (s.count > 0) slots_[find(s.value)] = s;
        }
    }

    /// Where a value stands, or the free slot where it would.
    std::size_t find(std::int32_t value) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = static_cast<std::size_t>(rng::mix(static_cast<std::uint64_t>(value) ^ key_)) & mask;
        while (slots_[at].count > 0 && slots_[at].value != value) at = (at + 1) & mask;
        return at;
    }

    /// Means over the values of an item.
    FieldMatch match_one(std::span<const std::int32_t> values) const {
        int count = 0, known = 0;
        auto latest = static_cast<std::int32_t>(events_);
        for (const std::int32_t v : values) {
            if (v == 0) continue;
            ++known;
            const Slot& slot = slots_[find(v)];
            count += slot.count;
            if (slot.count > 0) latest = (std::min)(latest, slot.first);
        }
        if (count == 0) return {};
        const float mean = static_cast<float>(count) / static_cast<float>(known);
        return {.share = mean / static_cast<float>(events_),
                .log_events = math::log1p(mean),
                .recency = 1.0f / (1.0f + static_cast<float>(latest))};
    }

    std::vector<Slot> slots_;         ///< by hash, open addressing: at most half of them taken
    std::vector<Slot> spare_;         ///< the slots before they grew
    std::uint64_t key_ = hash_key();  ///< of the slots
    std::size_t events_ = 0;
    std::vector<FieldMatch> matches_;
};

}  // namespace psad
