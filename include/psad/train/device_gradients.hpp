/// \file device_gradients.hpp
/// The gradient of a step on a device with memory of its own, in primitives of its backend.
///
/// Dense gradients are added shard by shard. For the tables all that have one width are treated as one: every id of the
/// step's sparse gradients writes its part of the gradient into a row of its own (IdGradient), scatter_add sums these
/// rows by table row, and of the ids of one table row the one that wrote `owner` last updates it (UpdateRow).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/sparse_gradient.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/arena.hpp"
#include "psad/core/error.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::train {

namespace device_gradients_detail {

/// The gradient of a batch's sum as that of its mean; 0 where nothing is learned.
template <class T>
struct Scaled {
    T scale;
    PSAD_HOST_DEVICE T operator()(T grad, T learned) const { return scale * grad * learned; }
};

/// Updates number i of the dense block.
template <class T, class Step, class M>
struct UpdateDense {
    Step step;
    T shrink;
    const T* decayed;  ///< 1 for a number that is decayed, else 0
    const T* grad;
    T* p;
    M moments;
    PSAD_HOST_DEVICE void operator()(int i) const {
        step(grad[i] * shrink, decayed[i], p[i], moments, static_cast<std::size_t>(i));
    }
};

/// What one id of a sparse gradient adds to its table row.
template <class T>
struct IdGradient {
    const int* offsets;  ///< null: row i is of id i
    const int* ids;
    T scale;
    Matrix<const T> grad;
    int first_row;  ///< of the table, among those of its width
    int first;      ///< number of the first id, among all of the step and width
    Matrix<T> out;  ///< [ids of the step x width]
    int* row;       ///< [ids of the step] table row, among those of its width
    int* owner;     ///< [table rows] any one of a row's ids
    PSAD_HOST_DEVICE void operator()(int id, int begin, int step) const {
        const int to = first + id;
        int from = id;
        T by = scale;
        if (offsets) {
            int low = 0, high = grad.rows;  // the last row that begins at the id or before
            while (high - low > 1) {
                const int middle = (low + high) / 2;
                (offsets[middle] <= id ? low : high) = middle;
            }
            from = low;
            by /= static_cast<T>(offsets[from + 1] - offsets[from]);
        }
        for (int c = begin; c < out.cols; c += step) out(to, c) = by * grad(from, c);
        if (begin > 0) return;
        row[to] = first_row + ids[id];
        owner[row[to]] = to;
    }
};

/// Updates number i of the table rows of a step's ids, by the id that owns the row; its gradient is zero afterwards.
template <class T, class Step, class M>
struct UpdateRow {
    Step step;
    T shrink;
    const int* row;
    const int* owner;
    const std::int64_t* offset;  ///< [table rows] in the table block
    int width;
    T* grad;
    T* tables;
    M moments;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int id = i / width, c = i % width, r = row[id];
        if (owner[r] != id) return;
        T& g = grad[static_cast<std::int64_t>(r) * width + c];
        const auto at = static_cast<std::size_t>(offset[r] + c);
        step(g * shrink, T(1), tables[at], moments, at);
        g = 0;
    }
};

}  // namespace device_gradients_detail

/// As HostGradients, all numbers on the device.
template <class B>
class DeviceGradients {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    /// Parameters that are not in the registry stay as they are. Throws SettingError for tables of 2^31 numbers or
    /// more.
    DeviceGradients(const B& backend, const ParameterRegistry& registry)
        : dense_size_(static_cast<int>(registry.dense_size)),
          learned_(registry.dense_size),
          decayed_(registry.dense_size) {
        for (auto* buffer : {&learned_, &decayed_}) clear(backend, *buffer);
        for (const ParameterInfo& p : registry.parameters) {
            if (p.table) {
                add_table(p);
                continue;
            }
            backend.fill(learned_.data() + p.offset, static_cast<int>(p.size()), T(1));
            if (p.decays()) backend.fill(decayed_.data() + p.offset, static_cast<int>(p.size()), T(1));
        }
        for (Tables& t : tables_) {
            const std::size_t rows = t.host_offset.size(), numbers = rows * static_cast<std::size_t>(t.width);
            if (numbers > static_cast<std::size_t>((std::numeric_limits<int>::max)())) {
                throw SettingError("training", "tables of width " + std::to_string(t.width),
                                   std::to_string(numbers) + " numbers", "fewer than 2^31 on such a device");
            }
            t.offset = Buffer<std::int64_t, Memory>(rows);
            backend.upload(t.host_offset.data(), rows * sizeof(std::int64_t), t.offset.data());
            t.owner = Buffer<int, Memory>(rows);
            t.grad = Buffer<T, Memory>(numbers);
            clear(backend, t.grad);
        }
    }

