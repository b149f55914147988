/// \file encoder.hpp
/// Requests to numbers: the only place where raw columns are interpreted, in training as in serving.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/math.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/candidate_encoder.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/check_catalog.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/dense_row.hpp"
#include "psad/features/match_bags.hpp"
#include "psad/features/neighbour_encoder.hpp"
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
          candidates_(schema_, statistics_),
          max_history_(max_history) {
        set_exposure(std::move(statistics_.exposure));
        if (max_history < 1 || max_history > max_history_limit) {
            raise(SettingError("encoder", "max_history", std::to_string(max_history),
                               "1 to " + std::to_string(max_history_limit)));
        }
        sizes_ = sizes();
    }

    const Schema& schema() const { return schema_; }
    const Catalog& catalog() const { return catalog_; }
    const Statistics& statistics() const { return statistics_; }
    int max_history() const { return max_history_; }
    const CandidateEncoder& candidates() const { return candidates_; }

    /// This encoder with another catalog: items keep their ids, and there may be more of them. Throws SettingError for
    /// one that does not fit the schema; then this one is as it was. That of a model changes by Model::set_catalog.
    Encoder with_catalog(Catalog catalog) && {
        check_catalog(catalog, schema_);
        catalog_ = std::move(catalog);
        return std::move(*this);
    }

    /// Gives candidates whitened columns, or none: see CandidateEncoder and whitening.hpp. To be called before a model
    /// is made of this encoder. Throws SettingError unless the matrix is empty or has a row and a column per feature.
    void set_whitening(std::vector<float> matrix) {
        must_be("whitening", matrix.size(), candidates_.features() * candidates_.features());
        candidates_.set_whitening(std::move(matrix));
        sizes_ = sizes();
    }
    /// Sets the inverse deviations by which derived numbers of candidates and of matches are multiplied, one for each
    /// number, or none at all. Throws SettingError for another number of them.
    void set_scales(std::vector<float> derived_inv_std, std::vector<float> match_inv_std) {
        must_be("scales", derived_inv_std.size(), candidates_.derived());
        must_be("scales", match_inv_std.size(), static_cast<std::size_t>(sizes_.match_columns));
        candidates_.set_scales(derived_inv_std);
        statistics_.derived_inv_std = std::move(derived_inv_std);
        statistics_.match_inv_std = std::move(match_inv_std);
    }
    /// Tells how a page changes feedback: training divides gains by it, and orders keep like candidates apart.
    /// Throws SettingError for one in which Exposure::find_fault finds one.
    void set_exposure(Exposure exposure) {
        if (const auto fault = exposure.find_fault(schema_.item_fields.size(), "encoder")) raise(*fault);
        neighbours_ = NeighbourEncoder(exposure.neighbours);
        statistics_.exposure = std::move(exposure);
    }
    const Exposure& exposure() const { return statistics_.exposure; }

    static constexpr int max_history_limit = 10000;  ///< the largest `max_history`; a request may hold more

    /// Throws RequestError for a request that cannot be encoded (see check_request).
    void check(const Request& r, const RequestRules& rules = {}) const { check_request(schema_, catalog_, r, rules); }
    /// The same as a value: what check() would throw, if anything.
    std::optional<RequestError> find_fault(const Request& r, const RequestRules& rules = {}) const {
        return psad::find_fault(schema_, catalog_, r, rules);
    }
    /// check() of one of many requests, which may share long histories: of those only the events that are read are
    /// looked at.
    void check_one_of_many(const Request& r, const RequestRules& rules = {}) const {
        check_request(schema_, catalog_, r, rules, static_cast<std::size_t>(max_history_));
    }

    /// What a network over this encoder reads.
    const InputSizes& input_sizes() const { return sizes_; }

    /// Encodes requests that pass check(). Each list gets min(positions, n) output positions. `batch` is overwritten.
    template <class T>
    void encode(std::span<const Request> requests, int positions, Batch<T>& batch) const {
        batch.profile_fields.fields.resize(sizes_.profile.size());
        batch.item_fields.fields.resize(sizes_.item.size() + sizes_.candidate.size());
        batch.event_fields.fields.resize(sizes_.item.size() + sizes_.event.size());
        batch.profile_dense.columns = sizes_.profile_columns;
        batch.dense.columns = sizes_.item_columns;
        batch.list_scale.columns = batch.list_shift.columns = sizes_.scaled_columns;
        batch.event_dense.columns = sizes_.event_columns;
        batch.match_dense.columns = sizes_.match_columns;
        neighbours_.set_columns(batch);
        batch.clear();
        for (const Request& r : requests) add(r, positions, batch);
        batch.counts.requests += static_cast<std::int64_t>(requests.size());
    }

  private:
    static void must_be(const char* what, std::size_t found, std::size_t wanted) {
        if (found != 0 && found != wanted)
            raise(
                SettingError("encoder", what, std::to_string(found) + " numbers", std::to_string(wanted) + " or none"));
    }

    InputSizes sizes() const {
        InputSizes s;
        const auto rows = [](const std::vector<Vocabulary>& fields, std::vector<int>& to) {
            for (const Vocabulary& v : fields) to.push_back(v.rows());
        };
        rows(statistics_.profile_fields, s.profile);
        s.item.push_back(statistics_.items.rows());
        rows(statistics_.item_fields, s.item);
        rows(statistics_.candidate_fields, s.candidate);
        rows(statistics_.event_fields, s.event);
        s.profile_columns = row_width<ProfileFeatures> + dense_row::columns(statistics_.user_dense) +
                            dense_row::columns(statistics_.context_dense);
        s.item_columns = static_cast<int>(candidates_.columns());
        s.scaled_columns = static_cast<int>(candidates_.features());
        s.event_columns = dense_row::columns(statistics_.event_dense) + dense_row::columns(statistics_.item_dense);
        s.match_columns = row_width<MatchFeatures> + schema_.feedback_kinds;
        s.feedback_kinds = schema_.feedback_kinds;
        return s;
    }

    template <class T>
    void add(const Request& r, int positions, Batch<T>& b) const {
        const int n = static_cast<int>(r.items.size());
        const std::size_t past = r.past_events();
        const std::size_t events = (std::min)(past, static_cast<std::size_t>(max_history_));
        b.counts.late_events += static_cast<std::int64_t>(r.history_times.size() - past);
        b.counts.cut_events += static_cast<std::int64_t>(past - events);
        b.layout.add(n, static_cast<int>(events), (std::min)(positions, n));

        b.candidate_items.resize(r.size()), b.event_items.resize(events);
        for (std::size_t i = 0; i < r.size(); ++i) b.candidate_items[i] = find_candidate(catalog_, r, i);
        for (std::size_t h = 0; h < events; ++h)
            b.event_items[h] = find_item(catalog_, r, r.history_items[past - 1 - h]);
        const std::size_t users = statistics_.profile_fields.size() - schema_.context_fields.size();
        for (std::size_t f = 0; f < statistics_.profile_fields.size(); ++f) {
            const auto values = f < users ? r.user_fields(0, f) : r.context(0, f - users);
            add_rows(
                1, [&](std::size_t) { return values; }, statistics_.profile_fields[f], b.profile_fields.fields[f],
                b.counts.unknown_values);
        }
        add_items(
            b.candidate_items, r.items, r.candidate_fields, [](std::size_t i) { return i; },
            statistics_.candidate_fields, b.item_fields, b.counts);
        add_events(r, past, events, b);
        int* rank = appended(b.rank, r.items.size());
        for (int i = 0; i < n; ++i) rank[i] = schema_.ordered ? (std::min)(rank_positions - 1, i) : 0;
        const std::size_t matched = add_matches(r, past, events, b);
        candidates_.add_rows(r, matched, b);
        neighbours_.add_rows(r, catalog_, b);
        const bool has_interacted = matched < r.items.size();
        b.has_interacted.push_back(has_interacted ? T(1) : T(0));
        const ProfileFeatures profile{
            .log_events = static_cast<float>(std::log1p(static_cast<double>(past)) / 4.0),
            .log_age = past == 0 ? 0.0f : static_cast<float>(std::log1p(age_of(r, past - 1)) / 10.0),
            .has_interacted = has_interacted ? 1.0f : 0.0f,
            .has_history = past == 0 ? 0.0f : 1.0f};
        T* out = dense_row::put(profile, nullptr, b.profile_dense.append(1));
        out = dense_row::add(r.user_dense, 0, statistics_.user_dense, out, b.counts);
        dense_row::add(r.context_dense, 0, statistics_.context_dense, out, b.counts);
    }

    /// The latest `events` of the first `past` events, latest first.
    template <class T>
    void add_events(const Request& r, std::size_t past, std::size_t events, Batch<T>& b) const {
        add_items(
            b.event_items, r.history_items, r.history_fields, [=](std::size_t h) { return past - 1 - h; },
            statistics_.event_fields, b.event_fields, b.counts);
        T* age = appended(b.age, events);
        int* age_bucket = appended(b.age_bucket, events);
        int* event_index = appended(b.event_index, events);
        int* feedback = appended(b.feedback, events);
        const auto width = static_cast<std::size_t>(b.event_dense.columns);
        T* dense = b.event_dense.append(events);
        for (std::size_t h = 0; h < events; ++h) {
            const std::size_t event = past - 1 - h;
            const double units = age_of(r, event);
            age[h] = static_cast<T>(units);
            age_bucket[h] = bucket(units);
            event_index[h] = index(h);
            feedback[h] = static_cast<int>(feedback_of(r, event));
            b.counts.unknown_kinds += !r.history_feedback.empty() && feedback[h] != r.history_feedback[event] ? 1 : 0;
            if (width == 0) continue;
            T* out = dense_row::add(r.history_dense, event, statistics_.event_dense, dense + h * width, b.counts);
            dense_row::add(b.event_items[h].dense(), statistics_.item_dense, out, b.counts);
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
    std::size_t feedback_of(const Request& r, std::size_t event) const {
        const std::int32_t kind = r.history_feedback.empty() ? 0 : r.history_feedback[event];
        return kind >= 0 && kind < schema_.feedback_kinds ? static_cast<std::size_t>(kind) : 0;
    }

    /// Appends rows: row k has the ids of values_of(k). Counts those that the vocabulary does not know.
    template <class ValuesOf>
    static void add_rows(std::size_t count, ValuesOf values_of, const Vocabulary& vocabulary, BagStorage& to,
                         std::int64_t& unknown) {
        std::size_t end = to.ids.size();
        int* const ends = appended(to.offsets, count);
        for (std::size_t k = 0; k < count; ++k) {
            end += values_of(k).size();
            ends[k] = BagStorage::end_of_row(end);
        }
        int* id = appended(to.ids, end - to.ids.size());
        for (std::size_t k = 0; k < count; ++k) {
            for (const std::int32_t value : values_of(k)) {
                *id = vocabulary[value];
                unknown += *id++ == 0 ? 1 : 0;
            }
        }
    }

    /// Ids and fields of items, then the fields of rows of their own (of candidates, of events). Item k has the id
    /// ids[at(k)] and the row own(at(k)).
    template <class At>
    void add_items(std::span<const CatalogRow> items, std::span<const std::int32_t> ids, const FieldRows& own, At at,
                   const std::vector<Vocabulary>& own_fields, BagListStorage& to, EncodingCounts& counts) const {
        const std::size_t count = items.size();
        static constexpr std::int32_t nothing[] = {-1};  // known of an item, which is no unknown value
        BagStorage* field = to.fields.data();
        add_rows(
            count, [&](std::size_t k) { return ids.subspan(at(k), 1); }, statistics_.items, *field++,
            counts.unknown_items);
        std::int64_t strangers = 0;
        for (std::size_t k = 0; k < count; ++k) {
            counts.unknown_items -= ids[at(k)] < 0 ? 1 : 0;  // no item at all
            strangers += items[k] ? 0 : 1;
        }
        for (std::size_t f = 0; f < statistics_.item_fields.size(); ++f) {
            const auto values_of = [&](std::size_t k) {
                return items[k] ? items[k].field(f) : std::span<const std::int32_t>(nothing);
            };
            add_rows(count, values_of, statistics_.item_fields[f], *field++, counts.unknown_values);
            counts.unknown_values -= strangers;
        }
        for (std::size_t f = 0; f < own_fields.size(); ++f) {
            add_rows(
                count, [&](std::size_t k) { return own(at(k), f); }, own_fields[f], *field++, counts.unknown_values);
        }
    }

    /// Appends all columns of matches. Returns the last matched candidate, n where there is none.
    template <class T>
    std::size_t add_matches(const Request& r, std::size_t past, std::size_t events, Batch<T>& b) const {
        const std::size_t n = r.items.size();
        const int first_event = static_cast<int>(b.age.size() - events);
        const std::size_t first_bag = b.match.offsets.size() - 1;
        const LastMatched last = add_match_bags(r, past, events, first_event, b);
        const float* inv_std = statistics_.match_inv_std.empty() ? nullptr : statistics_.match_inv_std.data();
        const auto width = static_cast<std::size_t>(b.match_dense.columns);
        T* const rows = b.match_dense.append(n);
        for (std::size_t i = 0; i < n; ++i) {
            const int begin = b.match.offsets[first_bag + i], end = b.match.offsets[first_bag + i + 1];
            const bool none = begin == end;
            MatchFeatures f;
            T* const kinds = rows + i * width + row_width<MatchFeatures>;
            std::size_t latest = 0, event = 0;  // counted from the latest, and in the history
            for (int m = end; m-- > begin;) {   // the earliest first: `event` ends as the latest
                latest = static_cast<std::size_t>(b.match.ids[static_cast<std::size_t>(m)] - first_event);
                event = past - 1 - latest;
                kinds[feedback_of(r, event)] += T(1);
            }
            if (!none) {
                for (std::size_t k = 0; k < static_cast<std::size_t>(schema_.feedback_kinds); ++k) {
                    if (kinds[k] == T(0)) continue;
                    kinds[k] = dense_row::scaled<T>(math::log1p(static_cast<float>(kinds[k])),
                                                    inv_std ? inv_std[row_width<MatchFeatures> + k] : 1.0f);
                }
                f.has_match = 1.0f;
                f.log_matches = math::log1p(static_cast<float>(end - begin));
                f.log_age = static_cast<float>(std::log1p(age_of(r, event))) / 10.0f;
                f.recency = 1.0f / (1.0f + static_cast<float>(latest));
                f.is_latest_event = latest == 0 ? 1.0f : 0.0f;
            }
            if (last.candidate < n) {
                f.is_last_matched = i == last.candidate ? 1.0f : 0.0f;
            }
            if (last.candidate < n && schema_.ordered) {
                const float places_below = static_cast<float>(i) - static_cast<float>(last.candidate);
                f.inverse_below = places_below > 0 ? 1.0f / places_below : 0.0f;
                f.inverse_above = places_below < 0 ? -1.0f / places_below : 0.0f;
                f.distance = places_below / static_cast<float>(n);
            }
            dense_row::put(f, inv_std, rows + i * width);
            b.match_feedback.push_back(none ? -1 : static_cast<int>(feedback_of(r, event)));
            b.match_bucket.push_back(none ? -1 : bucket(age_of(r, event)));
            b.match_index.push_back(none ? -1 : index(latest));
        }
        return last.candidate;
    }

    Schema schema_;
    Catalog catalog_;
    Statistics statistics_;
    CandidateEncoder candidates_;
    NeighbourEncoder neighbours_;
    int max_history_ = 50;
    InputSizes sizes_;
};

}  // namespace psad
