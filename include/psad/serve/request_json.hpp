/// \file request_json.hpp
/// Requests and answers as JSON objects, and the columns that a request fills. CMake: psad::data.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/matrix.hpp"
#include "psad/core/text.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/json_reader.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/request.hpp"
#include "psad/serve/reranker.hpp"

namespace psad::inline PSAD_ABI::serve {

/// Owns the columns of one request; reused from request to request.
///
///     {"id": any, "user": [ids] or {"index": u}, "ts": unix seconds, "context": [ids],
///      "history": [{"item": id, "ts": unix seconds, "feedback": id}],
///      "candidates": [{"item": id, "score": number, "aux": number}]}
///
/// `id`, `history`, `feedback`, `score` and `aux` may be left out, and `ts` where there is no history. Events may stand
/// in any order.
class RequestColumns : private data::RecordSink {
  public:
    /// Reads an object, in time linear in its text; throws RequestError naming the place, also for an unknown key.
    /// {"index": u} is looked up in row u of `users` [users, user fields]. Encoder::check tests everything else. The
    /// request is valid until the next read(); `id` is left to the caller.
    Request read(std::string_view json, Matrix<const std::int32_t> users = {}) {
        clear();
        users_ = users;
        try {
            reader_.begin(*this);
            reader_.take_line(json, *this);
        } catch (const DataError& e) {
            throw RequestError(e.source(), e.place(), e.found(), e.wanted());
        }
        return {.user_fields = user_,
                .context = context_,
                .time = time_,
                .history_items = items_of_history_,
                .history_times = times_,
                .history_feedback = feedback_,
                .items = items_,
                .scores = scores_,
                .aux = aux_};
    }

  private:
    enum Level { request, history, candidates };
    /// Columns, and the lists of rows, which the reader takes for columns where they are empty or null.
    enum Key {
        user,
        user_index,
        context,
        ts,
        history_list,
        candidate_list,
        event_item,
        event_ts,
        feedback,
        item,
        score,
        aux,
        keys
    };
    static constexpr std::array<const char*, keys> names{"user",     "user.index", "context", "ts",
                                                         "history",  "candidates", "item",    "ts",
                                                         "feedback", "item",       "score",   "aux"};
    static constexpr std::array<int, 4> first_of{user, event_item, item, keys};  ///< of the keys of a level
    static constexpr std::int64_t max_id = (std::numeric_limits<std::int32_t>::max)();

    void clear() {
        for (auto* c : {&user_, &context_, &items_of_history_, &feedback_, &items_}) c->clear();
        times_.clear();
        scores_.clear();
        aux_.clear();
        events_.clear();
        in_list_ = false;
        time_ = 0;
    }

    // What the reader calls.
    void begin_file(const data::Where& where, double) override { where_ = &where; }
    /// A key that is not known is an error: a misspelt "history" must not pass as a user without one.
    int column(int level, std::string_view name) override {
        const auto l = static_cast<std::size_t>(level);
        for (int k = first_of[l]; k < first_of[l + 1]; ++k) {
            if (name == names[static_cast<std::size_t>(k)]) return k;
        }
        if (level == request && (name == "id" || name.starts_with("id."))) return not_read;
        const bool of_user = level == request && name.starts_with("user.");
        constexpr std::array<const char*, 3> known{"id, user, ts, context, history, candidates", "item, ts, feedback",
                                                   "item, score, aux"};
        fail(of_user ? "user" : "", "the unknown key \"" + printable(of_user ? name.substr(5) : name, 40) + "\"",
             of_user ? "index" : known[l]);
    }
    int list(std::string_view name) override {
        if (name == names[history_list]) return take_key(history_list), history;
        if (name == names[candidate_list]) return take_key(candidate_list), candidates;
        return column(request, name) == not_read ? not_read : (fail(name, "a list of objects", "a list of ids"), 0);
    }
    bool is_list(std::string_view name) const override {
        return name == names[history_list] || name == names[candidate_list];
    }
    void begin_row(int level) override {
        const auto l = static_cast<std::size_t>(level);
        std::fill(has_.begin() + first_of[l], has_.begin() + first_of[l + 1], false);
        if (level == history) events_.push_back({0, 0, 0});
    }
    void take(int key, std::string_view text) override {
        take_key(key);
        switch (key) {
            case user:
                return add_id(key, text, user_);
            case context:
                return add_id(key, text, context_);
            case user_index:
                return look_up(text);
            case ts:
                return set(time_, whole(key, text, -max_time, max_time));
            case event_ts:
                return set(events_.back().time, whole(key, text, -max_time, max_time));
            case event_item:
                return set(events_.back().item, id(key, text));
            case feedback:
                return set(events_.back().feedback, id(key, text));
            case item:
                return add_id(key, text, items_);
            case score:
                return add_number(key, text, scores_);
            case aux:
                return add_number(key, text, aux_);
            default:
                fail(names[static_cast<std::size_t>(key)], printable(text, 40), "a list of objects");
        }
    }
    void take_text(int key, std::string_view text) override {
        refuse(key, printable("\"" + std::string(text.substr(0, 40)) + "\"", 40));
    }
    void take_number(int, double) override {}  // of formats without text
    void take_missing(int key) override {
        if (key != score && key != aux) refuse(key, "null");
        take_key(key);
        (key == score ? scores_ : aux_).push_back(std::numeric_limits<double>::quiet_NaN());
    }
    void begin_values(int key) override {
        take_key(key);
        if (key != user && key != context && key != history_list && key != candidate_list) refuse(key, "a list");
        in_list_ = true;
        index_ = 0;
    }
    void end_values(int) override { in_list_ = false; }
    void end_row(int level) override {
        if (level == candidates) {
            must_have(item, "a candidate with \"item\"");
            for_all_or_none(score, scores_);
            for_all_or_none(aux, aux_);
        } else if (level == history) {
            must_have(event_item, "an event with \"item\"");
            must_have(event_ts, "an event with \"ts\"");
        } else {
            if (!has_[user] && !has_[user_index]) must_have(user, "\"user\" in the request");
            must_have(context, "\"context\" in the request");
            must_have(candidate_list, "\"candidates\" in the request");
            if (!events_.empty()) must_have(ts, "the time of the request, unix seconds");
            sort_history();
        }
    }
    void end_file() override {}

