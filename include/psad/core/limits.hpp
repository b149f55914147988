/// \file limits.hpp
/// What files and requests from outside may ask of a program: SECURITY.md lists all limits.
#pragma once

#include <algorithm>
#include <limits>

#include "psad/core/setting.hpp"

namespace psad::inline PSAD_ABI {

/// What a file may hold, by its size.
struct FileLimits {
    long long lists = (std::numeric_limits<long long>::max)(), cells = lists;
};

/// Limits that a program may set to others: they keep a small file from taking much time or memory. Other limits are
/// constants where they are checked.
struct Limits {
    int line = 16;        ///< MiB of one line of text
    int unpacked = 100;   ///< how many times its size a gzip file may hold: see gzip() and of_file()
    int cells = 4;        ///< of the rows of a file, for each byte of it: see of_file()
    int columns = 10000;  ///< of a file or a schema, of each kind of row
    int values = 1000;    ///< of one item, over all its fields

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"max_line", "MiB of one line", 1, 1 << 20}, self.line);
        visit(Setting{"max_unpacked", "How many times its size a gzip file may hold, of its first MB .28", 1, 4400},
              self.unpacked);
        visit(Setting{"max_cells", "Cells of all rows for each byte of a file beyond 12 million, of a request beyond 4",
                      1, 10'000},
              self.cells);
        visit(Setting{"max_columns", "Columns of a file or a schema", 1, 10'000'000}, self.columns);
        visit(Setting{"max_values", "Values of one item, over all its fields", 1, 100'000'000}, self.values);
    }

    /// Bytes that a gzip file of so many bytes may hold: as many times more, but that the first megabyte holds what .28
    /// of one may.
    long long gzip(long long packed) const { return unpacked * (280'000 + beyond_a_megabyte(packed)); }
    /// What one request may hold that does not come from a file.
    FileLimits of_request(long long bytes) const {
        FileLimits out;
        out.cells = 4'000'000 + cells * bytes;
        return out;
    }
    /// Of a gzip file lists are counted: one costs more memory than its bytes, and repeated ones pack into next to
    /// nothing. Cells are those of all rows, those included that the file does not name: a table costs rows times
    /// columns, however few of them a file fills. A number counts once, an id twice, each further value of a list four
    /// times.
    FileLimits of_file(long long bytes, bool packed) const {
        const long long beyond = beyond_a_megabyte(bytes), within = (std::min)(bytes, a_megabyte);
        FileLimits out;
        if (packed) out.lists = 40'000 + unpacked * (within + beyond) / 500;
        out.cells = 12'000'000 + cells * within + beyond * (packed ? cells * unpacked / 8 : cells);
        return out;
    }

  private:
    static constexpr long long a_megabyte = 1'000'000;
    /// More than a terabyte counts as one, so that no product of limits overflows.
    static long long beyond_a_megabyte(long long bytes) {
        return std::clamp(bytes - a_megabyte, 0LL, 1'000'000 * a_megabyte);
    }
};

/// Those of this program. To be set before threads read.
inline Limits& limits() {
    static Limits all;
    return all;
}

}  // namespace psad
