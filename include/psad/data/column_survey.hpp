/// \file column_survey.hpp
/// What the columns of files hold, before anybody says what they mean.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/features/dense_transform.hpp"
#include "psad/features/id_map.hpp"

namespace psad::inline PSAD_ABI::data {

/// One column of rows of one level.
struct ColumnSurvey {
    int level = 0;
    std::string name;
    std::size_t values = 0;      ///< that are there
    std::size_t missing = 0;     ///< that rows say are missing, or leave out
    std::size_t left_out = 0;    ///< of those, the latter
    std::size_t no_numbers = 0;  ///< words that are missing numbers: of a field they are names
    std::size_t numbers = 0, whole_numbers = 0;
    std::size_t texts = 0;               ///< values that a format says are no numbers
    std::size_t lists = 0, singles = 0;  ///< cells that are lists of values, and others
    bool has_splits = false;
    bool varies_within = false;  ///< among the rows of one request, where rows hold one candidate each
    IdMap distinct = {};         ///< the first so many of the values
    double smallest = std::numeric_limits<double>::infinity(), largest = -smallest;
    FeatureSample sample = {};

    static constexpr std::size_t most_distinct = 100'000;

    /// They can be read as numbers, but for fewer than one in ten: such ones are rather faults than names.
    bool is_numeric() const { return values > 0 && 10 * numbers > 9 * values; }
    /// Few lists among numbers are rather faults.
    bool has_lists() const { return lists > 0 && (10 * lists > singles || !is_numeric()); }
    /// Whole numbers that are written as texts.
    bool is_code() const { return values > 0 && texts == values && whole_numbers == values; }
    /// Nearly each value is another: names of things, free text.
    bool is_unique() const { return distinct.size() > 20 && 10 * distinct.size() > 9 * values; }
};

/// Takes files of any columns. Lists of rows within a row have levels 1, 2, ... in the order in which they are met.
class SurveySink final : public RecordSink {
  public:
    /// `id`: the name of a column that tells requests apart, for files whose rows hold one candidate each; may be
    /// empty. Reads no more than `most` rows.
    explicit SurveySink(std::string id = {}, std::size_t most = 200'000) : id_(std::move(id)), most_(most) {}

    void begin_file(const Where& where, double absent) override {
        where_ = &where;
        cells_ += static_cast<long long>(columns_.size());
        rows_before_ = rows(0);
        absent_is_zero_ = absent == 0;
        last_.clear();
    }
    int column(int level, std::string_view name) override {
        const auto [entry, is_new] = numbers_.emplace(std::pair(level, std::string(name)), columns_.size());
        const auto number = static_cast<int>(entry->second);
        if (is_new) {
            columns_.push_back({.level = level, .name = std::string(name)});
            cells_ += of_column;
            of_level_.resize((std::max)(of_level_.size(), static_cast<std::size_t>(level) + 1));
            of_level_[static_cast<std::size_t>(level)].push_back(entry->second);
        }
        if (level == 0 && name == id_) id_column_ = number;
        return number;
    }
    int list(std::string_view name) override {
        const auto [level, is_new] = levels_.emplace(name, static_cast<int>(lists_.size()) + 1);
        if (is_new) lists_.emplace_back(name);
        return level->second;
    }
    void begin_row(int level) override {
        rows_.resize((std::max)(rows_.size(), static_cast<std::size_t>(level) + 1));
        ++rows_[static_cast<std::size_t>(level)];
        if (level == 0) this_.assign(columns_.size(), 0);
        cells_ += level == 0 ? static_cast<long long>(columns_.size() / 16) : 1;
    }
    void take(int column, std::string_view text) override {
        count_cell(column);
        ColumnSurvey& c = columns_[static_cast<std::size_t>(column)];
        double x = 0;
        const bool is_number = parse_cell(text, x);
        if (is_missing_name(text)) return void(++c.missing);
        if (is_number && std::isnan(x)) return void(++c.no_numbers);
        ++c.values;
        c.singles += in_list_ ? 0 : 1;
        if (is_number) add_number(c, x);
        c.has_splits |= text.find('|') != std::string_view::npos;
        if (c.distinct.size() < ColumnSurvey::most_distinct) c.distinct.add(text);
        note(c, column, IdMap::hash(text));
    }
    void take_text(int column, std::string_view text) override {
        ColumnSurvey& c = columns_[static_cast<std::size_t>(column)];
        const std::size_t before = c.values;
        take(column, text);
        c.texts += c.values - before;
    }
    void take_number(int column, double value) override {
        count_cell(column);
        ColumnSurvey& c = columns_[static_cast<std::size_t>(column)];
        ++c.values;
        ++c.singles;
        add_number(c, value);
        note(c, column, std::bit_cast<std::uint64_t>(value));
    }
    void take_missing(int column) override {
        count_cell(column);
        ++columns_[static_cast<std::size_t>(column)].missing;
    }
    void begin_values(int column) override { ++columns_[static_cast<std::size_t>(column)].lists, in_list_ = true; }
    void end_values(int) override { in_list_ = false; }
    /// Which columns of the row differ from the row before, of the same request.
    void end_row(int level) override {
        if (level != 0 || id_column_ < 0) return;
        this_.resize(columns_.size());
        last_.resize(columns_.size());
        const auto id = static_cast<std::size_t>(id_column_);
        if (this_[id] == last_[id]) {
            for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c].varies_within |= this_[c] != last_[c];
        }
        std::swap(this_, last_);
    }
    void end_file() override {
        for (ColumnSurvey& c : columns_) {
            const std::size_t said = c.values + c.missing - c.left_out + c.no_numbers;
            if (c.lists > 0 || absent_is_zero_ || rows(c.level) < said) continue;
            c.missing += rows(c.level) - said - c.left_out;
            c.left_out = rows(c.level) - said;
        }
        may_have_ = where_->most().cells / 6;
        where_ = nullptr;
    }
    /// A sample of the files is enough. It has a row of each file that it opens: columns without a row say nothing.
    bool wants_more() const override {
        if (where_ != nullptr && rows(0) == rows_before_) return true;
        return rows(0) < (rows_.size() > 1 ? most_ / 10 : most_) &&
               cells_ <= (where_ != nullptr ? where_->most().cells / 6 : may_have_);
    }

