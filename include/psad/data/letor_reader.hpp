/// \file letor_reader.hpp
/// LETOR and SVMlight text: `grade qid:Q 1:value 2:value ... # comment`, numbers of features rising, zeros left out.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/record_sink.hpp"

namespace psad::inline PSAD_ABI::data {

/// Names of the columns that are no features; those are named by their numbers.
inline constexpr std::string_view letor_label = "label", letor_query = "qid";

/// Reads one file; a row is one document.
class LetorReader final : public Where {
  public:
    explicit LetorReader(const std::filesystem::path& file, InputSize before = {}) : lines_(file, before) {}

    /// \throws DataError for text of another form, and for what the sink refuses
    InputSize read(RecordSink& sink) {
        sink.begin_file(*this, 0.0);
        const int label = sink.column(0, letor_label), query = sink.column(0, letor_query);
        std::string_view line;
        while (sink.wants_more() && lines_.next_filled(line, " \t\r")) {
            line = line.substr(0, line.find('#'));
            if (!simdjson::validate_utf8(line.data(), line.size())) fail("", "text that is not UTF-8", "UTF-8");
            std::string_view cell = next_cell(line);
            if (cell.empty() || !sink.wants_row()) continue;
            sink.begin_row(0);
            if (label >= 0) sink.take(label, cell);
            cell = next_cell(line);
            if (!cell.starts_with("qid:") || cell.size() == 4) fail("", in_quotes(cell), "qid:Q behind the grade");
            if (query >= 0) sink.take(query, cell.substr(4));
            int last = -1;
            while (!(cell = next_cell(line)).empty()) last = take_feature(sink, cell, last);
            sink.end_row(0);
        }
        if (lines_.line_number() == 0)
            throw DataError(source(), "", "an empty file", "rows of grade qid:Q 1:value ...");
        sink.end_file();
        return lines_.size();
    }

    const std::string& source() const override { return lines_.source(); }
    InputLimits most() const override { return lines_.most(); }
    std::size_t row() const override { return lines_.line_number(); }
    std::string place_of(std::size_t row, std::string_view column) const override {
        return "line " + std::to_string(row) + (column.empty() ? "" : ", feature " + printable(column));
    }

  private:
    static constexpr int unresolved = -2;

    static std::string_view next_cell(std::string_view& line) {
        // A search for any of several characters would call memchr for each one of the line.
        const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
        std::size_t begin = 0;
        while (begin < line.size() && is_blank(line[begin])) ++begin;
        std::size_t end = begin;
        while (end < line.size() && !is_blank(line[end])) ++end;
        const std::string_view cell = line.substr(begin, end - begin);
        line.remove_prefix(end);
        return cell;
    }

    /// Takes "number:value" and returns the number.
    int take_feature(RecordSink& sink, std::string_view cell, int last) {
        const std::size_t colon = cell.find(':');
        int number = 0;
        if (colon == std::string_view::npos || !parse_integer(cell.substr(0, colon), number) || number <= last ||
            number > limits().columns) {
            fail("", in_quotes(cell),
                 "feature:value, its number above " + std::to_string(last) + ", at most " +
                     std::to_string(limits().columns) + " (--max-columns)");
        }
        double value = 0;
        if (!parse_cell(cell.substr(colon + 1), value))
            fail(cell.substr(0, colon), in_quotes(cell.substr(colon + 1)), "a finite number, or nan");
        const auto n = static_cast<std::size_t>(number);
        if (n >= columns_.size()) columns_.resize(n + 1, unresolved);
        if (columns_[n] == unresolved) columns_[n] = sink.column(0, std::to_string(number));
        if (columns_[n] >= 0) sink.take_number(columns_[n], value);
        return number;
    }

    GzipLines lines_;
    std::vector<int> columns_;  ///< by the number of the feature
};

}  // namespace psad::data
