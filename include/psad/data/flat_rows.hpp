/// \file flat_rows.hpp
/// Rows of one candidate each, as CSV and LETOR have them, handed on as requests with candidates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/list_builder.hpp"
#include "psad/features/id_map.hpp"

namespace psad::inline PSAD_ABI::data {

/// The rows of a request stand together and say the same of it. Columns of the request and of the candidate stand side
/// by side.
class FlatRows final : public RecordSink {
  public:
    /// `id`: the column that tells requests apart. Throws DataError where a schema names none.
    FlatRows(ListBuilder& to, const std::string& id) : to_(&to), id_(id) {
        if (id.empty())
            throw DataError("schema", "request.id", "nothing",
                            "the column that tells requests apart, as a row holds one candidate");
    }

    void begin_file(const Where& where, double absent) override {
        where_ = &where;
        columns_.clear();
        open_ = false;
        absent_ = absent;
        to_->begin_file(where, absent);
    }
    int column(int, std::string_view name) override {
        const int of_request = to_->column(0, name), of_candidate = to_->column(candidate_level, name);
        if (of_request < 0 && of_candidate < 0) return not_read;
        columns_.push_back({std::string(name), of_request, of_candidate});
        return static_cast<int>(columns_.size() - 1);
    }
    int list(std::string_view name) override {
        if (to_->is_list(name))
            where_->fail(name, "a list of rows, where a row holds one candidate",
                         "requests that hold a list of candidates, or a table of events");
        to_->note_unread(name);
        return not_read;
    }

    void begin_row(int) override {
        cells_.clear();
        missing_.clear();
        to_->begin_row(candidate_level);
    }
    void take(int column, std::string_view text) override {
        const Column& c = at(column);
        if (c.of_request >= 0) cells_.emplace_back(column, text);
        if (c.of_candidate >= 0) to_->take(c.of_candidate, text);
    }
    void take_number(int column, double value) override {
        const Column& c = at(column);
        // What is left out is 0 where a format says so: then a 0 that is written says no more.
        if (c.of_request >= 0 && value != absent_) cells_.emplace_back(column, cell_text(value));
        if (c.of_candidate >= 0) to_->take_number(c.of_candidate, value);
    }
    void take_missing(int column) override {
        const Column& c = at(column);
        if (c.of_request >= 0) missing_.push_back(c.of_request);
        if (c.of_candidate >= 0) to_->take_missing(c.of_candidate);
    }
    void begin_values(int column) override {
        if (at(column).of_request >= 0) where_->fail(at(column).name, "a list", "one value");
        to_->begin_values(at(column).of_candidate);
    }
    void end_values(int column) override { to_->end_values(at(column).of_candidate); }

    void end_row(int) override {
        std::ranges::sort(cells_);  // members of an object may stand in any order
        const std::string* id = nullptr;
        for (const auto& [column, text] : cells_) {
            if (at(column).name == id_) id = &text;
        }
        if (id == nullptr || id->empty()) where_->fail(id_, "nothing", "the name of the row's request");
        if (!open_ || *id != current_) {
            if (open_) to_->end_row(0);
            begin_request(*id);
        } else if (cells_ != first_cells_) {
            fail_as_first_row();
        }
        to_->end_row(candidate_level);
    }
    void end_file() override {
        if (open_) to_->end_row(0);
        open_ = false;
        to_->end_file();
    }

  private:
    struct Column {
        std::string name;
        int of_request, of_candidate;
    };

    const Column& at(int column) const { return columns_[static_cast<std::size_t>(column)]; }

    void begin_request(const std::string& id) {
        if (seen_.find(id) >= 0)
            where_->fail(id_, in_quotes(id) + " again", "the rows of a request one after the other");
        seen_.add(id);
        current_ = id;
        open_ = true;
        first_cells_ = cells_;
        to_->begin_row(0);
        for (const auto& [column, text] : cells_) to_->take(at(column).of_request, text);
        for (const int column : missing_) to_->take_missing(column);
    }
    /// Names the first column in which the two rows differ.
    [[noreturn]] void fail_as_first_row() const {
        const auto [here, first] = std::ranges::mismatch(cells_, first_cells_);
        const int column = here == cells_.end()          ? first->first
                           : first == first_cells_.end() ? here->first
                                                         : (std::min)(here->first, first->first);
        const auto text = [&](auto cell, auto end) {
            return cell == end || cell->first != column ? "nothing" : in_quotes(cell->second);
        };
        where_->fail(at(column).name, text(here, cells_.end()),
                     text(first, first_cells_.end()) + ", as in the first row of the request");
    }

    ListBuilder* to_;
    std::string id_;
    const Where* where_ = nullptr;
    double absent_ = 0;
    std::vector<Column> columns_;
    std::vector<std::pair<int, std::string>> cells_, first_cells_;  ///< of the request: of this row, of its first
    std::vector<int> missing_;  ///< columns of the request that the row says are missing
    std::string current_;
    bool open_ = false;
    IdMap seen_;
};

}  // namespace psad::data
