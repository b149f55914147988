/// \file limits.hpp
/// What files and requests from outside may ask of a program: SECURITY.md lists all limits.
#pragma once

#include "psad/core/setting.hpp"

namespace psad::inline PSAD_ABI {

/// Limits that a program may set to others: they keep a small file from taking much time or memory. Other limits are
/// constants where they are checked.
struct Limits {
    int line = 16;        ///< MiB of one line of text
    int unpacked = 100;   ///< how much longer than itself a gzip file may be, beyond small_gzip
    int columns = 10000;  ///< of a file or a schema, of each kind of row
    int values = 1000;    ///< of one item, over all its fields

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"max_line", "MiB of one line", 1, 1 << 20}, self.line);
        visit(Setting{"max_unpacked", "How many times its size a gzip file may hold, beyond its first MB", 1, 1100},
              self.unpacked);
        visit(Setting{"max_columns", "Columns of a file or a schema", 1, 10'000'000}, self.columns);
        visit(Setting{"max_values", "Values of one item, over all its fields", 1, 100'000'000}, self.values);
    }

    /// Any gzip file may hold that much, and so may its first megabyte.
    static constexpr long long small_gzip = 32'000'000, first_of_gzip = 1'000'000;
};

/// Those of this program. To be set before threads read.
inline Limits& limits() {
    static Limits all;
    return all;
}

}  // namespace psad
