/// \file catalog.hpp
/// What is known of items, by id.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/core/limits.hpp"
#include "psad/core/version.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI {

/// What is known of every item: field f of item i has the values ids[f][offsets[f][i] .. offsets[f][i + 1]).
struct Catalog {
    struct Field {
        std::vector<std::int64_t> offsets{0};
        std::vector<std::int32_t> ids;
        std::span<const std::int32_t> operator[](std::size_t item) const {
            return {ids.data() + offsets[item], ids.data() + offsets[item + 1]};
        }
    };
    std::vector<Field> fields = {};
    std::size_t items = 0;
    std::vector<double> dense = {};  ///< [items, dense features]; NaN = missing

    /// Values of an item, over all fields.
    std::size_t values(std::size_t item) const {
        std::size_t count = 0;
        for (const Field& f : fields) count += f[item].size();
        return count;
    }
};

/// The first item with more values than limits() say, `catalog.items` where there is none. Each event on an item costs
/// as much as the item has values.
inline std::size_t find_crowded_item(const Catalog& catalog) {
    std::size_t all = 0;
    for (const Catalog::Field& f : catalog.fields) all += f.ids.size();
    const auto most = static_cast<std::size_t>(limits().values);
    for (std::size_t i = 0; all > most && i < catalog.items; ++i) {
        if (catalog.values(i) > most) return i;
    }
    return catalog.items;
}

/// A row of a catalog; null where nothing is known of the item.
struct CatalogRow {
    const Catalog* catalog = nullptr;
    std::size_t row = 0;

    explicit operator bool() const { return catalog != nullptr; }
    /// Values of field f; of an unknown item none.
    std::span<const std::int32_t> field(std::size_t f) const {
        return catalog ? catalog->fields[f][row] : std::span<const std::int32_t>();
    }
    /// Where the dense features begin; null where there are none.
    const double* dense() const {
        if (catalog == nullptr || catalog->dense.empty()) return nullptr;
        return catalog->dense.data() + row * (catalog->dense.size() / catalog->items);
    }
};

/// A row of the items that a request brings; none where there is no such row.
inline CatalogRow brought_item(const Request& r, std::int64_t row) {
    const bool is_there = row >= 0 && row < static_cast<std::int64_t>(r.new_items->items);
    return is_there ? CatalogRow{r.new_items, static_cast<std::size_t>(row)} : CatalogRow{};
}

/// The item of a candidate, in the catalog or in the items that the request brings.
inline CatalogRow find_candidate(const Catalog& catalog, const Request& r, std::size_t candidate) {
    const std::int64_t item = r.items[candidate], beyond = item - static_cast<std::int64_t>(catalog.items);
    if (item < 0) return {};
    if (beyond < 0) return {&catalog, static_cast<std::size_t>(item)};
    return r.new_items == nullptr ? CatalogRow{}
                                  : brought_item(r, r.new_item_rows.empty() ? beyond : r.new_item_rows[candidate]);
}

/// The same of any item. One that the catalog lacks may have to be looked for among the candidates.
inline CatalogRow find_item(const Catalog& catalog, const Request& r, std::int32_t item) {
    const std::int64_t beyond = item - static_cast<std::int64_t>(catalog.items);
    if (item < 0) return {};
    if (beyond < 0) return {&catalog, static_cast<std::size_t>(item)};
    if (r.new_items == nullptr) return {};
    if (r.new_item_rows.empty()) return brought_item(r, beyond);
    const auto at = static_cast<std::size_t>(std::ranges::find(r.items, item) - r.items.begin());
    return at < r.items.size() ? find_candidate(catalog, r, at) : CatalogRow{};
}

}  // namespace psad
