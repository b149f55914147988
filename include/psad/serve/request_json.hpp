/// \file request_json.hpp
/// Requests and answers as JSON objects, and the columns that a request fills.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/matrix.hpp"
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
class RequestColumns {
  public:
    /// Reads an object; throws RequestError naming the place, also for an unknown key. {"index": u} is looked up in row
    /// u of `users` [users, user fields]. Encoder::check tests everything else. The request is valid until the next
    /// read(); `id` is left to the caller.
    Request read(const nlohmann::json& line, Matrix<const std::int32_t> users = {}) {
        clear();
        if (!line.is_object())
            throw RequestError("request", "", "something other than an object", "{\"candidates\": [...], ...}");
        refuse_unknown_keys(line, "", {"id", "user", "ts", "context", "history", "candidates"});
        read_user(member(line, "user"), users);
        read_ids(member(line, "context"), "context", context_);
        const nlohmann::json* history = line.contains("history") ? &line["history"] : nullptr;
        if (history != nullptr) read_history(*history);
        const bool timed = line.contains("ts");
        const std::int64_t time = timed ? whole(line["ts"], "ts", -max_time, max_time) : 0;
        if (!timed && !items_of_history_.empty())
            throw RequestError("request", "ts", "nothing", "the time of the request, unix seconds");
        read_candidates(member(line, "candidates"));
        return {.user_fields = user_,
                .context = context_,
                .time = time,
                .history_items = items_of_history_,
                .history_times = times_,
                .history_feedback = feedback_,
                .items = items_,
                .scores = scores_,
                .aux = aux_};
    }

  private:
    static constexpr std::int64_t max_id = (std::numeric_limits<std::int32_t>::max)();

    void clear() {
        for (auto* c : {&user_, &context_, &items_of_history_, &feedback_, &items_}) c->clear();
        times_.clear();
        scores_.clear();
        aux_.clear();
    }

    static std::string shortened(const nlohmann::json& value) {
        const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        return text.size() > 40 ? text.substr(0, 40) + "..." : text;
    }
    /// A key that is not known is an error: a misspelt "history" must not pass as a user without one.
    static void refuse_unknown_keys(const nlohmann::json& object, const std::string& place,
                                    std::initializer_list<std::string_view> known) {
        if (!object.is_object()) return;
        for (const auto& entry : object.items()) {
            if (std::find(known.begin(), known.end(), entry.key()) != known.end()) continue;
            std::string wanted;
            for (const std::string_view k : known) (wanted += wanted.empty() ? "" : ", ") += k;
            throw RequestError("request", place, "the unknown key " + shortened(entry.key()), wanted);
        }
    }
    static const nlohmann::json& member(const nlohmann::json& object, const char* name) {
        if (!object.contains(name))
            throw RequestError("request", name, "nothing", std::string("\"") + name + "\" in the request");
        return object[name];
    }
    static const nlohmann::json& member(const nlohmann::json& object, const char* name, const std::string& place) {
        if (!object.is_object() || !object.contains(name))
            throw RequestError("request", place, shortened(object), std::string("an object with \"") + name + "\"");
        return object[name];
    }
    static std::int64_t whole(const nlohmann::json& value, const std::string& place, std::int64_t min,
                              std::int64_t max) {
        const bool fits = value.is_number_integer() &&
                          !(value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(max));
        if (!fits || value.get<std::int64_t>() < min || value.get<std::int64_t>() > max) {
            throw RequestError("request", place, shortened(value),
                               "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
        }
        return value.get<std::int64_t>();
    }
    static std::int32_t id(const nlohmann::json& value, const std::string& place) {
        return static_cast<std::int32_t>(whole(value, place, 0, max_id));
    }
    static double number(const nlohmann::json& value, const std::string& place) {
        if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
        if (!value.is_number())
            throw RequestError("request", place, shortened(value), "a number, or null for a missing one");
        return value.get<double>();
    }
    static std::string at(const char* what, std::size_t i) { return std::string(what) + "[" + std::to_string(i) + "]"; }

    static void read_ids(const nlohmann::json& list, const char* name, std::vector<std::int32_t>& out) {
        if (!list.is_array()) throw RequestError("request", name, shortened(list), "a list of ids");
        for (std::size_t i = 0; i < list.size(); ++i) out.push_back(id(list[i], at(name, i)));
    }

    void read_user(const nlohmann::json& user, Matrix<const std::int32_t> users) {
        if (!user.is_object()) return read_ids(user, "user", user_);
        refuse_unknown_keys(user, "user", {"index"});
        if (users.rows == 0)
            throw RequestError("request", "user", shortened(user),
                               "a list of ids, or known users to look the index up in");
        const auto row =
            static_cast<int>(whole(member(user, "index", "user"), "user.index", 0, std::int64_t{users.rows} - 1));
        for (int f = 0; f < users.cols; ++f) user_.push_back(users(row, f));
    }

    // Events may come in any order; they are put oldest first.
    void read_history(const nlohmann::json& history) {
        if (!history.is_array()) throw RequestError("request", "history", shortened(history), "a list of events");
        struct Event {
            std::int64_t time;
            std::int32_t item, feedback;
        };
        std::vector<Event> events;
        for (std::size_t h = 0; h < history.size(); ++h) {
            const std::string place = at("history", h);
            refuse_unknown_keys(history[h], place, {"item", "ts", "feedback"});
            const std::int32_t kind = history[h].is_object() && history[h].contains("feedback")
                                          ? id(history[h]["feedback"], place + ".feedback")
                                          : 0;
            events.push_back({whole(member(history[h], "ts", place), place + ".ts", -max_time, max_time),
                              id(member(history[h], "item", place), place + ".item"), kind});
        }
        std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
        for (const Event& e : events) {
            times_.push_back(e.time);
            items_of_history_.push_back(e.item);
            feedback_.push_back(e.feedback);
        }
    }

    void read_candidates(const nlohmann::json& candidates) {
        if (!candidates.is_array())
            throw RequestError("request", "candidates", shortened(candidates), "a list of candidates");
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const std::string place = at("candidates", i);
            refuse_unknown_keys(candidates[i], place, {"item", "score", "aux"});
            items_.push_back(id(member(candidates[i], "item", place), place + ".item"));
            optional(candidates[i], "score", place, i, scores_);
            optional(candidates[i], "aux", place, i, aux_);
        }
    }

    // A column that all candidates have or none has.
    static void optional(const nlohmann::json& candidate, const char* name, const std::string& place, std::size_t i,
                         std::vector<double>& column) {
        const bool has = candidate.contains(name);
        if (i > 0 && has == column.empty()) {
            throw RequestError("request", place + "." + name, has ? "a number" : "nothing",
                               std::string(name) + " for all candidates or for none");
        }
        if (has) column.push_back(number(candidate[name], place + "." + name));
    }

    std::vector<std::int32_t> user_, context_, items_of_history_, feedback_, items_;
    std::vector<std::int64_t> times_;
    std::vector<double> scores_, aux_;
};

/// {"order": positions, best first, "scores": logits, "items": ids}; the caller adds an `id`.
inline nlohmann::json answer_json(const Request& request, const Reranked& reranked) {
    nlohmann::json items = nlohmann::json::array();
    for (const int i : reranked.order) items.push_back(request.items[static_cast<std::size_t>(i)]);
    return {{"order", reranked.order}, {"scores", reranked.scores}, {"items", items}};
}

}  // namespace psad::serve
