/// \file fit_encoder.hpp
/// Learns an encoder's statistics from training requests alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/hash_key.hpp"
#include "psad/core/rng.hpp"
#include "psad/core/setting.hpp"
#include "psad/features/check_catalog.hpp"
#include "psad/features/encoder.hpp"

namespace psad::inline PSAD_ABI {

struct EncoderSettings {
    int max_history = 50;
    int min_count = 20;

    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"max_history", "Events read per request", 1, Encoder::max_history_limit}, self.max_history);
        visit(Setting{"min_count", "Ids and values in fewer training lists share the row of the unknown", 1},
              self.min_count);
    }
};

namespace fit_detail {

/// Mean and deviation of a stream of numbers.
struct RunningMoments {
    double n = 0, sum = 0, squares = 0;
    void add(double x) { n += 1, sum += x, squares += x * x; }
    /// 1 / deviation; 1 where all are alike.
    float inv_std() const {
        if (n < 2) return 1;
        const double mean = sum / n, variance = squares / n - mean * mean;
        return variance > 1e-12 ? static_cast<float>(1.0 / std::sqrt(variance)) : 1.0f;
    }
};

/// In how many lists each value of a field occurs, from `first` on: value 0 of a field is the unknown itself, and has
/// row 0 however often it occurs. Takes memory by the number of values that occur.
class ValueCounts {
  public:
    /// Values lie below `end`.
    template <class Size>
    explicit ValueCounts(Size end, std::int32_t first = 1) : first_(first), end_(static_cast<std::int32_t>(end)) {}

    /// Lists are numbered from 1, rising.
    void add(std::int32_t value, int list) {
        if (value < first_ || value >= end_) return;
        Slot* slot = &find(value);
        if (slot->count == 0) {
            if (3 * ++taken_ > 2 * slots_.size()) grow(), slot = &find(value);
            slot->value = value;
        }
        if (slot->last_list == list) return;
        slot->last_list = list;
        ++slot->count;
    }

    Vocabulary vocabulary(int min_count) const {
        std::vector<std::int32_t> values;
        for (const Slot& s : slots_) {
            if (s.count >= min_count) values.push_back(s.value);
        }
        std::ranges::sort(values);
        return Vocabulary(values);
    }

  private:
    struct Slot {
        std::int32_t value = 0;
        int count = 0;  ///< 0: a free slot
        int last_list = 0;
    };

    /// Where a value stands, or the free slot where it would.
    Slot& find(std::int32_t value) {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = static_cast<std::size_t>(rng::mix(static_cast<std::uint64_t>(value) ^ hash_key())) & mask;
        while (slots_[at].count > 0 && slots_[at].value != value) at = (at + 1) & mask;
        return slots_[at];
    }
    void grow() {
        std::vector<Slot> before(2 * slots_.size());
        std::swap(before, slots_);
        for (const Slot& s : before) {
            if (s.count > 0) find(s.value) = s;
        }
    }

    std::int32_t first_, end_;
    std::vector<Slot> slots_ = std::vector<Slot>(64);  ///< by hash, open addressing
    std::size_t taken_ = 0;
};

inline std::vector<Vocabulary> vocabularies(const std::vector<ValueCounts>& fields, int min_count) {
    std::vector<Vocabulary> out;
    for (const ValueCounts& f : fields) out.push_back(f.vocabulary(min_count));
    return out;
}

/// Gathers the statistics of the raw columns, list by list.
class StatisticsBuilder {
  public:
    StatisticsBuilder(const Schema& schema, const Catalog& catalog, const EncoderSettings& settings)
        : catalog_(catalog), settings_(settings), items_(catalog.items, 0) {
        const auto count = [](const std::vector<FieldSchema>& fields, std::vector<ValueCounts>& to) {
            for (const FieldSchema& f : fields) to.emplace_back(f.vocabulary);
        };
        count(schema.item_fields, item_fields_);
        count(schema.user_fields, profile_fields_);
        users_ = profile_fields_.size();
        count(schema.context_fields, profile_fields_);
        count(schema.candidate_fields, candidate_fields_);
        count(schema.event_fields, event_fields_);
        // Where there are thousands of features, their samples together take no more memory than those of 256.
        const std::size_t features = schema.user_dense.size() + schema.context_dense.size() + schema.item_dense.size() +
                                     schema.event_dense.size() + schema.candidate_dense.size();
        const FeatureSample empty(FeatureSample::usual_size * 256 / (std::max)(features, std::size_t{256}));
        user_dense_.resize(schema.user_dense.size(), empty);
        context_dense_.resize(schema.context_dense.size(), empty);
        item_dense_.resize(schema.item_dense.size(), empty);
        event_dense_.resize(schema.event_dense.size(), empty);
        for (const DenseFeature& f : schema.candidate_dense) candidate_dense_.emplace_back(f.name, empty);
    }

