/// \file fit_encoder.hpp
/// Learns an encoder's statistics from training requests alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "psad/input/check_catalog.hpp"
#include "psad/input/encoder.hpp"

namespace psad {

struct EncoderSettings {
    int max_history = 50;  ///< events read per request
    int min_count = 20;    ///< ids and values in fewer training lists share the row of the unknown
};

namespace fit_detail {

/// Mean and deviation of a stream of numbers.
struct Moments {
    double n = 0, sum = 0, squares = 0;
    void add(double x) { n += 1, sum += x, squares += x * x; }
    Scaling scaling() const {
        if (n < 2) return {};
        const double mean = sum / n, variance = squares / n - mean * mean;
        return {static_cast<float>(mean),
                variance > 1e-12 ? static_cast<float>(1.0 / std::sqrt(variance)) : 1.0f};
    }
};

/// In how many lists each value of a field occurs.
class ValueCounts {
  public:
    template <class Size>
    explicit ValueCounts(Size values) : counts_(static_cast<std::size_t>(values)), seen_in_(counts_.size()) {}

    /// Lists are numbered from 1, rising.
    void see(std::int32_t value, int list) {
        const auto v = static_cast<std::size_t>(value);
        if (v >= counts_.size() || seen_in_[v] == list) return;
        seen_in_[v] = list;
        ++counts_[v];
    }

    Vocabulary vocabulary(int min_count) const {
        Vocabulary out;
        for (const int n : counts_) out.row_of.push_back(n >= min_count ? out.rows++ : 0);
        return out;
    }

  private:
    std::vector<int> counts_, seen_in_;
};

/// The rate of every column of a row-major block.
inline std::vector<float> rates(const std::vector<Moments>& columns) {
    std::vector<float> out;
    for (const Moments& m : columns) out.push_back(m.scaling().rate);
    return out;
}

/// Adds a row-major block to the moments of its columns.
inline void add_rows(const std::vector<float>& rows, std::vector<Moments>& columns) {
    for (std::size_t i = 0; i < rows.size(); ++i)
        columns[i % columns.size()].add(static_cast<double>(rows[i]));
}

}  // namespace fit_detail

/// Only the given requests and their histories are looked at, so nothing of a later split leaks in. Throws
/// SettingError for settings out of range and for a catalog that does not fit the schema, RequestError for a
/// list that Encoder::check refuses.
inline Encoder fit_encoder(Schema schema, Catalog catalog, std::span<const Request> train,
                           const EncoderSettings& settings = {}) {
    if (settings.min_count < 0) {
        throw SettingError("encoder settings", "min_count", std::to_string(settings.min_count), "0 or more");
    }
    check_catalog(catalog, schema);
    for (const Request& r : train) check_request(schema, r);
    Statistics s;
    std::vector<double> gaps;
    fit_detail::ValueCounts items(catalog.items);
    std::vector<fit_detail::ValueCounts> item_fields, profile_fields;
    for (const FieldSchema& f : schema.item_fields) item_fields.emplace_back(f.vocabulary);
    for (const auto* fields : {&schema.user_fields, &schema.context_fields}) {
        for (const FieldSchema& f : *fields) profile_fields.emplace_back(f.vocabulary);
    }
    int list = 0;
    fit_detail::Moments score, aux;
    for (const Request& r : train) {
        const std::size_t h = r.history_times.size();
        const std::size_t from = h - (std::min)(h, static_cast<std::size_t>(settings.max_history));
        for (std::size_t e = from + 1; e < h; ++e) {
            gaps.push_back(static_cast<double>(r.history_times[e]) -
                           static_cast<double>(r.history_times[e - 1]));
        }
        ++list;
        for (const std::int32_t item : r.items) {
            items.see(item, list);
            for (std::size_t f = 0; f < item_fields.size() && static_cast<std::size_t>(item) < catalog.items;
                 ++f) {
                for (const std::int32_t v : catalog.fields[f][static_cast<std::size_t>(item)])
                    item_fields[f].see(v, list);
            }
        }
        for (std::size_t f = 0; f < profile_fields.size(); ++f) {
            const std::size_t users = r.user_fields.size();
            profile_fields[f].see(f < users ? r.user_fields[f] : r.context[f - users], list);
        }
        for (const float x : r.scores) score.add(static_cast<double>(x));
        for (const float x : r.aux) aux.add(std::log1p(static_cast<double>((std::max)(x, 0.0f))));
    }
    if (!gaps.empty()) {
        const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
        std::nth_element(gaps.begin(), middle, gaps.end());
        s.tau0 = (std::max)(1.0, *middle);
    }
    s.score = score.scaling();
    s.log_aux = aux.scaling();
    s.items = items.vocabulary(settings.min_count);
    for (const auto& f : item_fields) s.item_fields.push_back(f.vocabulary(settings.min_count));
    for (const auto& f : profile_fields) s.profile_fields.push_back(f.vocabulary(settings.min_count));

    const Encoder unscaled(schema, catalog, s, settings.max_history);
    std::vector<fit_detail::Moments> dense(dense_width), match(match_width);
    Batch<float> batch;
    for (const Request& r : train) {
        unscaled.encode(std::span(&r, 1), 1, batch);
        fit_detail::add_rows(batch.dense, dense);
        fit_detail::add_rows(batch.match_dense, match);
    }
    if (!train.empty()) {
        s.dense_rate = fit_detail::rates(dense);
        s.match_rate = fit_detail::rates(match);
    }
    return Encoder(std::move(schema), std::move(catalog), std::move(s), settings.max_history);
}

}  // namespace psad
