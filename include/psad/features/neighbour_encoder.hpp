/// \file neighbour_encoder.hpp
/// What orders need to keep like candidates apart.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/version.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/exposure.hpp"

namespace psad::inline PSAD_ABI {

/// Writes the columns `like` and `like_effect` of a batch, one field after the other: of the item fields alone that
/// have an effect of Exposure::neighbours.
class NeighbourEncoder {
  public:
    NeighbourEncoder() = default;
    /// Effects [item fields, Exposure::reach], or none.
    explicit NeighbourEncoder(std::span<const float> effects) {
        for (std::size_t first = 0; first < effects.size(); first += Exposure::reach) {
            const auto of_field = effects.subspan(first, Exposure::reach);
            if (std::ranges::all_of(of_field, [](float x) { return x == 0; })) continue;
            fields_.push_back(first / Exposure::reach);
            effects_.insert(effects_.end(), of_field.begin(), of_field.end());
        }
    }

    template <class T>
    void set_columns(Batch<T>& b) const {
        b.like.columns = static_cast<int>(fields_.size());
        b.like_effect.columns = static_cast<int>(effects_.size());
    }

    template <class T>
    void add_rows(const Request& r, const Catalog& catalog, Batch<T>& b) const {
        if (fields_.empty()) return;
        T* value = b.like.append(r.size());
        for (std::size_t i = 0; i < r.size(); ++i) {
            for (const std::size_t field : fields_) {
                const std::int32_t v = only_value(catalog, r, i, field);
                *value++ = v != 0 ? static_cast<T>(v) : -static_cast<T>(i + 1);  // like no other
            }
        }
        std::ranges::transform(effects_, b.like_effect.append(1), [](float x) { return static_cast<T>(x); });
    }

  private:
    std::vector<std::size_t> fields_;  ///< with an effect
    std::vector<float> effects_;       ///< theirs
};

}  // namespace psad
