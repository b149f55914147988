/// \file limits.hpp
/// What files and requests from outside may ask of a program: SECURITY.md lists all limits.
#pragma once

#include <algorithm>
#include <limits>

#include "psad/core/setting.hpp"

namespace psad::inline PSAD_ABI {

/// Bytes of files that are read one after the other, and what they hold.
struct InputSize {
    long long plain = 0;
    long long packed = 0, unpacked = 0;  ///< of gzip files: as they lie there, and what they held
    long long values = 0;                ///< in lists

    friend InputSize operator+(InputSize a, InputSize b) {
        const auto sum = [](long long x, long long y) { return (std::min)(x, largest) + (std::min)(y, largest); };
        return {sum(a.plain, b.plain), sum(a.packed, b.packed), sum(a.unpacked, b.unpacked), sum(a.values, b.values)};
    }
    /// A file may say that it is larger.
    static constexpr long long largest = (std::numeric_limits<long long>::max)() / 4;
};

/// What files of such a size may hold together, or a request.
struct InputLimits {
    long long lists = (std::numeric_limits<long long>::max)(), cells = lists;

    /// What a list counts as beside its cells: as many lists as there may be leave three tenths of the cells.
    long long cells_of_list() const { return cells / lists * 7 / 10; }
};

/// Limits that a program may set to others: they keep a small file from taking much time or memory. Other limits are
/// constants where they are checked.
struct Limits {
    int line = 16;        ///< MiB of one line of text
    int unpacked = 100;   ///< how many times their size gzip files may hold: see gzip() and of()
    int cells = 4;        ///< of the rows of files, for each byte of them: see of()
    int columns = 10000;  ///< of a file or a schema, of each kind of row
    int values = 1000;    ///< of one item, over all its fields

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"max_line", "MiB of one line", 1, 1 << 20}, self.line);
        visit(Setting{"max_unpacked", "How many times their size gzip files may hold, of their first MB .28", 1, 4400},
              self.unpacked);
        visit(Setting{"max_cells",
                      "Cells of all rows for each byte of files beyond 12 million, of a request beyond 1.5", 1, 10'000},
              self.cells);
        visit(Setting{"max_columns", "Columns of a file or a schema", 1, 10'000'000}, self.columns);
        visit(Setting{"max_values", "Values of one item, over all its fields", 1, 100'000'000}, self.values);
    }

    /// Bytes that gzip files of so many bytes may hold: as many times more, but that the first megabyte holds what .28
    /// of one may.
    long long gzip(long long packed) const { return unpacked * (280'000 + beyond_a_megabyte(packed)); }
    /// What one request may hold that does not come from a file.
    InputLimits of_request(long long bytes) const {
        InputLimits out;
        out.cells = 1'500'000 + cells * bytes;
        return out;
    }
    /// A list costs more memory than its bytes, and repeated ones pack into next to nothing. Cells are those of all
    /// rows, those included that a file does not name: a table costs rows times columns, however few of them a file
    /// fills. A number counts once, an id twice, each further value of a list four times; rows count besides these.
    InputLimits of(InputSize size) const {
        const long long all = (std::min)((std::min)(size.plain, largest) + (std::min)(size.packed, largest), largest);
        const long long beyond = beyond_a_megabyte(all), packed = (std::min)(beyond, size.packed);
        const long long packed_first = (std::min)(all - beyond, size.packed);
        InputLimits out;
        out.lists = 40'000 + cells * ((all - beyond - packed_first) / 64 + packed_first / 40 + beyond / 8);
        out.cells = 12'000'000 + cells * (all - packed) + packed * (cells * unpacked / 8);
        return out;
    }

  private:
    static constexpr long long a_megabyte = 1'000'000;
    /// More counts as so much, so that no product of limits overflows.
    static constexpr long long largest = 1'000'000 * a_megabyte;
    static long long beyond_a_megabyte(long long bytes) { return std::clamp(bytes - a_megabyte, 0LL, largest); }
};

/// Those of this program. To be set before threads read.
inline Limits& limits() {
    static Limits all;
    return all;
}

}  // namespace psad
