/// \file tsv_table.hpp
/// A table of TAB-separated cells under a `#header`, whose every complaint names file, line and column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/parse_number.hpp"

namespace psad::inline PSAD_ABI::data {

/// The largest id, count or length.
inline constexpr std::int64_t max_int32 = (std::numeric_limits<std::int32_t>::max)();

/// Hands every part of the text between separators to `take`; an empty text has one part, which is empty.
template <class Take>
void for_each_part(std::string_view text, char separator, Take&& take) {
    for (;;) {
        const std::size_t stop = text.find(separator);
        take(text.substr(0, stop));
        if (stop == std::string_view::npos) return;
        text.remove_prefix(stop + 1);
    }
}

/// Walks over the rows of one file. Columns are counted from 0 here and named in messages.
class TsvTable {
  public:
    /// Opens the file and checks its header, `#` and the column names with TABs between.
    /// \throws DataError if the file cannot be read or has another header
    TsvTable(const std::filesystem::path& file, std::vector<std::string> columns)
        : lines_(file), columns_(std::move(columns)), cells_(columns_.size()) {
        if (!lines_.next(line_)) throw DataError(lines_.source(), "line 1", "an empty file", "a header line");
        if (!line_.starts_with('#')) {
            fail_line(in_quotes(line_), "a header line that starts with #" + columns_[0]);
        }
        line_.remove_prefix(1);
        split();
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            if (cells_[c] != columns_[c]) {
                fail_line("column " + std::to_string(c + 1) + " named " + in_quotes(cells_[c]), in_quotes(columns_[c]));
            }
        }
    }

    /// Moves to the next row; false at the end of the file.
    /// \throws DataError if the row has another number of cells than the header, or the file is damaged
    bool next() {
        if (!lines_.next(line_)) return false;
        split();
        return true;
    }

    /// Complains if rows are lists, and more than the file may hold.
    void check_lists() const {
        if (const long long most = lines_.most().lists; static_cast<long long>(rows()) > most)
            fail_line("more than " + std::to_string(most) + " lists in files of their size",
                      "no more, or a larger limit: --max-cells");
    }

    std::size_t row() const noexcept { return lines_.line_number() - 2; }   ///< from 0, without the header
    std::size_t rows() const noexcept { return lines_.line_number() - 1; }  ///< read so far
    std::string_view cell(std::size_t column) const { return cells_[column]; }
    const std::string& source() const noexcept { return lines_.source(); }

    /// `text`, which stands in `column`, as an integer from low to high.
    /// \throws DataError
    std::int64_t integer(std::size_t column, std::string_view text, std::int64_t low, std::int64_t high) const {
        std::int64_t value = 0;
        if (!parse_integer(text, value) || value < low || value > high) {
            fail(column, in_quotes(text), "an integer from " + std::to_string(low) + " to " + std::to_string(high));
        }
        return value;
    }

    /// The cell as an integer from low to high.
    std::int64_t integer(std::size_t column, std::int64_t low, std::int64_t high) const {
        return integer(column, cells_[column], low, high);
    }

    /// `text`, which stands in `column`, as an id below `size`.
    /// \throws DataError
    std::int32_t id(std::size_t column, std::string_view text, std::size_t size) const {
        return static_cast<std::int32_t>(integer(column, text, 0, static_cast<std::int64_t>(size) - 1));
    }

    /// `text`, which stands in `column`, as a dense feature: a finite number, or nan for a missing one.
    /// \throws DataError
    double number(std::size_t column, std::string_view text) const {
        double value = 0;
        if (!parse_feature(text, value)) fail(column, in_quotes(text), "a finite number, or nan for a missing one");
        return value;
    }

    /// Complains about a cell of this row.
    [[noreturn]] void fail(std::size_t column, std::string found, std::string wanted) const {
        throw DataError(source(), "line " + std::to_string(lines_.line_number()) + ", column " + columns_[column],
                        std::move(found), std::move(wanted));
    }

    /// Complains about this row.
    [[noreturn]] void fail_line(std::string found, std::string wanted) const {
        throw DataError(source(), "line " + std::to_string(lines_.line_number()), std::move(found), std::move(wanted));
    }

  private:
    void split() {
        std::size_t count = 0;
        for_each_part(line_, '\t', [&](std::string_view part) {
            if (count < cells_.size()) cells_[count] = part;
            ++count;
        });
        if (count != cells_.size()) {
            fail_line(std::to_string(count) + (count == 1 ? " column" : " columns"), std::to_string(cells_.size()));
        }
    }

    GzipLines lines_;
    std::vector<std::string> columns_;
    std::string_view line_;
    std::vector<std::string_view> cells_;
};

}  // namespace psad::data
