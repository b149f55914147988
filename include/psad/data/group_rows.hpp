/// \file group_rows.hpp
/// Rows of features and fields of one kind, filled row by row, seen as requests see them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/features/data_schema.hpp"
#include "psad/features/feature_rows.hpp"

namespace psad::inline PSAD_ABI::data {

/// Cells hold one id each until one holds another number of them.
class GroupRows {
  public:
    GroupRows() = default;
    explicit GroupRows(const ColumnGroup& group) : features_(group.dense.size()), cells_(group.fields.size()) {}

    std::size_t rows() const noexcept { return rows_; }
    std::size_t features() const noexcept { return features_; }
    std::size_t fields() const noexcept { return cells_.size(); }
    std::size_t bytes() const noexcept {
        return dense_.size() * sizeof(double) + ids_.size() * sizeof(std::int32_t) +
               offsets_.size() * sizeof(std::int64_t);
    }

    /// What the row that was filled last counts as among the cells of files: see Limits::of.
    long long cells_of_row() const {
        auto count = static_cast<long long>(features_);
        for (const auto& cell : cells_) count += cell.empty() ? 2 : 4 * static_cast<long long>(cell.size()) - 2;
        return count;
    }

    /// Bytes of that row, where cells hold several ids.
    long long bytes_of_row() const {
        return static_cast<long long>(features_ * sizeof(double) + values_of_row() * sizeof(std::int32_t) +
                                      cells_.size() * sizeof(std::int64_t));
    }
    /// Its ids.
    std::size_t values_of_row() const {
        std::size_t count = 0;
        for (const auto& cell : cells_) count += cell.size();
        return count;
    }

    /// A row of `absent` numbers and unknown values.
    void begin_row(double absent) {
        dense_.resize(dense_.size() + features_, absent);
        for (auto& cell : cells_) cell.assign(1, 0);
    }
    /// A row like one of `from`, which has the same columns.
    void begin_row(const GroupRows& from, std::size_t row) {
        const double* x = from.dense_.data() + row * features_;
        dense_.insert(dense_.end(), x, x + features_);
        const FieldRows fields = from.field_rows(row, 1);
        for (std::size_t f = 0; f < cells_.size(); ++f) {
            const auto ids = fields(0, f);
            cells_[f].assign(ids.begin(), ids.end());
        }
    }
    double& number(std::size_t feature) { return dense_[dense_.size() - features_ + feature]; }
    std::vector<std::int32_t>& ids(std::size_t field) { return cells_[field]; }

    void end_row() {
        for (const auto& cell : cells_) {
            if (cell.size() != 1 && offsets_.empty()) {
                for (std::size_t i = 0; i <= ids_.size(); ++i) offsets_.push_back(static_cast<std::int64_t>(i));
            }
            ids_.insert(ids_.end(), cell.begin(), cell.end());
            if (!offsets_.empty()) offsets_.push_back(static_cast<std::int64_t>(ids_.size()));
        }
        ++rows_;
    }

    /// Rows [first, first + count); valid until a row is added.
    FeatureRows feature_rows(std::size_t first, std::size_t count) const {
        return features_ == 0 ? FeatureRows() : FeatureRows(dense_.data() + first * features_, count, features_);
    }
    FieldRows field_rows(std::size_t first, std::size_t count) const {
        const std::size_t width = cells_.size(), cells = count * width;
        if (width == 0) return {};
        if (offsets_.empty()) return {std::span(ids_).subspan(first * width, cells), count, width};
        return {ids_, std::span(offsets_).subspan(first * width, cells + 1), count, width};
    }

    void shrink() {
        dense_.shrink_to_fit();
        ids_.shrink_to_fit();
        offsets_.shrink_to_fit();
    }
    void clear() {
        dense_.clear();
        ids_.clear();
        offsets_.clear();
        rows_ = 0;
    }

  private:
    std::size_t features_ = 0, rows_ = 0;
    std::vector<std::vector<std::int32_t>> cells_;  ///< the fields of the row that is filled
    std::vector<double> dense_;                     ///< [rows, features]
    std::vector<std::int32_t> ids_;
    std::vector<std::int64_t> offsets_;  ///< per cell, row after row; empty while each holds one id
};

}  // namespace psad::data
