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
#include "psad/features/batch.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// Encodes requests by the facts of the training data (fit_encoder). Const use is thread-safe.
class Encoder {
  public:
    Encoder() = default;
    /// `max_history`: only the latest so many events of a request are read, 1 to max_history_limit. Throws
    /// SettingError otherwise.
    Encoder(Schema schema, Catalog catalog, Statistics statistics, int max_history = 50)
        : schema_(std::move(schema)),
          catalog_(std::move(catalog)),
          statistics_(std::move(statistics)),
          max_history_(max_history) {
        if (max_history < 1 || max_history > max_history_limit) {
            throw SettingError("encoder", "max_history", std::to_string(max_history),
                               "1 to " + std::to_string(max_history_limit));
        }
    }

    const Schema& schema() const { return schema_; }
    const Catalog& catalog() const { return catalog_; }
    const Statistics& statistics() const { return statistics_; }
    int max_history() const { return max_history_; }

    /// Sets the inverse deviations by which the numbers of CandidateFeatures and MatchFeatures are multiplied, one for
    /// each number, or none at all.
    void set_scales(std::vector<float> dense_inv_std, std::vector<float> match_inv_std) {
        statistics_.dense_inv_std = std::move(dense_inv_std);
        statistics_.match_inv_std = std::move(match_inv_std);
    }

    static constexpr int max_history_limit = 10000;  ///< the largest `max_history`; a request may hold more

    /// Throws RequestError for a request that cannot be encoded (see check_request).
    void check(const Request& r) const { check_request(schema_, r); }

    /// Encodes requests that pass check(). Each list gets min(positions, n) output positions. `batch` is overwritten.
    template <class T>
    void encode(std::span<const Request> requests, int positions, Batch<T>& batch) const {
        batch.profile_fields.fields.resize(schema_.user_fields.size() + schema_.context_fields.size());
        batch.item_fields.fields.resize(1 + schema_.item_fields.size());
        batch.event_fields.fields.resize(1 + schema_.item_fields.size());
        batch.clear();
        for (const Request& r : requests) add(r, positions, batch);
    }

  private:
    template <class T>
    void add(const Request& r, int positions, Batch<T>& b) const {
        const int n = static_cast<int>(r.items.size());
        const auto all = r.history_items.size();
        const std::size_t events = (std::min)(all, static_cast<std::size_t>(max_history_));
        b.layout.add(n, static_cast<int>(events), (std::min)(positions, n));

        for (std::size_t f = 0; f < b.profile_fields.fields.size(); ++f) {
            const std::size_t users = r.user_fields.size();
            b.profile_fields.fields[f].add(
                statistics_.profile_fields[f][f < users ? r.user_fields[f] : r.context[f - users]]);
        }
        for (const std::int32_t item : r.items) add_item(item, b.item_fields);
        add_events(r, events, b);
        int* rank = appended(b.rank, r.items.size());
        for (int i = 0; i < n; ++i) rank[i] = (std::min)(rank_positions - 1, i);
        b.log_aux.assign(r.items.size(), 0.0f);
        for (std::size_t i = 0; i < r.aux.size(); ++i) b.log_aux[i] = math::log1p((std::max)(r.aux[i], 0.0f));
        add_candidates(r, b);
        const bool has_interacted = add_matches(r, events, b);
        b.has_interacted.push_back(has_interacted ? T(1) : T(0));
        const ProfileFeatures profile{
            .log_events = static_cast<float>(std::log1p(static_cast<double>(all)) / 4.0),
            .log_age = all == 0 ? 0.0f : static_cast<float>(std::log1p(age_of(r, all - 1)) / 10.0),
            .has_interacted = has_interacted ? 1.0f : 0.0f,
            .has_history = all == 0 ? 0.0f : 1.0f};
        append(profile, {}, b.profile);
    }

    /// The latest `events` events, latest first.
    template <class T>
    void add_events(const Request& r, std::size_t events, Batch<T>& b) const {
        T* age = appended(b.age, events);
        int* age_bucket = appended(b.age_bucket, events);
        int* event_index = appended(b.event_index, events);
        int* feedback = appended(b.feedback, events);
        for (std::size_t h = 0; h < events; ++h) {
            const std::size_t event = r.history_items.size() - 1 - h;
            add_item(r.history_items[event], b.event_fields);
            const double units = age_of(r, event);
            age[h] = static_cast<T>(units);
            age_bucket[h] = bucket(units);
            event_index[h] = index(h);
            feedback[h] = static_cast<int>(feedback_of(r, event));
        }
    }

