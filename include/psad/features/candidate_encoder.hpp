/// \file candidate_encoder.hpp
/// The dense features of candidates, transformed and against the list.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "psad/features/batch.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/dense_features.hpp"
#include "psad/features/dense_row.hpp"
#include "psad/features/list_ranks.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// Writes the rows of `dense` in a batch. With F features (those of the catalog's items, then those of the request) a
/// row holds
///     [F] transformed values; a missing one is the mean of the list
///     [F] share of the list with a smaller value, less the list's mean of that, times sqrt 12
///     [4] PositionFeatures
///     [M] 1 where a value is missing, of the features that had missing values in training
///     [6 A] AlongList of the features that the schema marks
///     [3 I] FieldMatch of each item field that the schema matches
///     [F] the values times the matrix of set_whitening(), where there is one
/// and `list_scale` and `list_shift` let the model see the first F as deviations within the list. Const use is
/// thread-safe.
class CandidateEncoder {
  public:
    CandidateEncoder() = default;
    CandidateEncoder(const Schema& schema, const Statistics& statistics)
        : transforms_(joined(statistics.item_dense, statistics.candidate_dense)),
          derived_inv_std_(statistics.derived_inv_std),
          item_features_(schema.item_dense.size()),
          ordered_(schema.ordered) {
        for (std::size_t f = 0; f < schema.item_fields.size(); ++f) {
            if (schema.item_fields[f].match) matched_fields_.push_back(f);
        }
        std::size_t column = item_features_, source = 0;
        for (const DenseFeature& f : schema.item_dense) add(f, static_cast<std::size_t>(&f - schema.item_dense.data()));
        for (const DenseFeature& f : schema.candidate_dense) {
            add(f, column);
            if (f.name == "score") {
                score_ = column;
            } else if (f.name == "aux") {
                aux_ = column;
            } else {
                if (runs_.empty() || runs_.back().column + runs_.back().count != column)
                    runs_.push_back({column, source, 0});
                ++runs_.back().count;
                ++source;
            }
            ++column;
        }
    }

    /// F
    std::size_t features() const { return transforms_.size(); }
    /// PositionFeatures, AlongList and FieldMatch: those that `derived_inv_std` scales.
    std::size_t derived() const { return position_width + after_missing(); }
    std::size_t columns() const { return 2 * features() + missing_.size() + derived() + whitened(); }
    /// Those of values, marks of missing ones and FieldMatch, which the order of the candidates does not change.
    std::vector<std::size_t> unordered_columns() const {
        std::vector<std::size_t> out;
        const auto add = [&](std::size_t first, std::size_t count) {
            for (std::size_t c = first; c < first + count; ++c) out.push_back(c);
        };
        const std::size_t first_missing = 2 * features() + position_width;
        add(0, features());
        add(first_missing, missing_.size());
        add(first_missing + missing_.size() + along_.size() * along_width, matched_fields_.size() * match_width);
        return out;
    }
    /// Columns that training alone has: 0, or F.
    std::size_t whitened() const { return whitening_.empty() ? 0 : features(); }
    const std::vector<float>& whitening() const { return whitening_; }
    /// Inverse deviations of the derived numbers, or nothing.
    void set_scales(std::vector<float> derived_inv_std) { derived_inv_std_ = std::move(derived_inv_std); }
    /// [F x F], or nothing.
    void set_whitening(std::vector<float> matrix) { whitening_ = std::move(matrix); }

    /// Appends the rows of a request's candidates, whose items and those of its history stand in the batch. `matched`
    /// is the candidate that the user interacted with last, n for none.
    template <class T>
    void add_rows(const Request& r, std::size_t matched, Batch<T>& b) const {
        const std::size_t n = r.size(), f = features();
        const Rows<T> rows{b.dense.append(n), n, columns()};
        T* const scale = b.list_scale.append(1);
        T* const shift = b.list_shift.append(1);
        if (f > 0) {
            add_values(r, b.candidate_items, rows);
            add_list_scale(rows, scale, shift, b.counts);
            list_ranks::add(rows, f, b.scratch);
        }
        add_derived(rows, matched, b.scratch);
        for (std::size_t k = 0; k < matched_fields_.size() && !b.event_items.empty(); ++k) {
            b.field_events.read(b.event_items, matched_fields_[k]);
            add_field_match(b.field_events.match(b.candidate_items, matched_fields_[k]), k, rows);
        }
        if (!whitening_.empty()) add_whitened(rows);
    }

    /// The derived numbers of the rows of `dense`, unscaled: see `derived_inv_std`.
    template <class T, class F>
    void for_each_derived(const FeatureTable<T>& dense, F f) const {
        const std::size_t width = columns(), first_position = 2 * features(),
                          first_along = first_position + position_width + missing_.size();
        for (std::size_t row = 0; row + width <= dense.numbers.size(); row += width) {
            const T* x = dense.numbers.data() + row;
            for (std::size_t c = 0; c < position_width; ++c) f(c, x[first_position + c]);
            for (std::size_t c = 0; c < after_missing(); ++c) f(position_width + c, x[first_along + c]);
        }
    }

