/// \file delimited_reader.hpp
/// Tables of cells with a separator between: CSV (RFC 4180) and TSV, gzip or plain, with a header line.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/record_sink.hpp"

namespace psad::inline PSAD_ABI::data {

/// Reads one file. Where the separator is a comma, cells may stand in double quotes, with separators and line ends
/// within, "" for a quote. An empty cell that is not in quotes is missing.
class DelimitedReader final : public Where {
  public:
    DelimitedReader(const std::filesystem::path& file, char separator, InputSize before = {})
        : lines_(file, before), separator_(separator) {}

    /// \throws DataError at the first row with another number of cells than the header, and for what the sink refuses
    InputSize read(RecordSink& sink) {
        sink.begin_file(*this, std::numeric_limits<double>::quiet_NaN());
        read_header(sink);
        while (sink.wants_more() && next_row()) {
            if (!sink.wants_row()) continue;
            if (cells_.size() != columns_.size()) {
                fail("", std::to_string(cells_.size()) + (cells_.size() == 1 ? " cell" : " cells"),
                     std::to_string(columns_.size()) + ", as in the header");
            }
            sink.begin_row(0);
            for (std::size_t c = 0; c < cells_.size(); ++c) {
                if (columns_[c] < 0) continue;
                if (cells_[c].text.empty() && !cells_[c].in_quotes)
                    sink.take_missing(columns_[c]);
                else
                    sink.take(columns_[c], cells_[c].text);
            }
            sink.end_row(0);
        }
        sink.end_file();
        return lines_.size();
    }

    const std::string& source() const override { return lines_.source(); }
    InputLimits most() const override { return lines_.most(); }
    std::size_t row() const override { return first_line_; }
    std::string place_of(std::size_t row, std::string_view column) const override {
        return "line " + std::to_string(row) + (column.empty() ? "" : ", column " + printable(column));
    }

  private:
    struct Cell {
        std::string_view text;
        bool in_quotes = false;
    };

    void read_header(RecordSink& sink) {
        if (!next_row()) throw DataError(source(), "", "an empty file", "a header with the names of the columns");
        for (const char other : {';', '\t', ','}) {
            if (cells_.size() == 1 && other != separator_ && cells_[0].text.find(other) != std::string_view::npos)
                fail("", "one column, " + in_quotes(cells_[0].text),
                     separator_ == '\t' ? "columns with tabs between" : "columns with commas between (.tsv: tabs)");
        }
        const auto most = static_cast<std::size_t>(limits().columns);
        if (cells_.size() > most)
            fail("", std::to_string(cells_.size()) + " columns",
                 "at most " + std::to_string(most) + ", or a larger limit: --max-columns");
        std::set<std::string_view> names;
        for (std::size_t c = 0; c < cells_.size(); ++c) {
            std::string_view name = cells_[c].text;
            if (c == 0 && separator_ == '\t' && name.starts_with('#')) name.remove_prefix(1);
            if (!is_text(name)) fail("", "a column named " + in_quotes(name), "UTF-8 without control characters");
            if (!name.empty() && !names.insert(name).second) fail(name, "the name twice", "each column once");
            columns_.push_back(name.empty() ? RecordSink::not_read : sink.column(0, name));
        }
    }

    void must_be_utf8(std::string_view line) {
        if (simdjson::validate_utf8(line.data(), line.size())) return;
        first_line_ = lines_.line_number();
        fail("", "text that is not UTF-8", "UTF-8");
    }
    /// Splits the next row into cells_; false at the end of the file. Empty lines are none.
    bool next_row() {
        std::string_view line;
        if (!lines_.next_filled(line, "\r")) return false;
        must_be_utf8(line);
        first_line_ = lines_.line_number();
        cells_.clear();
        unquoted_.clear();
        joined_.clear();
        if (separator_ == '\t' || line.find('"') == std::string_view::npos)
            split(without_return(line));
        else
            split_quoted(line);
        return true;
    }

    static std::string_view without_return(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    void split(std::string_view line) {
        for (;;) {
            const std::size_t stop = line.find(separator_);
            cells_.push_back({line.substr(0, stop)});
            if (stop == std::string_view::npos) return;
            line.remove_prefix(stop + 1);
        }
    }

    /// The cells are copied to unquoted_ first, as a row may go over several lines.
    void split_quoted(std::string_view line) {
        struct Piece {
            std::size_t begin, end;
            bool in_quotes;
        };
        std::vector<Piece> pieces;
        joined_ = line;
        for (std::size_t i = 0;; ++i) {
            const std::size_t begin = unquoted_.size();
            const bool quoted = i < joined_.size() && joined_[i] == '"';
            if (quoted) {
                for (++i;; ++i) {
                    while (i >= joined_.size()) {  // a line end within the quotes
                        std::string_view more;
                        if (!lines_.next(more)) fail("", "a quote that is not closed", "another \"");
                        must_be_utf8(more);
                        if (joined_.size() + more.size() > static_cast<std::size_t>(limits().line) << 20)
                            fail("", "a row of more than " + std::to_string(limits().line) + " MiB",
                                 "a shorter row, or a larger limit: --max-line");
                        joined_ += '\n';
                        joined_ += more;
                    }
                    if (joined_[i] == '"') {
                        if (i + 1 >= joined_.size() || joined_[i + 1] != '"') break;
                        ++i;
                    }
                    unquoted_ += joined_[i];
                }
                ++i;
                if (i < joined_.size() && joined_[i] == '\r' && i + 1 == joined_.size()) ++i;
                if (i < joined_.size() && joined_[i] != separator_)
                    fail("", "text after a closing quote", "a separator or the end of the row");
            } else {
                const std::size_t stop = (std::min)(joined_.find(separator_, i), joined_.size());
                unquoted_ += stop == joined_.size() ? without_return(std::string_view(joined_).substr(i))
                                                    : std::string_view(joined_).substr(i, stop - i);
                i = stop;
            }
            pieces.push_back({begin, unquoted_.size(), quoted});
            if (i >= joined_.size()) break;
        }
        for (const Piece& p : pieces)
            cells_.push_back({std::string_view(unquoted_).substr(p.begin, p.end - p.begin), p.in_quotes});
    }

    GzipLines lines_;
    char separator_;
    std::size_t first_line_ = 0;  ///< of the row
    std::vector<int> columns_;
    std::vector<Cell> cells_;
    std::string joined_, unquoted_;
};

}  // namespace psad::data
