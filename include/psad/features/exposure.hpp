/// \file exposure.hpp
/// How a page changes the feedback on what it shows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/core/version.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI {

/// The value of an item field that makes candidates alike: the only one of the candidate's item. 0 where it has none,
/// the unknown, or several.
inline std::int32_t only_value(const Catalog& catalog, const Request& r, std::size_t candidate, std::size_t field) {
    const auto values = find_candidate(catalog, r, candidate).field(field);
    return values.size() == 1 ? values[0] : 0;
}

/// Candidates further down a page are seen less often, and one that is like another shortly above gains less. Each
/// number is a logarithm: its exponential multiplies the gain to be expected. fit_exposure estimates them.
struct Exposure {
    static constexpr std::size_t reach = 5;  ///< positions above that count

    std::vector<float> position;    ///< against the first; further down as at the last; empty: nothing was estimated
    std::vector<float> neighbours;  ///< [item fields, reach] of the same value so many positions above; or empty

    bool empty() const { return position.empty(); }

    /// What is wrong, if anything is: numbers beyond +-30, and neighbours that are not `reach` for each of so many item
    /// fields, or stand without positions.
    std::optional<SettingError> find_fault(std::size_t item_fields, const std::string& source) const {
        for (const auto* numbers : {&position, &neighbours}) {
            for (const float x : *numbers) {
                if (!(std::abs(x) <= 30))
                    return SettingError(source, "exposure", number_text(x), "logarithms from -30 to 30");
            }
        }
        if (neighbours.empty()) return {};
        if (neighbours.size() != item_fields * reach)
            return SettingError(source, "neighbours", std::to_string(neighbours.size()),
                                std::to_string(item_fields * reach) + " or none");
        if (position.empty()) return SettingError(source, "positions", "none beside neighbours", "one at least");
        return {};
    }

    /// What the page multiplies the gain of each candidate by, in `out`; 1 where a candidate was not shown, or nothing
    /// is known of that.
    void factors(const Catalog& catalog, const Request& r, std::vector<float>& out) const {
        out.assign(r.size(), 1.0f);
        for (std::size_t p = 0; p < r.shown.size() && !empty(); ++p) {
            const auto candidate = static_cast<std::size_t>(r.shown[p]);
            float log_factor = position[(std::min)(p, position.size() - 1)];
            for (std::size_t k = 0; k < neighbours.size(); ++k) {
                const std::size_t field = k / reach, above = k % reach + 1;
                if (neighbours[k] == 0 || above > p) continue;
                const std::int32_t value = only_value(catalog, r, candidate, field);
                if (value != 0 && value == only_value(catalog, r, static_cast<std::size_t>(r.shown[p - above]), field))
                    log_factor += neighbours[k];
            }
            out[candidate] = std::exp(log_factor);
        }
    }
};

}  // namespace psad
