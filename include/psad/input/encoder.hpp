/// \file encoder.hpp
/// Requests to numbers: the only place where raw columns are interpreted, in training as in serving.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/math.hpp"
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
        T* age = grown(b.age, events);
        int* age_bucket = grown(b.age_bucket, events);
        int* event_index = grown(b.event_index, events);
        int* feedback = grown(b.feedback, events);
        for (std::size_t h = 0; h < events; ++h) {  // latest first
            const std::size_t at = all - 1 - h;
            add_item(r.history_items[at], b.event_fields);
            const double units = age_of(r, at);
            age[h] = static_cast<T>(units);
            age_bucket[h] = bucket(units);
            event_index[h] = position(h);
            feedback[h] = static_cast<int>(feedback_of(r, at));
        }
        int* rank = grown(b.rank, r.items.size());
        for (int i = 0; i < n; ++i) rank[i] = (std::min)(rank_positions - 1, i);
        b.log_aux.assign(r.items.size(), 0.0f);
        for (std::size_t i = 0; i < r.aux.size(); ++i) b.log_aux[i] = math::log1p((std::max)(r.aux[i], 0.0f));
        add_dense(r, b);
        const bool touched = add_match(r, events, b);

        const auto history = static_cast<double>(all);
        const double since = all == 0 ? 0.0 : std::log1p(age_of(r, all - 1)) / 10.0;
        for (const double x : {std::log1p(history) / 4.0, since, touched ? 1.0 : 0.0, all == 0 ? 0.0 : 1.0}) {
            b.profile.push_back(static_cast<T>(x));
        }
    }

    /// Room for `count` more numbers.
    template <class U>
    static U* grown(std::vector<U>& column, std::size_t count) {
        column.resize(column.size() + count);
        return column.data() + (column.size() - count);
    }

    /// floor(log2(1 + age)).
    static int bucket(double age) {
        const auto exponent = static_cast<int>(std::bit_cast<std::uint64_t>(1.0 + age) >> 52) - 1023;
        return (std::min)(age_buckets - 1, exponent);
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
        T* out = grown(to, row.size());
        if (rates.empty()) {
            for (std::size_t c = 0; c < row.size(); ++c) out[c] = static_cast<T>(row[c]);
        } else {
            for (std::size_t c = 0; c < row.size(); ++c)
                out[c] = static_cast<T>(bounded(row[c] * rates[c], 8.0f));
        }
    }
    static float bounded(float x, float limit) { return (std::max)(-limit, (std::min)(limit, x)); }

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

    /// How many of the candidates [first, last) have a smaller `aux` than candidate i.
    static float smaller(std::span<const float> aux, std::size_t i, std::size_t first, std::size_t last) {
        if (aux.empty()) return 0.0f;
        int count = 0;
        for (std::size_t j = first; j < last; ++j) count += aux[j] < aux[i] ? 1 : 0;
        return static_cast<float>(count);
    }

    /// Per candidate: its score and `aux` as they are and against the list, above all against candidates
    /// further up; its place.
    template <class T>
    void add_dense(const Request& r, Batch<T>& b) const {
        const std::size_t n = r.items.size();
        const auto aux = [&](std::size_t i) { return b.log_aux[i]; };
        const auto score = [&](std::size_t i) { return r.scores.empty() ? 0.0f : r.scores[i]; };
        const ListScale aux_scale(n, aux), score_scale(n, score);
        const auto count = static_cast<float>(n);
        float least_above = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const float a = aux(i);
            const float lower_above = smaller(r.aux, i, 0, i), lower = lower_above + smaller(r.aux, i, i, n);
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
                math::log1p(place) / 3.0f,
                math::log1p(count) / 4.0f,
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
        const int first_event = static_cast<int>(b.age.size() - events);
        std::size_t touched = n, touched_event = events;  // the candidate with the latest match
        const std::size_t first_match = b.match.bag.size() - 1;
        const std::int32_t* recent = r.history_items.data() + (all - events);
        for (std::size_t i = 0; i < n; ++i) {
            int found = 0;
            for (std::size_t h = 0; h < events; ++h) found += recent[h] == r.items[i] ? 1 : 0;
            for (std::size_t h = 0; h < events && found > 0; ++h) {
                if (recent[events - 1 - h] != r.items[i]) continue;
                --found;
                b.match.ids.push_back(first_event + static_cast<int>(h));
                if (h < touched_event) touched_event = h, touched = i;
            }
            b.match.bag.push_back(static_cast<int>(b.match.ids.size()));
        }
        for (std::size_t i = 0; i < n; ++i) {
            const int first = b.match.bag[first_match + i], last = b.match.bag[first_match + i + 1];
            const bool none = first == last;
            std::array<float, match_width> out = {};
            std::size_t latest = 0, event = 0;  // counted from the latest, and in the history
            for (int m = last; m-- > first;) {
                latest = static_cast<std::size_t>(b.match.ids[static_cast<std::size_t>(m)] - first_event);
                event = all - 1 - latest;
                out[10 + feedback_of(r, event)] += 1.0f;
            }
            if (!none) {
                for (std::size_t k = 10; k < out.size(); ++k) out[k] = math::log1p(out[k]);
                out[0] = 1.0f;
                out[1] = math::log1p(static_cast<float>(last - first));
                out[2] = static_cast<float>(std::log1p(age_of(r, event))) / 10.0f;
                out[3] = 1.0f / (1.0f + static_cast<float>(latest));
                out[4] = latest == 0 ? 1.0f : 0.0f;
            }
            if (touched < n) {
                const float ahead = static_cast<float>(i) - static_cast<float>(touched);
                out[5] = i == touched ? 1.0f : 0.0f;
                out[6] = ahead > 0 ? 1.0f / ahead : 0.0f;
                out[7] = ahead < 0 ? -1.0f / ahead : 0.0f;
                out[8] = r.aux.empty() ? 0.0f : bounded(b.log_aux[i] - b.log_aux[touched], 2.0f);
                out[9] = ahead / static_cast<float>(n);
            }
            push(out, statistics_.match_rate, b.match_dense);
            b.match_feedback.push_back(none ? -1 : static_cast<int>(feedback_of(r, event)));
            b.match_bucket.push_back(none ? -1 : bucket(age_of(r, event)));
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
