/// \file fit_encoder.hpp
/// Learns an encoder's statistics from training requests alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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
        visit(Setting{"min_count", "Ids and values in fewer training lists share the row of the unknown", 0},
              self.min_count);
    }
};

namespace fit_detail {

/// Mean and deviation of a stream of numbers.
struct RunningMoments {
    double n = 0, sum = 0, squares = 0;
    void add(double x) { n += 1, sum += x, squares += x * x; }
    Scaling scaling() const {
        if (n < 2) return {};
        const double mean = sum / n, variance = squares / n - mean * mean;
        return {static_cast<float>(mean), variance > 1e-12 ? static_cast<float>(1.0 / std::sqrt(variance)) : 1.0f};
    }
};

/// In how many lists each value of a field occurs.
class ValueCounts {
  public:
    template <class Size>
    explicit ValueCounts(Size values) : counts_(static_cast<std::size_t>(values)), last_list_(counts_.size()) {}

    /// Lists are numbered from 1, rising.
    void add(std::int32_t value, int list) {
        const auto v = static_cast<std::size_t>(value);
        if (v >= counts_.size() || last_list_[v] == list) return;
        last_list_[v] = list;
        ++counts_[v];
    }

    Vocabulary vocabulary(int min_count) const {
        Vocabulary out;
        for (const int n : counts_) out.row_of.push_back(n >= min_count ? out.rows++ : 0);
        return out;
    }

  private:
    std::vector<int> counts_, last_list_;
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
        : catalog_(catalog), settings_(settings), items_(catalog.items) {
        for (const FieldSchema& f : schema.item_fields) item_fields_.emplace_back(f.vocabulary);
        for (const auto* fields : {&schema.user_fields, &schema.context_fields}) {
            for (const FieldSchema& f : *fields) profile_fields_.emplace_back(f.vocabulary);
        }
    }

    void add(const Request& r) {
        ++list_;
        add_gaps(r.history_times);
        for (const std::int32_t item : r.items) add_item(item);
        for (std::size_t f = 0; f < profile_fields_.size(); ++f) {
            const std::size_t users = r.user_fields.size();
            profile_fields_[f].add(f < users ? r.user_fields[f] : r.context[f - users], list_);
        }
        for (const float x : r.scores) score_.add(static_cast<double>(x));
        for (const float x : r.aux) log_aux_.add(std::log1p(static_cast<double>((std::max)(x, 0.0f))));
    }

    Statistics statistics() {
        Statistics s;
        if (!gaps_.empty()) {
            const auto middle = gaps_.begin() + static_cast<std::ptrdiff_t>(gaps_.size() / 2);
            std::nth_element(gaps_.begin(), middle, gaps_.end());
            s.tau0 = (std::max)(1.0, *middle);
        }
        s.score = score_.scaling();
        s.log_aux = log_aux_.scaling();
        s.items = items_.vocabulary(settings_.min_count);
        s.item_fields = vocabularies(item_fields_, settings_.min_count);
        s.profile_fields = vocabularies(profile_fields_, settings_.min_count);
        return s;
    }

  private:
    void add_gaps(std::span<const std::int64_t> times) {
        const std::size_t h = times.size();
        const std::size_t from = h - (std::min)(h, static_cast<std::size_t>(settings_.max_history));
        for (std::size_t e = from + 1; e < h; ++e)
            gaps_.push_back(static_cast<double>(times[e]) - static_cast<double>(times[e - 1]));
    }
    void add_item(std::int32_t item) {
        items_.add(item, list_);
        const auto i = static_cast<std::size_t>(item);
        for (std::size_t f = 0; f < item_fields_.size() && i < catalog_.items; ++f) {
            for (const std::int32_t v : catalog_.fields[f][i]) item_fields_[f].add(v, list_);
        }
    }

    const Catalog& catalog_;
    const EncoderSettings& settings_;
    int list_ = 0;
    std::vector<double> gaps_;
    ValueCounts items_;
    std::vector<ValueCounts> item_fields_, profile_fields_;
    RunningMoments score_, log_aux_;
};

/// Gathers the moments of the columns of row-major blocks.
class ColumnMoments {
  public:
    explicit ColumnMoments(int width) : columns_(static_cast<std::size_t>(width)) {}

    void add(const std::vector<float>& rows) {
        for (std::size_t i = 0; i < rows.size(); ++i) columns_[i % columns_.size()].add(static_cast<double>(rows[i]));
    }
    std::vector<float> inv_std() const {
        std::vector<float> out;
        for (const RunningMoments& m : columns_) out.push_back(m.scaling().inv_std);
        return out;
    }

  private:
    std::vector<RunningMoments> columns_;
};

}  // namespace fit_detail

/// Learns an encoder. Only the given requests and their histories are read, so nothing of a later split leaks in.
/// Throws SettingError for settings out of range and for a catalog that does not fit the schema, RequestError for a
/// list that Encoder::check refuses.
inline Encoder fit_encoder(Schema schema, Catalog catalog, std::span<const Request> train,
                           const EncoderSettings& settings = {}) {
    check_settings("encoder settings", settings);
    check_catalog(catalog, schema);
    for (const Request& r : train) check_request(schema, r);
    fit_detail::StatisticsBuilder builder(schema, catalog, settings);
    for (const Request& r : train) builder.add(r);
    Statistics statistics = builder.statistics();

    Encoder encoder(std::move(schema), std::move(catalog), std::move(statistics), settings.max_history);
    if (train.empty()) return encoder;
    fit_detail::ColumnMoments dense(dense_width), match(match_width);
    Batch<float> batch;
    for (const Request& r : train) {
        encoder.encode(std::span(&r, 1), 1, batch);
        dense.add(batch.dense);
        match.add(batch.match_dense);
    }
    encoder.set_scales(dense.inv_std(), match.inv_std());
    return encoder;
}

}  // namespace psad
