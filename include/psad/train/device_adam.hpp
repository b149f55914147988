/// \file device_adam.hpp
/// AdamW on a device with memory of its own, in primitives of its backend: see adam.hpp for the method.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/workspace.hpp"
#include "psad/core/functors.hpp"
#include "psad/train/adam.hpp"

namespace psad {

namespace device_adam {

/// Number i of the dense block.
template <class T>
struct Dense {
    AdamRates<T> rates;
    const T* decayed;  ///< 1 for a number that is decayed, else 0
    const T* grad;
    T* p;
    T* m;
    T* v;
    PSAD_HOST_DEVICE void operator()(int i) const {
        adam_update(rates, grad[i], rates.decay * decayed[i], p[i], m[i], v[i]);
    }
};

/// Number i of what the ids of a sparse gradient add to their table rows.
template <class T>
struct Share {
    const int* bag;  ///< null: row i is of id i
    T scale;
    Matrix<const T> grad;
    Matrix<T> out;  ///< [ids x width]
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int id = i / out.cols, c = i % out.cols;
        int row = id;
        T by = scale;
        if (bag) {
            int low = 0, high = grad.rows;  // the last row that begins at the id or before
            while (high - low > 1) {
                const int middle = (low + high) / 2;
                (bag[middle] <= id ? low : high) = middle;
            }
            row = low;
            by /= static_cast<T>(bag[row + 1] - bag[row]);
        }
        out(id, c) = by * grad(row, c);
    }
};

/// Any one of the ids of a table row is to update it.
struct Claim {
    const int* ids;
    int first;     ///< number of the first id among all of a step
    int* claimed;  ///< [rows of the table]
    PSAD_HOST_DEVICE void operator()(int i) const { claimed[ids[i]] = first + i; }
};

/// Numbers of a table row, by the id that claimed it; their gradients are zero afterwards.
template <class T>
struct Row {
    AdamRates<T> rates;
    const int* ids;
    int first;
    const int* claimed;
    int width;
    T* grad;
    T* p;
    T* m;
    T* v;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int row = ids[i / width];
        if (claimed[row] != first + i / width) return;
        const long n = static_cast<long>(row) * width + i % width;
        adam_update(rates, grad[n], rates.decay, p[n], m[n], v[n]);
        grad[n] = 0;
    }
};

}  // namespace device_adam

template <class B>
class DeviceAdam {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    /// Parameters that are not in the list stay as they are.
    DeviceAdam(const B& backend, const ParameterList& list, const AdamSettings& settings)
        : settings_(settings),
          dense_size_(static_cast<int>(list.dense_size)),
          m_(list),
          v_(list),
          decayed_(list.dense_size),
          table_grad_(list.table_size) {
        for (auto* buffer : {&m_.dense, &m_.tables, &v_.dense, &v_.tables, &decayed_, &table_grad_})
            backend.fill(buffer->data(), static_cast<int>(buffer->size()), T(0));
        std::size_t rows = 0;
        for (const ParameterInfo& p : list.parameters) {
            if (p.table) {
                tables_.push_back({p.offset, rows, p.rows});
                rows += static_cast<std::size_t>(p.rows);
            } else if (p.rows > 1) {
                backend.fill(decayed_.data() + p.offset, static_cast<int>(p.size()), T(1));
            }
        }
        claimed_ = Buffer<int, Memory>(rows);
    }

    /// As Adam::step, all numbers on the device.
    double step(const B& backend, Parameters<T, Memory>& parameters, std::span<T* const> dense,
                std::span<const SparseGradient<T>* const> sparse, double scale, double rate) {
        ++steps_;
        arena_.reset();
        const Matrix<T> sum{dense[0], 1, dense_size_, dense_size_};
        for (std::size_t s = 1; s < dense.size(); ++s)
            backend.template map<true>(Identity{}, sum, Operand<T>{dense[s], dense_size_});
        backend.template map<false>(Times<T>{static_cast<T>(scale)}, sum, Operand<T>{sum.data, dense_size_});
        for_each_record(sparse, [&](const SparseGradient<T>& r, const Table& table, int first) {
            const auto numbers = static_cast<std::size_t>(r.count) * static_cast<std::size_t>(r.width);
            const Matrix<T> shares{arena_.template make<T>(numbers), r.count, r.width, r.width};
            backend.for_each(r.count * r.width,
                             device_adam::Share<T>{
                                 r.bag, static_cast<T>(scale), {r.grad, r.rows, r.width, r.width}, shares});
            backend.scatter_add(shares, r.ids,
                                {table_grad_.data() + table.offset, table.rows, r.width, r.width});
            backend.for_each(r.count, device_adam::Claim{r.ids, first, claimed_.data() + table.first_row});
        });
        const double norm = std::sqrt(backend.sum_squares(sum.data, static_cast<std::size_t>(dense_size_)) +
                                      backend.sum_squares(table_grad_.data(), table_grad_.size()));
        const AdamRates<T> rates(settings_, rate, adam_shrink(settings_, norm), steps_);
        backend.for_each(dense_size_,
                         device_adam::Dense<T>{rates, decayed_.data(), sum.data, parameters.dense.data(),
                                               m_.dense.data(), v_.dense.data()});
        for_each_record(sparse, [&](const SparseGradient<T>& r, const Table& table, int first) {
            backend.for_each(r.count * r.width,
                             device_adam::Row<T>{
                                 rates, r.ids, first, claimed_.data() + table.first_row, r.width,
                                 table_grad_.data() + table.offset, parameters.tables.data() + table.offset,
                                 m_.tables.data() + table.offset, v_.tables.data() + table.offset});
        });
        return norm;
    }

  private:
    struct Table {
        std::size_t offset, first_row;
        int rows;
    };

    /// Calls f(record, its table, number of its first id) for the records of tables that are learned.
    template <class F>
    void for_each_record(std::span<const SparseGradient<T>* const> sparse, F f) const {
        int first = 0;
        for (const SparseGradient<T>* record : sparse) {
            for (; record != nullptr; record = record->next) {
                const auto same = [&](const Table& t) { return t.offset == record->table; };
                const auto table = std::find_if(tables_.begin(), tables_.end(), same);
                if (table == tables_.end() || record->count == 0) continue;
                f(*record, *table, first);
                first += record->count;
            }
        }
    }

    AdamSettings settings_;
    int dense_size_;
    Parameters<T, Memory> m_, v_;
    Buffer<T, Memory> decayed_, table_grad_;
    Buffer<int, Memory> claimed_;
    std::vector<Table> tables_;
    Arena<Memory> arena_;
    std::int64_t steps_ = 0;
};

}  // namespace psad