    void add(const Request& r) {
        ++list_;
        const std::size_t h = r.past_events(), first = h - (std::min)(h, history());
        add_gaps(r.history_times.first(h));
        for (std::size_t i = 0; i < r.size(); ++i) {
            add_item(r, r.items[i]);
            add_values(r.candidate_fields, i, candidate_fields_);
        }
        for (std::size_t f = 0; f < profile_fields_.size(); ++f) {
            for (const std::int32_t v : f < users_ ? r.user_fields(0, f) : r.context(0, f - users_))
                profile_fields_[f].add(v, list_);
        }
        add_row(r.user_dense, 0, user_dense_);
        add_row(r.context_dense, 0, context_dense_);
        add_candidates(r);
        for (std::size_t e = first; e < h; ++e) {
            add_row(r.history_dense, e, event_dense_);
            add_values(r.history_fields, e, event_fields_);
        }
    }

    Statistics statistics() {
        Statistics s;
        if (!gaps_.empty()) {
            const auto middle = gaps_.begin() + static_cast<std::ptrdiff_t>(gaps_.size() / 2);
            std::nth_element(gaps_.begin(), middle, gaps_.end());
            s.tau0 = (std::max)(1.0, *middle);
        }
        s.user_dense = transforms(user_dense_);
        s.context_dense = transforms(context_dense_);
        s.item_dense = transforms(item_dense_);
        s.event_dense = transforms(event_dense_);
        for (NamedSample& f : candidate_dense_) f.sample.fit_transform(s.candidate_dense);
        s.items = items_.vocabulary(settings_.min_count);
        s.item_fields = vocabularies(item_fields_, settings_.min_count);
        s.profile_fields = vocabularies(profile_fields_, settings_.min_count);
        s.candidate_fields = vocabularies(candidate_fields_, settings_.min_count);
        s.event_fields = vocabularies(event_fields_, settings_.min_count);
        return s;
    }

  private:
    struct NamedSample {
        NamedSample(const std::string& feature, const FeatureSample& empty) : name(feature), sample(empty) {}
        std::string name;
        FeatureSample sample;
    };

    std::size_t history() const { return static_cast<std::size_t>(settings_.max_history); }

    void add_gaps(std::span<const std::int64_t> times) {
        const std::size_t h = times.size();
        const std::size_t from = h - (std::min)(h, history());
        for (std::size_t e = from + 1; e < h; ++e)
            gaps_.push_back(static_cast<double>(times[e]) - static_cast<double>(times[e - 1]));
    }
    void add_item(const Request& r, std::int32_t item) {
        items_.add(item, list_);
        const CatalogRow known = find_item(catalog_, r, item);
        for (std::size_t f = 0; f < item_fields_.size() && known; ++f) {
            for (const std::int32_t v : known.field(f)) item_fields_[f].add(v, list_);
        }
        const double* x = known.dense();
        for (std::size_t f = 0; f < item_dense_.size(); ++f)
            item_dense_[f].add(x != nullptr ? x[f] : std::numeric_limits<double>::quiet_NaN());
    }
    void add_values(const FieldRows& rows, std::size_t row, std::vector<ValueCounts>& to) const {
        for (std::size_t f = 0; f < to.size(); ++f) {
            for (const std::int32_t v : rows(row, f)) to[f].add(v, list_);
        }
    }
    static void add_row(const FeatureRows& rows, std::size_t row, std::vector<FeatureSample>& to) {
        for (std::size_t f = 0; f < to.size(); ++f)
            to[f].add(rows.empty() ? std::numeric_limits<double>::quiet_NaN() : rows(row, f));
    }
    void add_candidates(const Request& r) {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        const bool columns = r.candidate_dense.columns() != candidate_dense_.size();
        std::size_t column = 0;
        for (NamedSample& f : candidate_dense_) {
            const bool of_span = columns && (f.name == "score" || f.name == "aux");
            const FeatureColumn& span = f.name == "score" ? r.scores : r.aux;
            for (std::size_t i = 0; i < r.size(); ++i) {
                if (of_span)
                    f.sample.add(span.empty() ? nan : span[i]);
                else
                    f.sample.add(r.candidate_dense.empty() ? nan : r.candidate_dense(i, column));
            }
            column += of_span ? 0 : 1;
        }
    }
    static DenseTransforms transforms(std::vector<FeatureSample>& samples) {
        DenseTransforms out;
        for (FeatureSample& s : samples) s.fit_transform(out);
        return out;
    }