    std::vector<ColumnSurvey>& columns() { return columns_; }
    /// The numbers of the columns of a level.
    std::span<const std::size_t> columns_of(int level) const {
        const auto at = static_cast<std::size_t>(level);
        return at < of_level_.size() ? std::span<const std::size_t>(of_level_[at]) : std::span<const std::size_t>();
    }
    const std::vector<std::string>& lists() const { return lists_; }  ///< list l has level l + 1
    bool has_list(std::string_view name) const { return levels_.contains(name); }
    std::size_t rows(int level) const {
        return static_cast<std::size_t>(level) < rows_.size() ? rows_[static_cast<std::size_t>(level)] : 0;
    }
    bool absent_is_zero() const { return absent_is_zero_; }

  private:
    /// What a column takes beside its values: some 400 bytes, in cells of 8.
    static constexpr long long of_column = 50;
    /// Rows within rows may be many.
    void count_cell(int column) { cells_ += columns_[static_cast<std::size_t>(column)].level == 0 ? 0 : 1; }
    static void add_number(ColumnSurvey& c, double x) {
        ++c.numbers;
        c.whole_numbers += x == std::floor(x) ? 1 : 0;
        c.smallest = (std::min)(c.smallest, x);
        c.largest = (std::max)(c.largest, x);
        c.sample.add(x);
    }
    void note(const ColumnSurvey& c, int column, std::uint64_t value) {
        if (c.level != 0) return;
        const auto at = static_cast<std::size_t>(column);
        if (at >= this_.size()) this_.resize(at + 1, 0);
        this_[at] = value;
    }

    std::string id_;
    std::size_t most_, rows_before_ = 0;  ///< the latter: the file that is read
    const Where* where_ = nullptr;
    long long cells_ = 0;  ///< in rows within rows, and for columns that rows and files leave out
    long long may_have_ = (std::numeric_limits<long long>::max)();  ///< so many of those, by the files before
    int id_column_ = -1;
    bool absent_is_zero_ = false, in_list_ = false;
    std::vector<ColumnSurvey> columns_;
    std::map<std::pair<int, std::string>, std::size_t> numbers_;  ///< of the columns, by level and name
    std::vector<std::vector<std::size_t>> of_level_;              ///< numbers of columns
    std::vector<std::string> lists_;
    std::map<std::string, int, std::less<>> levels_;  ///< of the lists
    std::vector<std::size_t> rows_;                   ///< by level
    std::vector<std::uint64_t> this_ = {}, last_;     ///< values of this row and of the one before, by column
};

}  // namespace psad::data
