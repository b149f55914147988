/// \file limits.hpp
/// What files and requests from outside may ask of a program: SECURITY.md lists all limits.
#pragma once

#include "psad/core/setting.hpp"

namespace psad::inline PSAD_ABI {

/// Limits that a program may set to others: they keep a small file from taking much time or memory. Other limits are
/// constants where they are checked.
struct Limits {
    int line = 16;        ///< MiB of one line of text
    int unpacked = 100;   ///< how many times its size a gzip file may hold: see gzip() and gzip_lists()
    int columns = 10000;  ///< of a file or a schema, of each kind of row
    int values = 1000;    ///< of one item, over all its fields

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"max_line", "MiB of one line", 1, 1 << 20}, self.line);
        visit(Setting{"max_unpacked",
                      "How many times its size a gzip file may hold, a quarter of that for its first MB", 1, 4400},
              self.unpacked);
        visit(Setting{"max_columns", "Columns of a file or a schema", 1, 10'000'000}, self.columns);
        visit(Setting{"max_values", "Values of one item, over all its fields", 1, 100'000'000}, self.values);
    }

    /// Bytes that a gzip file of so many bytes may hold. Of the first megabyte a quarter as many times, and a little
    /// more.
    long long gzip(long long packed) const {
        const long long first = packed < 1'000'000 ? packed : 1'000'000;
        return 4'000'000 + unpacked * first / 4 + unpacked * (packed - first);
    }
    /// Lists that it may hold: one costs more memory than its bytes, and repeated ones pack into next to nothing.
    long long gzip_lists(long long packed) const { return 50'000 + unpacked * packed / 400; }
};

/// Those of this program. To be set before threads read.
inline Limits& limits() {
    static Limits all;
    return all;
}

}  // namespace psad
