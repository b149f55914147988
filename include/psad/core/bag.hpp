/// \file bag.hpp
/// Jagged lists of row numbers: several values of a categorical field, several events on one candidate.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// A view: row r holds ids[first(r)] ... ids[last(r) - 1]; ids[r] alone when `offsets` is null.
struct Bag {
    const int* offsets = nullptr;  ///< [rows + 1] where each row begins
    const int* ids = nullptr;      ///< [count]
    int count = 0;                 ///< ids of all rows; needed where the host cannot read `offsets`

    PSAD_HOST_DEVICE int first(int r) const { return offsets ? offsets[r] : r; }
    PSAD_HOST_DEVICE int last(int r) const { return offsets ? offsets[r + 1] : r + 1; }
};

/// One bag per categorical field. The bags lie in host memory, where operations read them; what they point to
/// lies where the device reads it.
struct BagList {
    Bag* data = nullptr;
    int count = 0;
};

/// Owns the numbers of a Bag.
struct BagStorage {
    std::vector<int> offsets{0};
    std::vector<int> ids;

    void clear() {
        offsets.assign(1, 0);
        ids.clear();
    }
    /// Appends one row of several values, each through its vocabulary.
    template <class Values, class Rows>
    void add(const Values& values, const Rows& row_of) {
        for (const auto value : values) ids.push_back(row_of[value]);
        end_row();
    }
    /// Appends one row of a single id.
    void add(int id) {
        ids.push_back(id);
        end_row();
    }
    /// Ends a row whose ids were appended.
    void end_row() { offsets.push_back(end_of_row(ids.size())); }
    /// Where a row ends. Throws SettingError for 2^31 ids or more.
    static int end_of_row(std::size_t ids_so_far) {
        if (ids_so_far > static_cast<std::size_t>((std::numeric_limits<int>::max)())) {
            raise(SettingError("batch", "", std::to_string(ids_so_far) + " values of a field",
                               "fewer than 2^31: fewer or shorter lists at a time"));
        }
        return static_cast<int>(ids_so_far);
    }

    Bag view() const { return {offsets.data(), ids.data(), static_cast<int>(ids.size())}; }
};

/// Owns a BagList: one bag per field.
struct BagListStorage {
    std::vector<BagStorage> fields;

    void clear() {
        for (BagStorage& f : fields) f.clear();
    }
    /// Valid until the next view() or change.
    BagList view() {
        views_.clear();
        for (const BagStorage& f : fields) views_.push_back(f.view());
        return {views_.data(), static_cast<int>(views_.size())};
    }

  private:
    std::vector<Bag> views_;
};

}  // namespace psad