    const Catalog& catalog_;
    const EncoderSettings& settings_;
    int list_ = 0;
    std::vector<double> gaps_;
    ValueCounts items_;
    std::vector<ValueCounts> item_fields_, profile_fields_, candidate_fields_, event_fields_;
    std::size_t users_ = 0;  ///< user fields among the profile fields
    std::vector<FeatureSample> user_dense_, context_dense_, item_dense_, event_dense_;
    std::vector<NamedSample> candidate_dense_;
};

/// Names `score` and `aux` in the schema where a training list has them, and says which columns some lists lack.
inline void note_columns(Schema& schema, std::span<const Request> train) {
    const auto some = [&](auto absent) { return std::ranges::any_of(train, absent); };
    const auto add = [&](const char* name, FeatureColumn Request::*column, bool along_list) {
        auto feature = std::ranges::find(schema.candidate_dense, name, &DenseFeature::name);
        const bool given = some([&](const Request& r) { return !(r.*column).empty(); });
        if (feature == schema.candidate_dense.end() && given)
            feature =
                schema.candidate_dense.insert(feature, {.name = name, .along_list = along_list && schema.ordered});
        const std::size_t all = schema.candidate_dense.size();
        if (feature != schema.candidate_dense.end()) {
            feature->optional =
                some([&](const Request& r) { return (r.*column).empty() && r.candidate_dense.columns() != all; });
        }
    };
    const auto note = [&](std::vector<DenseFeature>& features, FeatureRows Request::*rows) {
        const bool optional = some([&](const Request& r) { return (r.*rows).empty(); });
        for (DenseFeature& f : features) f.optional = optional;
    };
    note(schema.user_dense, &Request::user_dense);
    note(schema.context_dense, &Request::context_dense);
    note(schema.candidate_dense, &Request::candidate_dense);
    add("score", &Request::scores, false);  // it made the order
    add("aux", &Request::aux, true);
    for (DenseFeature& f : schema.event_dense) {
        f.optional = some([](const Request& r) { return !r.history_items.empty() && r.history_dense.empty(); });
    }
}

}  // namespace fit_detail

/// Learns an encoder. Only the given requests and their histories are read, so nothing of a later split leaks in.
/// Throws SettingError for settings out of range and for a catalog that does not fit the schema, RequestError for a
/// list that Encoder::check refuses.
/// `counts` takes what could not be encoded as it came.
inline Encoder fit_encoder(Schema schema, Catalog catalog, std::span<const Request> train,
                           const EncoderSettings& settings = {}, EncodingCounts* counts = nullptr) {
    check_settings("encoder settings", settings);
    check_catalog(catalog, schema);
    fit_detail::note_columns(schema, train);
    const auto read = static_cast<std::size_t>(settings.max_history);
    for (const Request& r : train) check_request(schema, catalog, r, {.take_missing_columns = true}, read);
    fit_detail::StatisticsBuilder builder(schema, catalog, settings);
    for (const Request& r : train) builder.add(r);
    Statistics statistics = builder.statistics();

    Encoder encoder(std::move(schema), std::move(catalog), std::move(statistics), settings.max_history);
    if (train.empty()) return encoder;
    std::vector<fit_detail::RunningMoments> derived(encoder.candidates().derived());
    std::vector<fit_detail::RunningMoments> match(static_cast<std::size_t>(encoder.input_sizes().match_columns));
    Batch<float> batch;
    for (const Request& r : train) {
        encoder.encode(std::span(&r, 1), 1, batch);
        encoder.candidates().for_each_derived(batch.dense, [&](std::size_t c, float x) { derived[c].add(x); });
        for (std::size_t i = 0; i < batch.match_dense.numbers.size(); ++i)
            match[i % match.size()].add(batch.match_dense.numbers[i]);
    }
    if (counts != nullptr) *counts += batch.counts;
    const auto inv_std = [](const std::vector<fit_detail::RunningMoments>& moments) {
        std::vector<float> out;
        for (const auto& m : moments) out.push_back(m.inv_std());
        return out;
    };
    encoder.set_scales(inv_std(derived), inv_std(match));
    return encoder;
}

}  // namespace psad
