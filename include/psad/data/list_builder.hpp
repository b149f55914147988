/// \file list_builder.hpp
/// Makes requests of the rows of files, by a schema.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/data/candidate_row.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/column_roles.hpp"
#include "psad/data/event_rows.hpp"
#include "psad/data/request_block.hpp"
#include "psad/data/role_sink.hpp"
#include "psad/data/side_tables.hpp"
#include "psad/data/source.hpp"
#include "psad/data/user_row.hpp"

namespace psad::inline PSAD_ABI::data {

/// Takes requests (level 0) with lists of candidates and events within. A candidate's row may begin before that of its
/// request: it belongs to the request in which it ends. Every fault names file, row and column.
class ListBuilder final : public RoleSink {
  public:
    /// Tables may be null; what is borrowed must outlive the source. `labels`: columns that count alone.
    ListBuilder(Names& names, const UserTable* users, const EventTable* events, std::vector<LabelColumn> labels = {})
        : RoleSink(names),
          schema_(&names.schema()),
          candidates_(candidates_of(*schema_)),
          users_(users),
          events_(events),
          label_columns_(std::move(labels)),
          knows_items_(names.knows_items()),
          history_name_(schema_->history + " (or --events)") {
        add_request_roles(*schema_, label_columns_, reads_history(), roles_);
        user_row_ = UserRow(schema_->of_user);
        candidate_ = CandidateRow(*schema_, label_columns_.size());
        new_events_ = EventRows(schema_->of_event);
        start_block();
    }

    void begin_file(const Where& where, double absent) override {
        read_from(where);
        absent_ = schema_->absent_is_zero ? 0 : absent;
        any_events_ = has_history_ = false, requests_before_ = joins_.requests;
        file_ = source_.add_file(where.source());
    }
    int column(int level, std::string_view name) override {
        if (level == 0 && (name == candidates_ || name == schema_->history)) {  // a list without rows
            note_history(name);
            return not_read;
        }
        return roles_.find(level, name);
    }
    int list(std::string_view name) override {
        if (name == candidates_) return candidate_level;
        note_history(name);
        if (reads_history() && name == schema_->history) return event_level;
        if (name != schema_->history) roles_.note_unread(name);
        return not_read;
    }
    bool is_list(std::string_view name) const override {
        return name == candidates_ || (reads_history() && name == schema_->history);
    }
    void note_unread(std::string_view name) { roles_.note_unread(name); }

    void begin_row(int level) override {
        if (level == 0) {
            begin_request();
        } else if (level == candidate_level) {
            candidate_.begin(absent_);
        } else {
            new_events_.begin();
        }
    }
    void end_row(int level) override {
        if (level == event_level) {
            if (!new_events_.now.has_time) where_->fail(schema_->event_time, "nothing", "the time of the event");
            new_events_.end();
            count_cells(per_row), count(new_events_.cells, 2);  // read, and put in order
        } else if (level == candidate_level) {
            end_candidate();
        } else {
            finish_request();
        }
    }
    void end_file() override {
        if (joins_.requests == requests_before_) return end_reading();  // all were left out
        for (ColumnRole& r : roles_.all()) {
            const bool all_absent = (r.role == Role::dense || is_feedback(r.role)) && !std::isnan(absent_);
            if (r.seen || all_absent || may_lack(r) || std::exchange(r.lacked, true)) continue;
            lacking_.push_back({r.name, where_->source(), &r, is_input(r)});
        }
        if (reads_history() && !has_history_) lacking_.push_back({history_name_, where_->source(), nullptr, true});
        end_reading();
    }

    /// The requests that were read since the last call.
    Source take_source() {
        close_block();
        count_anew();
        *new_items_ = names_->new_items();
        source_.keep(std::exchange(new_items_, std::make_shared<Catalog>()));
        if (!label_columns_.empty()) taken_gains_ = label_columns_[0].gains.size();
        return std::exchange(source_, Source());
    }
    /// Forgets what was read since then: a row may have failed halfway.
    void discard() {
        cells_.end_list();
        count_anew();
        for (LabelColumn& l : label_columns_) l.gains.resize(taken_gains_);
        source_ = Source();
        start_block();
    }
    void forget_columns() {
        roles_.forget_files();
        lacking_.clear();
    }
    const JoinCounts& joins() const { return joins_; }
    /// Columns of labels that no file had.
    std::set<std::string, std::less<>> missing_labels() const { return roles_.missing_labels(); }
    /// Those that count alone, of all requests that were taken.
    std::vector<LabelColumn> take_label_columns() { return std::move(label_columns_); }
    /// Columns and files, in the order of the files. The texts live as long as the builder.
    const std::vector<Lack>& lacking() const { return lacking_; }
    /// Whether another file had the column.
    bool has_seen(const Lack& lack) const { return lack.role != nullptr ? lack.role->ever_seen : has_ever_history_; }
    const std::set<std::string, std::less<>>& unread() const { return roles_.unread(); }

