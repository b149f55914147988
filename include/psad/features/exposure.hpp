/// \file exposure.hpp
/// How a page changes the feedback on what it shows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/version.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI {

/// The candidates of a request in the order in which they were shown.
class ShownList {
  public:
    explicit ShownList(const Request& r) : order_(r.shown), count_(r.shown.empty() ? r.size() : r.shown.size()) {}

    std::size_t size() const { return count_; }
    /// The candidate at a position.
    std::size_t operator[](std::size_t position) const {
        return order_.empty() ? position : static_cast<std::size_t>(order_[position]);
    }

  private:
    std::span<const std::int32_t> order_;
    std::size_t count_;
};

/// The value of an item field that makes candidates alike: the only one of the candidate's item. 0 where it has none,
/// the unknown, or several.
inline std::int32_t only_value(const Catalog& catalog, const Request& r, std::size_t candidate, std::size_t field) {
    const auto values = find_item(catalog, r, r.items[candidate]).field(field);
    return values.size() == 1 ? values[0] : 0;
}

/// Candidates further down a page are seen less often, and one that is like another shortly above gains less. Each
/// number is a logarithm: its exponential multiplies the gain to be expected. fit_exposure estimates them.
struct Exposure {
    static constexpr std::size_t reach = 5;  ///< positions above that count

    std::vector<float> position;    ///< against the first; further down as at the last; empty: nothing was estimated
    std::vector<float> neighbours;  ///< [item fields, reach] of the same value so many positions above; or empty

    bool empty() const { return position.empty(); }

    /// What the page multiplies the gain of each candidate by, in `out`; 1 where a candidate was not shown.
    void factors(const Catalog& catalog, const Request& r, std::vector<float>& out) const {
        const ShownList shown(r);
        out.assign(r.size(), 1.0f);
        for (std::size_t p = 0; p < shown.size(); ++p) {
            float log_factor = position[(std::min)(p, position.size() - 1)];
            for (std::size_t k = 0; k < neighbours.size(); ++k) {
                const std::size_t field = k / reach, above = k % reach + 1;
                if (neighbours[k] == 0 || above > p) continue;
                const std::int32_t value = only_value(catalog, r, shown[p], field);
                if (value != 0 && value == only_value(catalog, r, shown[p - above], field)) log_factor += neighbours[k];
            }
            out[shown[p]] = std::exp(log_factor);
        }
    }
};

}  // namespace psad
