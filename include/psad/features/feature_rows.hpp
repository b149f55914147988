/// \file feature_rows.hpp
/// Views of what a request says of its rows (candidates, events, or the one row of a user): dense features and
/// categorical fields. They own nothing.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

template <class T>
concept FeatureNumber = std::same_as<T, float> || std::same_as<T, double>;

/// Rows of dense features, float or double, any strides; NaN is a missing value. Double tells apart what float cannot,
/// such as unix times a minute apart. Made from pointers, from one row in a vector or span, or from any matrix that
/// says where its numbers lie: Eigen's, xtensor's, std::mdspan.
class FeatureRows {
  public:
    FeatureRows() = default;
    /// Row r, column c stands at data[r * row_stride + c * column_stride].
    template <FeatureNumber T>
    FeatureRows(const T* data, std::size_t rows, std::size_t columns, std::ptrdiff_t row_stride,
                std::ptrdiff_t column_stride = 1)
        : data_(data),
          rows_(rows),
          columns_(rows == 0 ? 0 : columns),  // no rows are those of no features
          row_stride_(row_stride),
          column_stride_(column_stride),
          is_double_(std::is_same_v<T, double>) {}
    /// Rows that lie end to end.
    template <FeatureNumber T>
    FeatureRows(const T* data, std::size_t rows, std::size_t columns)
        : FeatureRows(data, rows, columns, static_cast<std::ptrdiff_t>(columns)) {}
    /// One row.
    template <std::ranges::contiguous_range R>
    requires FeatureNumber<std::ranges::range_value_t<R>> &&(!requires(const R& r) { r.shape(); }) &&
        (!requires(const R& r) { r.rowStride(); })FeatureRows(const R& row)
        : FeatureRows(std::ranges::data(row), std::ranges::size(row) == 0 ? 0 : 1, std::ranges::size(row)) {}
    /// A matrix or map of Eigen, rows as its rows.
    template <class M>
    requires requires(const M& m) { m.rowStride(), m.colStride(), m.data(); }
    FeatureRows(const M& m)
        : FeatureRows(m.data(), static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols()), m.rowStride(),
                      m.colStride()) {}
    /// A container or view of xtensor with two axes.
    template <class M>
    requires requires(const M& m) { m.shape()[1], m.strides()[1], m.data(); }
    FeatureRows(const M& m)
        : FeatureRows(m.data() + m.data_offset(), m.shape()[0], m.shape()[1],
                      static_cast<std::ptrdiff_t>(m.strides()[0]), static_cast<std::ptrdiff_t>(m.strides()[1])) {}
    /// A std::mdspan of rank 2.
    template <class M>
    requires requires(const M& m) { m.data_handle(), m.extent(1), m.stride(1); }
    FeatureRows(const M& m)
        : FeatureRows(m.data_handle(), static_cast<std::size_t>(m.extent(0)), static_cast<std::size_t>(m.extent(1)),
                      static_cast<std::ptrdiff_t>(m.stride(0)), static_cast<std::ptrdiff_t>(m.stride(1))) {}

    std::size_t rows() const noexcept { return rows_; }
    std::size_t columns() const noexcept { return columns_; }
    bool empty() const noexcept { return rows_ == 0 || columns_ == 0; }
    std::ptrdiff_t row_stride() const noexcept { return row_stride_; }
    std::ptrdiff_t column_stride() const noexcept { return column_stride_; }

    /// f(pointer to the row's first number), a const float* or const double*.
    template <class F>
    decltype(auto) visit_row(std::size_t row, F f) const {
        const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(row) * row_stride_;
        return is_double_ ? f(static_cast<const double*>(data_) + first) : f(static_cast<const float*>(data_) + first);
    }

    double operator()(std::size_t row, std::size_t column) const {
        return visit_row(row, [&](const auto* numbers) {
            return static_cast<double>(numbers[static_cast<std::ptrdiff_t>(column) * column_stride_]);
        });
    }

    friend bool operator==(const FeatureRows& a, const FeatureRows& b) {
        if (a.rows_ != b.rows_ || a.columns_ != b.columns_) return false;
        for (std::size_t r = 0; r < a.rows_; ++r) {
            for (std::size_t c = 0; c < a.columns_; ++c) {
                const double x = a(r, c), y = b(r, c);
                if (x != y && !(x != x && y != y)) return false;  // missing values are equal
            }
        }
        return true;
    }

  private:
    const void* data_ = nullptr;
    std::size_t rows_ = 0, columns_ = 0;
    std::ptrdiff_t row_stride_ = 0, column_stride_ = 1;
    bool is_double_ = false;
};

/// Rows of numbers that are being filled.
template <class T>
struct FeatureMatrix {
    T* data;
    std::size_t count, width;
    T* operator[](std::size_t i) const { return data + i * width; }
    void copy_column(std::size_t column, std::vector<T>& to) const {
        to.resize(count);
        for (std::size_t i = 0; i < count; ++i) to[i] = (*this)[i][column];
    }
};