    double collect(const B& backend, std::span<T* const> dense, std::span<const SparseGradient<T>* const> sparse,
                   double scale) {
        namespace detail = device_gradients_detail;
        arena_.reset();
        sum_ = {dense[0], 1, dense_size_, dense_size_};
        for (std::size_t s = 1; s < dense.size(); ++s)
            backend.template map<true>(Identity{}, sum_, Operand<T>{dense[s], dense_size_});
        backend.template map<false>(detail::Scaled<T>{static_cast<T>(scale)}, sum_, Operand<T>{sum_.data, dense_size_},
                                    Operand<T>{learned_.data(), dense_size_});
        double squares = backend.sum_squares(sum_.data, static_cast<std::size_t>(dense_size_));
        for (Tables& t : tables_) {
            sum_rows(backend, t, sparse, static_cast<T>(scale));
            squares += backend.sum_squares(t.grad.data(), t.grad.size());
        }
        return squares;
    }

    template <class Step, class M>
    void apply(const B& backend, const Step& step, T shrink, Parameters<T, Memory>& p, M dense_moments,
               M table_moments) {
        namespace detail = device_gradients_detail;
        backend.for_each(dense_size_, detail::UpdateDense<T, Step, M>{step, shrink, decayed_.data(), sum_.data,
                                                                      p.dense.data(), dense_moments});
        for (Tables& t : tables_) {
            backend.for_each(t.ids * t.width,
                             detail::UpdateRow<T, Step, M>{step, shrink, t.row, t.owner.data(), t.offset.data(),
                                                           t.width, t.grad.data(), p.tables.data(), table_moments});
        }
    }

  private:
    /// All tables of one width, as if they were one: a step sorts their ids once.
    struct Tables {
        int width;
        std::vector<std::int64_t> host_offset;  ///< of each row, in the table block
        Buffer<std::int64_t, Memory> offset;
        Buffer<T, Memory> grad;
        Buffer<int, Memory> owner;
        int* row = nullptr;  ///< of the step's ids
        int ids = 0;         ///< of the step
    };
    /// Where the rows of a table begin among those of its width.
    struct FirstRow {
        std::size_t offset;
        int width, row;
    };

    static void clear(const B& backend, Buffer<T, Memory>& buffer) {
        backend.fill(buffer.data(), static_cast<int>(buffer.size()), T(0));
    }

    void add_table(const ParameterInfo& p) {
        auto t = std::ranges::find(tables_, p.cols, &Tables::width);
        if (t == tables_.end()) {
            tables_.push_back({});
            t = tables_.end() - 1;
            t->width = p.cols;
        }
        first_rows_.push_back({p.offset, p.cols, static_cast<int>(t->host_offset.size())});
        for (int r = 0; r < p.rows; ++r)
            t->host_offset.push_back(static_cast<std::int64_t>(p.offset) + std::int64_t{r} * p.cols);
    }

    /// Calls f(record, first row of its table) for the records of learned tables of a width.
    template <class F>
    void for_each_record(std::span<const SparseGradient<T>* const> sparse, int width, F f) const {
        for (const SparseGradient<T>* record : sparse) {
            for (; record != nullptr; record = record->next) {
                if (record->width != width || record->count == 0) continue;
                const auto first = std::ranges::find(first_rows_, record->table, &FirstRow::offset);
                if (first != first_rows_.end()) f(*record, first->row);
            }
        }
    }

    /// Sums the gradients by the rows of a width's tables.
    void sum_rows(const B& backend, Tables& t, std::span<const SparseGradient<T>* const> sparse, T scale) {
        t.ids = 0;
        for_each_record(sparse, t.width, [&](const SparseGradient<T>& r, int) { t.ids += r.count; });
        const auto ids = static_cast<std::size_t>(t.ids);
        t.row = arena_.template make<int>(ids);
        const Matrix<T> by_id{arena_.template make<T>(ids * static_cast<std::size_t>(t.width)), t.ids, t.width,
                              t.width};
        int first = 0;
        for_each_record(sparse, t.width, [&](const SparseGradient<T>& r, int first_row) {
            backend.for_each_row(r.count,
                                 device_gradients_detail::IdGradient<T>{.offsets = r.offsets,
                                                                        .ids = r.ids,
                                                                        .scale = scale,
                                                                        .grad = {r.grad, r.rows, r.width, r.width},
                                                                        .first_row = first_row,
                                                                        .first = first,
                                                                        .out = by_id,
                                                                        .row = t.row,
                                                                        .owner = t.owner.data()});
            first += r.count;
        });
        backend.scatter_add(by_id, t.row, {t.grad.data(), static_cast<int>(t.host_offset.size()), t.width, t.width});
    }

    int dense_size_;
    Buffer<T, Memory> learned_, decayed_;
    Matrix<T> sum_;  ///< of the step, in the first shard's memory
    std::vector<Tables> tables_;
    std::vector<FirstRow> first_rows_;
    Arena<Memory> arena_;
};

}  // namespace psad::train
