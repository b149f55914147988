/// \file list_reader.hpp
/// Reads the lists of one split, lists_{train,valid,test}.tsv.gz.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "psad/data/columns.hpp"
#include "psad/data/dataset.hpp"
#include "psad/data/read_meta.hpp"
#include "psad/data/tsv_table.hpp"
#include "psad/features/check_request.hpp"

namespace psad::inline PSAD_ABI::data::detail {

/// The times of a split: `first` <= time < `end`.
struct TimeRange {
    std::int64_t first, end;
};

/// Reads the lists of one split, row by row.
class ListReader {
  public:
    ListReader(const std::filesystem::path& file, const Meta& meta, const Events& events, TimeRange times)
        : table_(file, {"list", "user", "ts", "hist_len", "ctx", "items", "scores", "labels", "aux"}),
          meta_(meta),
          events_(events),
          times_(times),
          last_list_with_(meta.items, -1) {}

    ListColumns read() {
        while (table_.next()) {
            table_.check_lists();
            table_.integer(list_column, 0, (std::numeric_limits<std::int64_t>::max)());
            read_request();
            read_context();
            const std::size_t count = read_items();
            read_numbers(scores_column, count, scores_);
            read_labels(count);
            read_numbers(aux_column, count, aux_);
        }
        ListColumns out;
        out.user = to_column(user_);
        out.time = to_column(time_);
        out.history_length = to_column(history_length_);
        out.context = to_rows(context_, user_.size(), meta_.context_fields.size());
        out.offsets = to_column(offsets_);
        out.items = to_column(items_);
        out.scores = to_column(scores_);
        out.labels = to_column(labels_);
        out.aux = to_column(aux_);
        return out;
    }

  private:
    enum : std::size_t {
        list_column,
        user_column,
        time_column,
        history_column,
        context_column,
        items_column,
        scores_column,
        labels_column,
        aux_column
    };

    void read_request() {
        const std::int32_t user = table_.id(user_column, table_.cell(user_column), meta_.users);
        const std::int64_t time = table_.integer(time_column, -max_time, max_time);
        if (time < times_.first || time >= times_.end) {
            table_.fail(time_column, std::to_string(time),
                        time < times_.first
                            ? std::to_string(times_.first) + " or later: the splits of meta.tsv are by time"
                            : "before " + std::to_string(times_.end) + ": the splits of meta.tsv are by time");
        }
        const std::int64_t history = table_.integer(history_column, 0, max_int32);
        const std::int64_t first = events_.offsets(static_cast<std::size_t>(user));
        const std::int64_t owned = events_.offsets(static_cast<std::size_t>(user) + 1) - first;
        if (history > owned) {
            table_.fail(history_column, std::to_string(history),
                        "at most " + std::to_string(owned) + ", the events of user " + std::to_string(user));
        }
        if (history > 0) {
            const std::int64_t latest = events_.time(static_cast<std::size_t>(first + history - 1));
            if (latest >= time) {
                table_.fail(history_column, "a history with an event at " + std::to_string(latest),
                            "events before the request at " + std::to_string(time) + " only");
            }
        }
        user_.push_back(user);
        time_.push_back(time);
        history_length_.push_back(static_cast<std::int32_t>(history));
    }

    void read_context() {
        const std::string_view cell = table_.cell(context_column);
        const std::size_t fields = meta_.context_fields.size();
        std::size_t count = 0;
        if (cell != "-") {
            for_each_part(cell, ',', [&](std::string_view part) {
                if (count < fields) {
                    const auto vocab = static_cast<std::size_t>(meta_.context_vocab[count]);
                    context_.push_back(table_.id(context_column, part, vocab));
                }
                ++count;
            });
        }
        check_count(context_column, count, fields, ", one per context field");
    }

    std::size_t read_items() {
        const std::string_view cell = table_.cell(items_column);
        if (cell.empty() || cell == "-") table_.fail(items_column, "an empty list", "one candidate or more");
        const auto list = static_cast<std::int64_t>(table_.row());
        const std::size_t before = items_.size();
        for_each_part(cell, ',', [&](std::string_view part) {
            const std::int32_t item = table_.id(items_column, part, meta_.items);
            std::int64_t& last = last_list_with_[static_cast<std::size_t>(item)];
            if (last == list) {
                table_.fail(items_column, "item " + std::to_string(item) + " twice", "each candidate once");
            }
            last = list;
            items_.push_back(item);
        });
        if (items_.size() - before > static_cast<std::size_t>(max_candidates)) {
            table_.fail(items_column, std::to_string(items_.size() - before) + " candidates",
                        "at most " + std::to_string(max_candidates));
        }
        offsets_.push_back(static_cast<std::int64_t>(items_.size()));
        return items_.size() - before;
    }

    void read_labels(std::size_t wanted) {
        std::size_t count = 0;
        for_each_part(table_.cell(labels_column), ',', [&](std::string_view part) {
            labels_.push_back(static_cast<std::int8_t>(table_.integer(labels_column, part, 0, max_grade)));
            ++count;
        });
        check_count(labels_column, count, wanted, ", one per candidate");
    }

    /// All lists of a split have these numbers or none has: the first list decides.
    void read_numbers(std::size_t column, std::size_t wanted, std::vector<double>& numbers) {
        const std::string_view cell = table_.cell(column);
        if (cell == "-") {
            if (!numbers.empty()) table_.fail(column, "'-'", "numbers, as in the lists before");
            return;
        }
        if (numbers.empty() && table_.row() > 0) {
            table_.fail(column, in_quotes(cell), "'-', as in the lists before");
        }
        std::size_t count = 0;
        for_each_part(cell, ',', [&](std::string_view part) {
            numbers.push_back(table_.number(column, part));
            ++count;
        });
        check_count(column, count, wanted, ", one per candidate");
    }

    void check_count(std::size_t column, std::size_t count, std::size_t wanted, const char* why) const {
        if (count != wanted) {
            table_.fail(column, std::to_string(count) + (count == 1 ? " value" : " values"),
                        std::to_string(wanted) + why);
        }
    }

    TsvTable table_;
    const Meta& meta_;
    const Events& events_;
    TimeRange times_;
    std::vector<std::int64_t> last_list_with_;  // [items] the latest list with this candidate, or -1
    std::vector<std::int32_t> user_, history_length_, context_, items_;
    std::vector<std::int64_t> time_, offsets_{0};
    std::vector<double> scores_, aux_;
    std::vector<std::int8_t> labels_;
};

}  // namespace psad::data::detail