  private:
    static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    static constexpr std::size_t block_bytes = std::size_t{1} << 24;

    bool reads_history() const { return events_ == nullptr && !schema_->event_time.empty(); }
    void note_history(std::string_view name) {
        has_history_ |= name == schema_->history;
        has_ever_history_ |= has_history_;
        joins_.own_history |= has_history_ && events_ != nullptr;
    }
    bool is_input(const ColumnRole& r) const {
        const bool joins = r.role == Role::user && (users_ != nullptr || events_ != nullptr);
        return joins || is_cell(r.role) || r.role == Role::event_kind || r.role == Role::item;
    }
    /// What stands in tables beside the requests, or is not there when serving.
    bool may_lack(const ColumnRole& r) const {
        if (is_label(r.role) || r.role == Role::teacher_score) return !is_feedback(r.role);
        if (r.group == Group::item) return knows_items_;
        if (r.group == Group::event) return events_ != nullptr || !any_events_;
        return r.group == Group::user && users_ != nullptr && users_->columns.contains(r.name);
    }

    GroupRows& row_of(const ColumnRole& r) override {
        switch (r.group) {
            case Group::user:
                return user_row_.cell(r);
            case Group::context:
                return block_->context;
            case Group::candidate:
                return candidate_.cells;
            case Group::item:
                candidate_.has_item_cells = true;
                return candidate_.item_cells;
            default:
                return new_events_.cells;
        }
    }
    GroupRows& row_of_missing(const ColumnRole& r) override {
        if (r.group == Group::user) return user_row_.missing_cell(r);
        // That nothing is known of an item is nothing known.
        return r.group == Group::item ? candidate_.item_cells : row_of(r);
    }
    void take_own(const ColumnRole& c, std::string_view text) override {
        switch (c.role) {
            case Role::id:
                request_.id = text;
                return;
            case Role::user:
                user_ = is_missing_name(text) ? "" : text;
                return;
            case Role::item:
                (c.group == Group::event ? new_events_.now.item : candidate_.item) = name_of_item(text);
                return;
            case Role::event_kind:
                new_events_.now.kind = is_missing_name(text) ? 0 : names_->kind(text);
                return;
            case Role::time:
                return take_time(c, text);
            case Role::weight:
                return take_weight(c, text);
            default:
                candidate_.take(c, text, *where_);
        }
    }
    std::int32_t name_of_item(std::string_view text) { return is_missing_name(text) ? -1 : names_->item(text); }
    void take_time(const ColumnRole& c, std::string_view text) {
        std::int64_t& time = c.group == Group::event ? new_events_.now.time : request_.time;
        if (!parse_time(text, time)) where_->fail(c.name, in_quotes(text), wanted_time);
        (c.group == Group::event ? new_events_.now.has_time : has_time_) = true;
    }
    void take_weight(const ColumnRole& c, std::string_view text) {
        double x = 0;
        if (is_missing_number(text)) return;
        if (!parse_cell(text, x) || !(x >= 0 && x <= 1e9))
            where_->fail(c.name, in_quotes(text), "a number from 0 to 1e9");
        request_.weight = static_cast<float>(x);
    }