    /// Where the last `count` numbers of a column begin, after it has grown by them.
    template <class U>
    static U* appended(std::vector<U>& column, std::size_t count) {
        column.resize(column.size() + count);
        return column.data() + (column.size() - count);
    }

    /// floor(log2(1 + age)).
    static int bucket(double age) {
        const auto exponent = static_cast<int>(std::bit_cast<std::uint64_t>(1.0 + age) >> 52) - 1023;
        return (std::min)(age_buckets - 1, exponent);
    }
    static int index(std::size_t h) { return static_cast<int>((std::min)(h, std::size_t{event_positions - 1})); }

    /// Age of an event at the request, in units of tau0.
    double age_of(const Request& r, std::size_t event) const {
        return (static_cast<double>(r.time) - static_cast<double>(r.history_times[event])) / statistics_.tau0;
    }

    /// Kinds beyond the table count as unknown (0).
    static std::size_t feedback_of(const Request& r, std::size_t event) {
        const std::int32_t kind = r.history_feedback.empty() ? 0 : r.history_feedback[event];
        return kind >= 0 && kind < feedback_kinds ? static_cast<std::size_t>(kind) : 0;
    }

    void add_item(std::int32_t item, BagListStorage& to) const {
        const auto i = static_cast<std::size_t>(item);
        to.fields[0].add(statistics_.items[item]);
        for (std::size_t f = 0; f < catalog_.fields.size(); ++f) {
            if (i < catalog_.items)
                to.fields[f + 1].add(catalog_.fields[f][i], statistics_.item_fields[f]);
            else
                to.fields[f + 1].add(0);
        }
    }

    /// Appends a row, each number by its inverse deviation (none where `inv_std` is empty); outliers are cut, so that
    /// one of them can't drown the rest of a sum.
    template <class Row, class T>
    static void append(const Row& row, const std::vector<float>& inv_std, std::vector<T>& to) {
        std::array<float, static_cast<std::size_t>(row_width<Row>())> numbers;  // side by side: vector instructions
        float* next = numbers.data();
        Row::for_each_number([&](const char*, float x) { *next++ = x; }, row);
        T* out = appended(to, numbers.size());
        for (std::size_t c = 0; c < numbers.size(); ++c)
            out[c] = static_cast<T>(inv_std.empty() ? numbers[c] : bounded(numbers[c] * inv_std[c], 8.0f));
    }
    static float bounded(float x, float limit) { return (std::max)(-limit, (std::min)(limit, x)); }

    /// (x - mean) / deviation within a list; 0 where all are alike.
    struct ListScale {
        float mean = 0, inv_std = 0;
        template <class F>
        ListScale(std::size_t n, F x) {
            float sum = 0, squares = 0;
            for (std::size_t i = 0; i < n; ++i) sum += x(i);
            mean = sum / static_cast<float>(n);
            for (std::size_t i = 0; i < n; ++i) squares += (x(i) - mean) * (x(i) - mean);
            const float deviation = std::sqrt(squares / static_cast<float>(n));
            inv_std = deviation > 1e-6f ? 1.0f / deviation : 0.0f;
        }
        float operator()(float x) const { return bounded((x - mean) * inv_std, 3.0f); }
    };

    /// How many of the candidates [first, last) have a smaller `aux` than candidate i.
    static float smaller(std::span<const float> aux, std::size_t i, std::size_t first, std::size_t last) {
        if (aux.empty()) return 0.0f;
        int count = 0;
        for (std::size_t j = first; j < last; ++j) count += aux[j] < aux[i] ? 1 : 0;
        return static_cast<float>(count);
    }

    /// (x - mean) / deviation over the training lists.
    static float standardised(float x, const Scaling& s) { return bounded((x - s.mean) * s.inv_std, 5.0f); }

