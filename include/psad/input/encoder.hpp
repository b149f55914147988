/// \file encoder.hpp
/// Requests to numbers: the only place where raw columns are interpreted, in training as in serving.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/input/batch.hpp"
#include "psad/input/check_request.hpp"
#include "psad/input/request.hpp"
#include "psad/input/schema.hpp"

namespace psad {

class Encoder {
  public:
    Encoder() = default;
    /// `max_history`: only the latest so many events of a request are read, 1 to most_history. Throws
    /// SettingError otherwise.
    Encoder(Schema schema, Catalog catalog, Statistics statistics, int max_history = 50)
        : schema_(std::move(schema)),
          catalog_(std::move(catalog)),
          statistics_(std::move(statistics)),
          max_history_(max_history) {
        if (max_history < 1 || max_history > most_history) {
            throw SettingError("encoder", "max_history", std::to_string(max_history),
                               "1 to " + std::to_string(most_history));
        }
    }

    const Schema& schema() const { return schema_; }
    const Catalog& catalog() const { return catalog_; }
    const Statistics& statistics() const { return statistics_; }
    int max_history() const { return max_history_; }

    static constexpr int most_history = 10000;  ///< of `max_history`; a request may hold more

    /// Throws RequestError for a request that cannot be encoded (see check_request).
    void check(const Request& r) const { check_request(schema_, r); }

    /// Encodes requests that pass check(). Each list gets min(slots, n) output slots. `batch` is overwritten.
    template <class T>
    void encode(std::span<const Request> requests, int slots, Batch<T>& batch) const {
        batch.profile_fields.resize(schema_.user_fields.size() + schema_.context_fields.size());
        batch.item_fields.resize(1 + schema_.item_fields.size());
        batch.event_fields.resize(1 + schema_.item_fields.size());
        batch.clear();
        for (const Request& r : requests) add(r, slots, batch);
    }

  private:
    template <class T>
    void add(const Request& r, int slots, Batch<T>& b) const {
        const int n = static_cast<int>(r.items.size());
        const auto all = r.history_items.size();
        const std::size_t events = (std::min)(all, static_cast<std::size_t>(max_history_));
        b.layout.add(n, static_cast<int>(events), (std::min)(slots, n));

        for (std::size_t f = 0; f < b.profile_fields.size(); ++f) {
            const std::size_t users = r.user_fields.size();
            b.profile_fields[f].add(
                statistics_.profile_fields[f][f < users ? r.user_fields[f] : r.context[f - users]]);
        }
        for (const std::int32_t item : r.items) add_item(item, b.item_fields);
        for (std::size_t h = 0; h < events; ++h) {  // latest first
            const std::size_t at = all - 1 - h;
            add_item(r.history_items[at], b.event_fields);
            const double age = age_of(r, at);
            b.age.push_back(static_cast<T>(age));
            b.age_bucket.push_back(bucket(age));
            b.event_index.push_back(position(h));
            b.feedback.push_back(static_cast<int>(feedback_of(r, at)));
        }
        for (int i = 0; i < n; ++i) b.rank.push_back((std::min)(rank_positions - 1, i));
        add_dense(r, b);
        const bool touched = add_match(r, events, b);

        const auto history = static_cast<double>(all);
        const double since = all == 0 ? 0.0 : std::log1p(age_of(r, all - 1)) / 10.0;
        for (const double x : {std::log1p(history) / 4.0, since, touched ? 1.0 : 0.0, all == 0 ? 0.0 : 1.0}) {
            b.profile.push_back(static_cast<T>(x));
        }
    }

    static int bucket(double age) {
        return (std::min)(age_buckets - 1, static_cast<int>(std::log2(1.0 + age)));
    }
    static int position(std::size_t h) {
        return static_cast<int>((std::min)(h, std::size_t{event_positions - 1}));
    }

    /// Age of an event at the request, in units of tau0.
    double age_of(const Request& r, std::size_t event) const {
        return (static_cast<double>(r.time) - static_cast<double>(r.history_times[event])) / statistics_.tau0;
    }

    /// Kinds beyond the table count as unknown (0).
    static std::size_t feedback_of(const Request& r, std::size_t event) {
        const std::int32_t kind = r.history_feedback.empty() ? 0 : r.history_feedback[event];
        return kind >= 0 && kind < feedback_kinds ? static_cast<std::size_t>(kind) : 0;
    }

    template <class Fields>
    void add_item(std::int32_t item, Fields& to) const {
        const auto i = static_cast<std::size_t>(item);
        to[0].add(statistics_.items[item]);
        for (std::size_t f = 0; f < catalog_.fields.size(); ++f) {
            if (i < catalog_.items)
                to[f + 1].add(catalog_.fields[f][i], statistics_.item_fields[f]);
            else
                to[f + 1].add(0);
        }
    }

    /// Appends a row, each column at its rate; far outliers are cut.
    template <class Row, class T>
    static void push(const Row& row, const std::vector<float>& rates, std::vector<T>& to) {
        for (std::size_t c = 0; c < row.size(); ++c) {
            to.push_back(static_cast<T>(rates.empty() ? row[c] : bounded(row[c] * rates[c], 8.0f)));
        }
    }
    static float bounded(float x, float limit) { return (std::max)(-limit, (std::min)(limit, x)); }
    static float log_aux(float aux) { return std::log1p((std::max)(aux, 0.0f)); }