    [[noreturn]] void fail(std::string_view place, const std::string& found, const std::string& wanted) const {
        where_->fail(place, found, wanted);
    }
    /// Refuses what stands at a key.
    [[noreturn]] void refuse(int key, const std::string& found) const {
        constexpr std::array<const char*, keys> wanted{"a list of ids",
                                                       "a row of the known users",
                                                       "a list of ids",
                                                       "unix seconds",
                                                       "a list of events",
                                                       "a list of candidates",
                                                       "an id",
                                                       "unix seconds",
                                                       "an id",
                                                       "an id",
                                                       "a number, or null for a missing one",
                                                       "a number, or null for a missing one"};
        fail(place_of(key), found, in_list_ ? "an id" : wanted[static_cast<std::size_t>(key)]);
    }
    void take_key(int key) { has_[static_cast<std::size_t>(key)] = true; }
    void must_have(int key, const char* what) const {
        if (!has_[static_cast<std::size_t>(key)]) fail(names[static_cast<std::size_t>(key)], "nothing", what);
    }
    /// A column that all candidates have or none has.
    void for_all_or_none(int key, const std::vector<double>& column) const {
        const bool has = has_[static_cast<std::size_t>(key)];
        if (column.size() == (has ? items_.size() : 0)) return;
        const char* name = names[static_cast<std::size_t>(key)];
        fail(name, has ? "a number" : "nothing", std::string(name) + " for all candidates or for none");
    }

    /// "user[2]" within a list of values.
    std::string place_of(int key) const {
        const std::string name = names[static_cast<std::size_t>(key)];
        return in_list_ ? name + "[" + std::to_string(index_) + "]" : name;
    }
    std::int64_t whole(int key, std::string_view text, std::int64_t min, std::int64_t max) const {
        std::int64_t value = 0;
        if (!data::parse_integer(text, value) || value < min || value > max) {
            fail(place_of(key), printable(text, 40),
                 "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
        }
        return value;
    }
    std::int32_t id(int key, std::string_view text) const {
        return static_cast<std::int32_t>(whole(key, text, 0, max_id));
    }
    template <class T>
    static void set(T& to, T value) {
        to = value;
    }
    void add_id(int key, std::string_view text, std::vector<std::int32_t>& to) {
        if ((key == user || key == context) && !in_list_) refuse(key, printable(text, 40));
        to.push_back(id(key, text));
        ++index_;
    }
    void add_number(int key, std::string_view text, std::vector<double>& to) const {
        double value = 0;
        if (text == "true" || text == "false" || !data::parse_feature(text, value)) refuse(key, printable(text, 40));
        to.push_back(value);
    }
    void look_up(std::string_view text) {
        if (users_.rows == 0)
            fail("user", "{\"index\":" + printable(text, 40) + "}",
                 "a list of ids, or known users to look the index up in");
        const auto row = static_cast<int>(whole(user_index, text, 0, std::int64_t{users_.rows} - 1));
        for (int f = 0; f < users_.cols; ++f) user_.push_back(users_(row, f));
    }

    struct Event {
        std::int64_t time;
        std::int32_t item, feedback;
    };
    // Events may come in any order; they are put oldest first.
    void sort_history() {
        const auto earlier = [](const Event& a, const Event& b) { return a.time < b.time; };
        if (!std::ranges::is_sorted(events_, earlier)) std::ranges::stable_sort(events_, earlier);
        for (const Event& e : events_) {
            times_.push_back(e.time);
            items_of_history_.push_back(e.item);
            feedback_.push_back(e.feedback);
        }
    }

    data::JsonReader reader_{"request"};
    const data::Where* where_ = nullptr;
    Matrix<const std::int32_t> users_;
    std::array<bool, keys> has_{};  ///< of the keys, in the rows that are read
    bool in_list_ = false;          ///< of values
    std::size_t index_ = 0;         ///< in it
    std::int64_t time_ = 0;
    std::vector<Event> events_;
    std::vector<std::int32_t> user_, context_, items_of_history_, feedback_, items_;
    std::vector<std::int64_t> times_;
    std::vector<double> scores_, aux_;
};

/// Appends the answer to a request, {"items": [...], "order": positions, best first, "scores": logits}, but for its
/// last brace: the caller may add members. item_text(i) is what stands for the candidate at position i, as JSON.
template <class ItemText>
void append_answer(std::string& to, const Reranked& reranked, ItemText item_text) {
    const auto list = [&](const char* name, const auto& values, auto text_of) {
        to += name;
        for (std::size_t t = 0; t < values.size(); ++t) to += (t > 0 ? "," : "") + text_of(values[t]);
        to += ']';
    };
    list("{\"items\":[", reranked.order, [&](int i) { return std::string(item_text(static_cast<std::size_t>(i))); });
    list(",\"order\":[", reranked.order, [](int i) { return number_text(i); });
    list(",\"scores\":[", reranked.scores, [](float score) { return number_text(score); });
}
/// The same as a whole, with the items' ids.
inline std::string answer_json(const Request& request, const Reranked& reranked) {
    std::string out;
    append_answer(out, reranked, [&](std::size_t i) { return number_text(request.items[i]); });
    return out + "}";
}

}  // namespace psad::serve