    template <class T>
    void add_candidates(const Request& r, Batch<T>& b) const {
        const std::size_t n = r.items.size();
        const auto aux = [&](std::size_t i) { return b.log_aux[i]; };
        const auto score = [&](std::size_t i) { return r.scores.empty() ? 0.0f : r.scores[i]; };
        const ListScale aux_scale(n, aux), score_scale(n, score);
        const auto count = static_cast<float>(n);
        float smallest = 0;  // aux of the candidates further up
        for (std::size_t i = 0; i < n; ++i) {
            const float a = aux(i), below_above = smaller(r.aux, i, 0, i);
            const auto position = static_cast<float>(i);
            CandidateFeatures f;
            if (!r.scores.empty()) f.score = standardised(score(i), statistics_.score);
            f.score_in_list = score_scale(score(i));
            if (!r.aux.empty()) f.aux = standardised(a, statistics_.log_aux);
            f.aux_in_list = aux_scale(a);
            f.aux_below = (below_above + smaller(r.aux, i, i, n)) / count;
            f.aux_minus_mean = bounded(a - aux_scale.mean, 2.0f);
            if (i > 0) {
                f.aux_smaller_above = below_above / position;
                f.aux_minus_smallest = bounded(a - smallest, 2.0f);
                f.aux_minus_previous = bounded(a - aux(i - 1), 2.0f);
                f.aux_is_smallest = a < smallest ? 1.0f : 0.0f;
            }
            f.position = position / count;
            f.inverse_position = 1.0f / (1.0f + position);
            f.log_position = math::log1p(position) / 3.0f;
            f.log_candidates = math::log1p(count) / 4.0f;
            if (i + 1 < n) {
                f.aux_minus_next = bounded(a - aux(i + 1), 2.0f);
                f.score_minus_next = bounded((score(i) - score(i + 1)) * score_scale.inv_std, 3.0f);
            }
            append(f, statistics_.dense_inv_std, b.dense);
            smallest = i == 0 ? a : (std::min)(smallest, a);
        }
    }

    /// The listed candidate that the user interacted with last.
    struct LastMatched {
        std::size_t candidate, event;  ///< the event counted from the latest
    };

    /// Appends for each candidate the rows of the events on it, latest first. Returns the last matched candidate;
    /// (n, events) where there is none.
    template <class T>
    static LastMatched add_match_bags(const Request& r, std::size_t events, int first_event, Batch<T>& b) {
        LastMatched last{r.items.size(), events};
        const std::int32_t* recent = r.history_items.data() + (r.history_items.size() - events);
        for (std::size_t i = 0; i < r.items.size(); ++i) {
            int left = 0;
            for (std::size_t h = 0; h < events; ++h) left += recent[h] == r.items[i] ? 1 : 0;
            for (std::size_t h = 0; h < events && left > 0; ++h) {
                if (recent[events - 1 - h] != r.items[i]) continue;
                --left;
                b.match.ids.push_back(first_event + static_cast<int>(h));
                if (h < last.event) last = {i, h};
            }
            b.match.end_row();
        }
        return last;
    }

    /// Appends all columns of matches. Returns whether the history holds a candidate of the list.
    template <class T>
    bool add_matches(const Request& r, std::size_t events, Batch<T>& b) const {
        const std::size_t n = r.items.size(), all = r.history_items.size();
        const int first_event = static_cast<int>(b.age.size() - events);
        const std::size_t first_bag = b.match.offsets.size() - 1;
        const LastMatched last = add_match_bags(r, events, first_event, b);
        for (std::size_t i = 0; i < n; ++i) {
            const int begin = b.match.offsets[first_bag + i], end = b.match.offsets[first_bag + i + 1];
            const bool none = begin == end;
            MatchFeatures f;
            std::size_t latest = 0, event = 0;  // counted from the latest, and in the history
            for (int m = end; m-- > begin;) {   // the earliest first: `event` ends as the latest
                latest = static_cast<std::size_t>(b.match.ids[static_cast<std::size_t>(m)] - first_event);
                event = all - 1 - latest;
                f.log_kind[feedback_of(r, event)] += 1.0f;
            }
            if (!none) {
                for (float& x : f.log_kind) x = math::log1p(x);
                f.has_match = 1.0f;
                f.log_matches = math::log1p(static_cast<float>(end - begin));
                f.log_age = static_cast<float>(std::log1p(age_of(r, event))) / 10.0f;
                f.recency = 1.0f / (1.0f + static_cast<float>(latest));
                f.is_latest_event = latest == 0 ? 1.0f : 0.0f;
            }
            if (last.candidate < n) {
                const float places_below = static_cast<float>(i) - static_cast<float>(last.candidate);
                f.is_last_matched = i == last.candidate ? 1.0f : 0.0f;
                f.inverse_below = places_below > 0 ? 1.0f / places_below : 0.0f;
                f.inverse_above = places_below < 0 ? -1.0f / places_below : 0.0f;
                f.aux_minus_matched = r.aux.empty() ? 0.0f : bounded(b.log_aux[i] - b.log_aux[last.candidate], 2.0f);
                f.distance = places_below / static_cast<float>(n);
            }
            append(f, statistics_.match_inv_std, b.match_dense);
            b.match_feedback.push_back(none ? -1 : static_cast<int>(feedback_of(r, event)));
            b.match_bucket.push_back(none ? -1 : bucket(age_of(r, event)));
            b.match_index.push_back(none ? -1 : index(latest));
        }
        return last.candidate < n;
    }

    Schema schema_;
    Catalog catalog_;
    Statistics statistics_;
    int max_history_ = 50;
};

}  // namespace psad