    /// (x - mean) / deviation within a list; 0 where all are alike.
    struct ListScale {
        float mean = 0, rate = 0;
        template <class F>
        ListScale(std::size_t n, F x) {
            float sum = 0, squares = 0;
            for (std::size_t i = 0; i < n; ++i) sum += x(i);
            mean = sum / static_cast<float>(n);
            for (std::size_t i = 0; i < n; ++i) squares += (x(i) - mean) * (x(i) - mean);
            const float deviation = std::sqrt(squares / static_cast<float>(n));
            rate = deviation > 1e-6f ? 1.0f / deviation : 0.0f;
        }
        float operator()(float x) const { return bounded((x - mean) * rate, 3.0f); }
    };

    /// Per candidate: its score and `aux` as they are and against the list, above all against candidates
    /// further up; its place.
    template <class T>
    void add_dense(const Request& r, Batch<T>& b) const {
        const std::size_t n = r.items.size();
        const auto aux = [&](std::size_t i) { return r.aux.empty() ? 0.0f : log_aux(r.aux[i]); };
        const auto score = [&](std::size_t i) { return r.scores.empty() ? 0.0f : r.scores[i]; };
        const ListScale aux_scale(n, aux), score_scale(n, score);
        const auto count = static_cast<float>(n);
        float least_above = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const float a = aux(i);
            float lower = 0, lower_above = 0;
            for (std::size_t j = 0; j < n && !r.aux.empty(); ++j) {
                const bool less = r.aux[j] < r.aux[i];
                lower += less ? 1.0f : 0.0f;
                lower_above += less && j < i ? 1.0f : 0.0f;
            }
            const auto place = static_cast<float>(i);
            const std::array<float, dense_width> row = {
                r.scores.empty()
                    ? 0.0f
                    : bounded((score(i) - statistics_.score.mean) * statistics_.score.rate, 5.0f),
                score_scale(score(i)),
                r.aux.empty() ? 0.0f
                              : bounded((a - statistics_.log_aux.mean) * statistics_.log_aux.rate, 5.0f),
                aux_scale(a),
                lower / count,
                i == 0 ? 0.0f : lower_above / place,
                i == 0 ? 0.0f : bounded(a - least_above, 2.0f),
                bounded(a - aux_scale.mean, 2.0f),
                i == 0 ? 0.0f : bounded(a - aux(i - 1), 2.0f),
                i > 0 && a < least_above ? 1.0f : 0.0f,
                place / count,
                1.0f / (1.0f + place),
                std::log1p(place) / 3.0f,
                std::log1p(count) / 4.0f,
                i + 1 == n ? 0.0f : bounded(a - aux(i + 1), 2.0f),
                i + 1 == n ? 0.0f : bounded((score(i) - score(i + 1)) * score_scale.rate, 3.0f),
            };
            push(row, statistics_.dense_rate, b.dense);
            least_above = i == 0 ? a : (std::min)(least_above, a);
        }
    }

    /// What the history says of this very candidate, and where it stands to the candidate touched last. All
    /// zero when the history holds none of the list's candidates. Returns whether it does.
    template <class T>
    bool add_match(const Request& r, std::size_t events, Batch<T>& b) const {
        const std::size_t n = r.items.size(), all = r.history_items.size();
        const std::size_t first_pair = b.match.size();
        b.match.resize(first_pair + n * events);
        std::size_t touched = n, touched_event = events;  // the candidate with the latest match
        for (std::size_t i = 0; i < n; ++i) {
            T* row = b.match.data() + first_pair + i * events;
            for (std::size_t h = 0; h < events; ++h)
                row[h] = r.history_items[all - 1 - h] == r.items[i] ? T(1) : T(0);
            for (std::size_t h = 0; h < touched_event; ++h) {
                if (row[h] != T(0)) touched_event = h, touched = i;
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            const T* row = b.match.data() + first_pair + i * events;
            std::size_t latest = events;
            float count = 0;
            std::array<float, match_width> out = {};
            for (std::size_t h = events; h-- > 0;) {
                if (row[h] == T(0)) continue;
                latest = h;
                count += 1.0f;
                out[10 + feedback_of(r, all - 1 - h)] += 1.0f;
            }
            for (std::size_t k = 10; k < out.size(); ++k) out[k] = std::log1p(out[k]);
            if (latest < events) {
                out[0] = 1.0f;
                out[1] = std::log1p(count);
                out[2] = static_cast<float>(std::log1p(age_of(r, all - 1 - latest))) / 10.0f;
                out[3] = 1.0f / (1.0f + static_cast<float>(latest));
                out[4] = latest == 0 ? 1.0f : 0.0f;
            }
            if (touched < n) {
                const float ahead = static_cast<float>(i) - static_cast<float>(touched);
                out[5] = i == touched ? 1.0f : 0.0f;
                out[6] = ahead > 0 ? 1.0f / ahead : 0.0f;
                out[7] = ahead < 0 ? -1.0f / ahead : 0.0f;
                out[8] = r.aux.empty() ? 0.0f : bounded(log_aux(r.aux[i]) - log_aux(r.aux[touched]), 2.0f);
                out[9] = ahead / static_cast<float>(n);
            }
            push(out, statistics_.match_rate, b.match_dense);
            const bool none = latest == events;
            b.match_feedback.push_back(none ? -1 : static_cast<int>(feedback_of(r, all - 1 - latest)));
            b.match_bucket.push_back(none ? -1 : bucket(age_of(r, all - 1 - latest)));
            b.match_index.push_back(none ? -1 : position(latest));
        }
        b.touched.push_back(touched < n ? T(1) : T(0));
        return touched < n;
    }

    Schema schema_;
    Catalog catalog_;
    Statistics statistics_;
    int max_history_ = 50;
};

}  // namespace psad