    void begin_request() {
        request_ = {};
        request_.file = file_, request_.line = where_->row();
        user_.clear();
        has_time_ = false;
        user_row_.begin(absent_);
        block_->context.begin_row(absent_);
        request_.first = block_->items.size();
        labels_ = propensities_ = teacher_scores_ = 0;
        positions_.clear(), items_.clear();
        new_events_.clear();
    }
    void end_candidate() {
        CandidateRow& c = candidate_;
        c.cells.end_row();
        count_cells(per_candidate), count(c.cells);
        // Of an item that is not known they are read, and put into a catalog.
        if (c.has_item_cells) c.item_cells.end_row(), count(c.item_cells, 2), must_not_be_crowded(c.item_cells);
        RequestBlock& b = *block_;
        if (c.item >= 0 && !items_.add(c.item))
            where_->fail(schema_->item, in_quotes(names_->item_name(c.item)) + " twice", "each item of a request once");
        b.candidates.begin_row(c.cells, 0);
        b.candidates.end_row();
        b.items.push_back(c.item);
        if (b.items.size() - request_.first > static_cast<std::size_t>(max_candidates))
            where_->fail("", "more candidates", "at most " + std::to_string(max_candidates));
        ++joins_.candidates;
        joins_.items += names_->has_row(c.item) ? 1 : 0;
        joins_.without_item += c.item < 0 && !schema_->item.empty() ? 1 : 0;
        b.new_item_rows.push_back(c.has_item_cells ? names_->say(c.item, c.item_cells) : -1);
        labels_ += std::isnan(c.label) ? 0 : 1;
        if (schema_->gain.grade.empty())
            b.gains.push_back(static_cast<float>(c.label));
        else
            b.grades.push_back(std::isnan(c.label) ? std::int8_t{0} : static_cast<std::int8_t>(c.label));
        propensities_ += std::isnan(c.propensity) ? 0 : 1;
        if (!schema_->propensity.empty()) b.propensities.push_back(static_cast<float>(c.propensity));
        teacher_scores_ += std::isnan(c.teacher_score) ? 0 : 1;
        if (!schema_->teacher_score.empty()) b.teacher_scores.push_back(static_cast<float>(c.teacher_score));
        positions_.push_back(c.position);
        count_cells(static_cast<long long>(label_columns_.size()),
                    "fewer columns to judge by, named by --labels, fewer rows, or a larger limit: --max-cells");
        for (std::size_t l = 0; l < label_columns_.size(); ++l) label_columns_[l].gains.push_back(c.labels_alone[l]);
    }
    /// The row that begins the request: its end is known only where the next begins.
    [[noreturn]] void fail_request(std::string_view column, const std::string& found, const std::string& wanted) const {
        throw DataError(where_->source(), where_->place_of(request_.line, column), found, wanted);
    }
    void finish_request() {
        const std::size_t n = block_->items.size() - request_.first;
        if (n == 0) fail_request(candidates_, "no candidates", "at least one");
        const auto all_or_none = [&](std::size_t count, const std::string& column) {
            if (count != 0 && count != n)
                fail_request("",
                             "the column " + column + " of " + std::to_string(count) + " of " + std::to_string(n) +
                                 " candidates",
                             "it of all or of none");
            return count == n;
        };
        request_.candidates = n;
        const GainRule& rule = schema_->gain;
        request_.has_labels = !rule.kinds.empty() || all_or_none(labels_, rule.grade.empty() ? rule.gain : rule.grade);
        request_.has_propensities = all_or_none(propensities_, schema_->propensity);
        if (names_->learns()) request_.has_teacher_scores = all_or_none(teacher_scores_, schema_->teacher_score);
        if (request_.has_labels && schema_->gain.grade.empty()) {
            for (float& g : std::span(block_->gains).last(n)) g = std::isnan(g) ? 0 : g;
        }
        if (!has_time_ && !schema_->time.empty()) fail_request(schema_->time, "nothing", "the time of the request");
        ++joins_.requests;
        block_->context.end_row();
        count_list(request_.id), count_new_items();
        count(block_->context), count(user_row_.cells);
        add_user();
        block_->add_shown(shown_order(positions_), request_);
        add_events();
        block_->add(request_);
        if (block_->bytes() > block_bytes) close_block();
    }
    void add_user() {
        const std::int32_t known = users_ != nullptr ? users_->names.find(user_) : -1;
        joins_.users += known >= 0 ? 1 : 0;
        user_row_.add_to(block_->user, users_ != nullptr ? &users_->rows : nullptr, known);
        if (known >= 0) count_copy(block_->user);
    }
    void add_events() {
        if (events_ != nullptr) {
            const auto [first, last] = events_->before(user_, request_.time);
            request_.first_event = first;
            request_.events = last - first;
            joins_.with_events += last > first ? 1 : 0;
            return;
        }
        any_events_ = any_events_ || !new_events_.empty();
        new_events_.add_to(*block_, request_);
    }

    void start_block() { block_ = std::make_shared<RequestBlock>(*schema_); }
    void close_block() {
        block_->make_requests(source_, events_, new_items_.get());
        source_.keep(block_);
        start_block();
    }

    const DataSchema* schema_;
    std::string candidates_;  ///< the list of them
    const UserTable* users_;
    const EventTable* events_;
    std::vector<LabelColumn> label_columns_;
    std::size_t taken_gains_ = 0, requests_before_ = 0;  ///< of requests that were taken; before the file that is read
    bool knows_items_;                                   ///< before the first request
    double absent_ = nan;                                ///< what a number is that a row does not name
    Source source_;
    std::uint32_t file_ = 0;  ///< that is read
    std::shared_ptr<RequestBlock> block_;
    std::shared_ptr<Catalog> new_items_ = std::make_shared<Catalog>();
    std::string history_name_;  ///< what is lacking where requests bring no events and there is no table of them
    std::vector<Lack> lacking_;
    JoinCounts joins_;
    bool any_events_ = false, has_time_ = false;
    bool has_history_ = false, has_ever_history_ = false;  ///< the list, in the file that is read and in any

    // The request that is read.
    RequestSpan request_;
    std::string user_;
    UserRow user_row_;
    std::size_t labels_ = 0, propensities_ = 0, teacher_scores_ = 0;
    std::vector<double> positions_;
    DistinctItems items_;
    EventRows new_events_;
    CandidateRow candidate_;
};

}  // namespace psad::data