/// One dense feature as a column, float or double; NaN is a missing value. Made from a vector or a span.
class FeatureColumn {
  public:
    FeatureColumn() = default;
    template <std::ranges::contiguous_range R>
    requires FeatureNumber<std::ranges::range_value_t<R>> FeatureColumn(const R& numbers)
        : data_(std::ranges::data(numbers)),
          size_(std::ranges::size(numbers)),
          is_double_(std::same_as<std::ranges::range_value_t<R>, double>) {}

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    double operator[](std::size_t i) const {
        return is_double_ ? static_cast<const double*>(data_)[i]
                          : static_cast<double>(static_cast<const float*>(data_)[i]);
    }

    class Iterator {
      public:
        Iterator(const FeatureColumn& column, std::size_t at) : column_(&column), at_(at) {}
        double operator*() const { return (*column_)[at_]; }
        Iterator& operator++() { return ++at_, *this; }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

      private:
        const FeatureColumn* column_;
        std::size_t at_;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size_}; }

  private:
    const void* data_ = nullptr;
    std::size_t size_ = 0;
    bool is_double_ = false;
};

/// Rows of categorical fields, one id or any number of them in each cell; 0 = unknown. Made from one row of single ids
/// in a vector or span, or with the numbers of rows and fields.
class FieldRows {
  public:
    FieldRows() = default;
    /// One row of single ids.
    template <std::ranges::contiguous_range R>
    requires std::same_as<std::ranges::range_value_t<R>, std::int32_t> FieldRows(const R& row)
        : FieldRows(row, std::ranges::size(row) == 0 ? 0 : 1, std::ranges::size(row)) {}
    /// Single ids, row after row.
    FieldRows(std::span<const std::int32_t> ids, std::size_t rows, std::size_t fields)
        : ids_(ids), rows_(rows), fields_(fields) {}
    /// Any number of ids in each cell: cell c, counted row after row, holds ids[offsets[c]] to ids[offsets[c + 1] - 1].
    FieldRows(std::span<const std::int32_t> ids, std::span<const std::int64_t> offsets, std::size_t rows,
              std::size_t fields)
        : ids_(ids), offsets_(offsets), rows_(rows), fields_(fields) {}

    std::size_t rows() const noexcept { return rows_; }
    std::size_t fields() const noexcept { return fields_; }
    bool empty() const noexcept { return rows_ == 0 || fields_ == 0; }

    std::span<const std::int32_t> operator()(std::size_t row, std::size_t field) const {
        const std::size_t cell = row * fields_ + field;
        if (offsets_.empty()) return ids_.subspan(cell, 1);
        const auto first = static_cast<std::size_t>(offsets_[cell]);
        return ids_.subspan(first, static_cast<std::size_t>(offsets_[cell + 1]) - first);
    }

    /// Whether spans and counts agree, of the rows from `first` to below `last`: what check_request asks before a cell
    /// is read.
    bool is_whole(std::size_t first, std::size_t last) const {
        if (offsets_.empty()) return ids_.size() == rows_ * fields_;
        if (offsets_.size() != rows_ * fields_ + 1 || offsets_[first * fields_] < 0) return false;
        for (std::size_t c = first * fields_; c < last * fields_; ++c) {
            if (offsets_[c + 1] < offsets_[c]) return false;
        }
        return static_cast<std::size_t>(offsets_[last * fields_]) <= ids_.size();
    }
    bool is_whole() const { return is_whole(0, rows_); }

    friend bool operator==(const FieldRows& a, const FieldRows& b) {
        if (a.rows_ != b.rows_ || a.fields_ != b.fields_) return false;
        for (std::size_t r = 0; r < a.rows_; ++r) {
            for (std::size_t f = 0; f < a.fields_; ++f) {
                if (!std::ranges::equal(a(r, f), b(r, f))) return false;
            }
        }
        return true;
    }

  private:
    std::span<const std::int32_t> ids_;
    std::span<const std::int64_t> offsets_;
    std::size_t rows_ = 0, fields_ = 0;
};

/// A copy of the numbers of FeatureRows.
class OwnedFeatures {
  public:
    void copy(const FeatureRows& from) {
        rows_ = from.rows(), columns_ = from.columns();
        numbers_.clear();
        for (std::size_t r = 0; r < rows_; ++r) {
            for (std::size_t c = 0; c < columns_; ++c) numbers_.push_back(from(r, c));
        }
    }
    FeatureRows view() const { return {numbers_.data(), rows_, columns_}; }

  private:
    std::vector<double> numbers_;
    std::size_t rows_ = 0, columns_ = 0;
};

/// A copy of the ids of FieldRows.
class OwnedFields {
  public:
    void copy(const FieldRows& from) {
        rows_ = from.rows(), fields_ = from.fields();
        ids_.clear();
        offsets_.assign(1, 0);
        for (std::size_t r = 0; r < rows_; ++r) {
            for (std::size_t f = 0; f < fields_; ++f) {
                const auto cell = from(r, f);
                ids_.insert(ids_.end(), cell.begin(), cell.end());
                offsets_.push_back(static_cast<std::int64_t>(ids_.size()));
            }
        }
    }
    FieldRows view() const { return {ids_, offsets_, rows_, fields_}; }

  private:
    std::vector<std::int32_t> ids_;
    std::vector<std::int64_t> offsets_;
    std::size_t rows_ = 0, fields_ = 0;
};

}  // namespace psad