  private:
    static constexpr std::size_t none = (std::numeric_limits<std::size_t>::max)();
    static constexpr std::size_t position_width = static_cast<std::size_t>(row_width<PositionFeatures>);
    static constexpr std::size_t along_width = static_cast<std::size_t>(row_width<AlongList>);
    static constexpr std::size_t match_width = static_cast<std::size_t>(row_width<FieldMatch>);

    /// Derived numbers behind the marks of missing values.
    std::size_t after_missing() const { return along_.size() * along_width + matched_fields_.size() * match_width; }

    template <class T>
    using Rows = FeatureMatrix<T>;
    /// Features that lie side by side in `candidate_dense` and in the row.
    struct Run {
        std::size_t column, source, count;
    };

    static DenseTransforms joined(DenseTransforms a, const DenseTransforms& b) {
        DenseTransforms::for_each_column(
            [](const char*, auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); }, a, b);
        return a;
    }

    void add(const DenseFeature& feature, std::size_t column) {
        if (transforms_.missing[column] > 0) missing_.push_back(column);
        if (feature.along_list) along_.push_back(column);
    }

    template <class T>
    void add_values(const Request& r, std::span<const CatalogRow> items, Rows<T> rows) const {
        const auto missing = [](T* at, std::size_t count) {
            std::fill_n(at, count, std::numeric_limits<T>::quiet_NaN());
        };
        const std::size_t own = features() - item_features_;
        const Run all[] = {{item_features_, 0, own}};
        const bool whole = r.candidate_dense.columns() == own;
        for (std::size_t i = 0; i < rows.count; ++i) {
            T* const row = rows[i];
            if (item_features_ > 0) {
                const double* of_item = items[i].dense();
                if (of_item != nullptr)
                    transforms_.apply(of_item, 0, 1, 0, item_features_, Rows<T>{row, 1, rows.width});
                else
                    missing(row, item_features_);
            }
        }
        const FeatureRows& dense = r.candidate_dense;
        for (const Run& run : whole ? std::span<const Run>(all) : std::span<const Run>(runs_)) {
            if (dense.empty()) {
                for (std::size_t i = 0; i < rows.count; ++i) missing(rows[i] + run.column, run.count);
            } else if (run.count < list_ranks::few) {
                for (std::size_t c = 0; c < run.count; ++c) {
                    const auto x = [&](std::size_t i) { return dense(i, run.source + c); };
                    transforms_.apply_column(x, run.column + c, rows.count, rows.data + run.column + c, rows.width);
                }
            } else {
                const std::ptrdiff_t stride = dense.column_stride();
                dense.visit_row(0, [&](const auto* x) {
                    transforms_.apply(x + static_cast<std::ptrdiff_t>(run.source) * stride, dense.row_stride(), stride,
                                      run.column, run.count, Rows<T>{rows.data + run.column, rows.count, rows.width});
                });
            }
        }
        if (whole) return;
        add_column(r.scores, score_, rows);
        add_column(r.aux, aux_, rows);
    }

    template <class T>
    void add_column(const FeatureColumn& x, std::size_t column, Rows<T> rows) const {
        if (column == none) return;
        const auto at = [&](std::size_t i) { return x.empty() ? std::numeric_limits<double>::quiet_NaN() : x[i]; };
        transforms_.apply_column(at, column, rows.count, rows.data + column, rows.width);
    }

    /// Scale and shift of each feature within the list. Missing values become the mean of those that are there.
    template <class T>
    void add_list_scale(Rows<T> rows, T* scale, T* shift, EncodingCounts& counts) const {
        const std::size_t f = features();
        for (std::size_t i = 0; i < rows.count; ++i) {
            const T* row = rows[i];
            for (std::size_t c = 0; c < f; ++c) scale[c] += row[c];
            counts.cut_numbers += cut_numbers(row, f);
        }
        const T n = static_cast<T>(rows.count);
        for (std::size_t c = 0; c < f; ++c) {
            if (std::isnan(scale[c])) scale[c] = fill_missing(rows, c, counts) * n;
        }
        for (std::size_t c = 0; c < f; ++c) scale[c] /= n;  // the mean, until the end
        for (std::size_t i = 0; i < rows.count; ++i) {
            const T* row = rows[i];
            for (std::size_t c = 0; c < f; ++c) shift[c] += (row[c] - scale[c]) * (row[c] - scale[c]);
        }
        for (std::size_t c = 0; c < f; ++c) {
            const T mean = scale[c], deviation = std::sqrt(shift[c] / n);
            // Values are of about deviation 1 over all lists; less than this is the rounding of equal ones.
            const auto least = math::ordered_bits(T(4e-7) * (T(1) + std::abs(mean)));
            const T differ = math::ordered_bits(deviation) > least ? T(1) : T(0);
            scale[c] = differ / (deviation + (T(1) - differ));
            shift[c] = -mean * scale[c];
        }
    }

    /// How many numbers of a row were cut; missing ones are none.
    template <class T>
    static int cut_numbers(const T* row, std::size_t count) {
        const auto bound = math::ordered_bits(T(DenseTransforms::bound));
        const auto infinity = math::ordered_bits(std::numeric_limits<T>::infinity());
        int cut = 0;
        for (std::size_t c = 0; c < count; ++c) {
            const auto size = math::ordered_bits(std::abs(row[c]));
            cut += (size >= bound ? 1 : 0) & (size <= infinity ? 1 : 0);
        }
        return cut;
    }

    /// Returns the mean of the values that are there, 0 where none is.
    template <class T>
    T fill_missing(Rows<T> rows, std::size_t column, EncodingCounts& counts) const {
        T sum = 0;
        std::size_t there = 0;
        for (std::size_t i = 0; i < rows.count; ++i) {
            const T x = rows[i][column];
            if (!std::isnan(x)) sum += x, ++there;
        }
        const T mean = there > 0 ? sum / static_cast<T>(there) : T(0);
        const auto at = std::ranges::lower_bound(missing_, column);  // which rise
        const bool has_flag = at != missing_.end() && *at == column;
        const std::size_t flag = 2 * features() + position_width + static_cast<std::size_t>(at - missing_.begin());
        for (std::size_t i = 0; i < rows.count; ++i) {
            if (!std::isnan(rows[i][column])) continue;
            rows[i][column] = mean;
            if (has_flag) rows[i][flag] = T(1);
        }
        counts.missing_numbers += static_cast<std::int64_t>(rows.count - there);
        return mean;
    }

    template <class T>
    void add_derived(Rows<T> rows, std::size_t matched, std::vector<T>& scratch) const {
        const std::size_t first = 2 * features();
        const auto count = static_cast<float>(rows.count);
        const float log_candidates = math::log1p(count) / 4.0f;
        for (std::size_t i = 0; i < rows.count; ++i) {
            const auto position = static_cast<float>(i);
            PositionFeatures f{.log_candidates = log_candidates};
            if (ordered_) {
                f.position = position / count;
                f.inverse_position = 1.0f / (1.0f + position);
                f.log_position = math::log1p(position) / 3.0f;
            }
            dense_row::put(f, inv_std(0), rows[i] + first);
        }
        const std::size_t first_along = first + position_width + missing_.size();
        for (std::size_t a = 0; a < along_.size(); ++a) {
            rows.copy_column(along_[a], scratch);
            add_along(scratch, matched, position_width + a * along_width, rows, first_along + a * along_width);
        }
    }

    template <class T>
    void add_along(const std::vector<T>& x, std::size_t matched, std::size_t scale, Rows<T> rows,
                   std::size_t at) const {
        const std::size_t n = x.size();
        T smallest = x[0];  // further up
        for (std::size_t i = 0; i < n; ++i) {
            AlongList f;
            const auto minus = [&](T other) { return static_cast<float>(x[i] - other); };
            if (i > 0) {
                int smaller = 0;
                for (std::size_t j = 0; j < i; ++j) smaller += x[j] < x[i] ? 1 : 0;
                f.smaller_above = static_cast<float>(smaller) / static_cast<float>(i);
                f.minus_smallest = minus(smallest);
                f.is_smallest = x[i] < smallest ? 1.0f : 0.0f;
                f.minus_previous = minus(x[i - 1]);
            }
            if (i + 1 < n) f.minus_next = minus(x[i + 1]);
            if (matched < n) f.minus_matched = minus(x[matched]);
            dense_row::put(f, inv_std(scale), rows[i] + at);
            smallest = (std::min)(smallest, x[i]);
        }
    }

    template <class T>
    void add_field_match(std::span<const FieldMatch> matches, std::size_t k, Rows<T> rows) const {
        const std::size_t scale = position_width + along_.size() * along_width + k * match_width;
        const std::size_t at = 2 * features() + missing_.size() + scale;
        for (std::size_t i = 0; i < rows.count; ++i) dense_row::put(matches[i], inv_std(scale), rows[i] + at);
    }

    template <class T>
    void add_whitened(Rows<T> rows) const {
        const std::size_t f = features(), at = columns() - f;
        for (std::size_t i = 0; i < rows.count; ++i) {
            const T* const x = rows[i];
            T* const to = rows[i] + at;
            for (std::size_t k = 0; k < f; ++k) {
                const float* const row = whitening_.data() + k * f;  // which is also its column
                for (std::size_t c = 0; c < f; ++c) to[c] += x[k] * static_cast<T>(row[c]);
            }
        }
    }

    /// Inverse deviations from derived number `first` on; null where there are none.
    const float* inv_std(std::size_t first) const {
        return derived_inv_std_.empty() ? nullptr : derived_inv_std_.data() + first;
    }

    DenseTransforms transforms_;  ///< of all F
    std::vector<float> derived_inv_std_;
    std::vector<float> whitening_;  ///< [F x F], symmetric
    std::size_t item_features_ = 0;
    bool ordered_ = true;
    std::size_t score_ = none, aux_ = none;  ///< columns
    std::vector<Run> runs_;
    std::vector<std::size_t> missing_, along_;  ///< columns
    std::vector<std::size_t> matched_fields_;   ///< of items
};

}  // namespace psad
