/// \file left_out_rows.hpp
/// Rows of files that are passed over, as if they were not there: nothing is learned from them, not even the name of a
/// column, but for those in the header of a file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/data/record_sink.hpp"
#include "psad/data/source.hpp"

namespace psad::inline PSAD_ABI::data {

/// The rows of the requests from a time on.
class LeftOutRows {
  public:
    /// `all`: every request of the files.
    LeftOutRows(const Source& all, std::int64_t from) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const bool left_out = all[i].time >= from;
            requests_[all.file(i)].emplace_back(all.line(i), left_out);
            count_ += left_out ? 1 : 0;
        }
    }

    /// Requests that are left out.
    std::size_t count() const { return count_; }
    bool contain(const std::string& file, std::size_t row) const {
        const auto found = requests_.find(file);
        if (found == requests_.end()) return false;
        const auto after = std::ranges::upper_bound(found->second, row, {}, &std::pair<std::size_t, bool>::first);
        return after != found->second.begin() && std::prev(after)->second;
    }

  private:
    /// In the order of the file: first row, and whether left out.
    std::map<std::string, std::vector<std::pair<std::size_t, bool>>> requests_;
    std::size_t count_ = 0;
};

/// Hands on all other rows.
class WithoutRows final : public RecordSink {
  public:
    WithoutRows(RecordSink& to, const LeftOutRows& rows) : to_(&to), rows_(&rows) {}

    void begin_file(const Where& where, double absent) override {
        where_ = &where;
        to_->begin_file(where, absent);
    }
    int column(int level, std::string_view name) override { return to_->column(level, name); }
    int list(std::string_view name) override { return to_->list(name); }
    bool is_list(std::string_view name) const override { return to_->is_list(name); }
    void begin_row(int level) override { to_->begin_row(level); }
    void take(int column, std::string_view text) override { to_->take(column, text); }
    void take_text(int column, std::string_view text) override { to_->take_text(column, text); }
    void take_number(int column, double value) override { to_->take_number(column, value); }
    void take_missing(int column) override { to_->take_missing(column); }
    void begin_values(int column) override { to_->begin_values(column); }
    void end_values(int column) override { to_->end_values(column); }
    void end_row(int level) override { to_->end_row(level); }
    void end_file() override { to_->end_file(); }
    bool wants_more() const override { return to_->wants_more(); }
    bool wants_row() const override { return !rows_->contain(where_->source(), where_->row()); }

  private:
    RecordSink* to_;
    const LeftOutRows* rows_;
    const Where* where_ = nullptr;
};

}  // namespace psad::data
