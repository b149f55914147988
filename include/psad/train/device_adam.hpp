/// \file device_adam.hpp
/// AdamW on a device with memory of its own, in primitives of its backend: see adam.hpp for the method.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/workspace.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/arena.hpp"
#include "psad/core/error.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/matrix.hpp"
#include "psad/train/adam.hpp"

namespace psad {

namespace device_adam {

/// A gradient of a batch's sum as one of its mean; none where nothing is learned.
template <class T>
struct Scaled {
    T scale;
    PSAD_HOST_DEVICE T operator()(T grad, T learned) const { return scale * grad * learned; }
};

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

/// What an id of a sparse gradient adds to its row.
template <class T>
struct Share {
    const int* bag;  ///< null: row i is of id i
    const int* ids;
    T scale;
    Matrix<const T> grad;
    int first_row;  ///< of the table, among those of its width
    int first;      ///< number of the first id, among all of the step and width
    Matrix<T> out;  ///< [ids of the step x width]
    int* row;       ///< [ids of the step]
    int* claimed;   ///< [rows] any one of a row's ids: that one is to update it
    PSAD_HOST_DEVICE void operator()(int id, int begin, int step) const {
        const int to = first + id;
        int from = id;
        T by = scale;
        if (bag) {
            int low = 0, high = grad.rows;  // the last bag that begins at the id or before
            while (high - low > 1) {
                const int middle = (low + high) / 2;
                (bag[middle] <= id ? low : high) = middle;
            }
            from = low;
            by /= static_cast<T>(bag[from + 1] - bag[from]);
        }
        for (int c = begin; c < out.cols; c += step) out(to, c) = by * grad(from, c);
        if (begin > 0) return;
        row[to] = first_row + ids[id];
        claimed[row[to]] = to;
    }
};

/// Number i of the rows of a step's ids, by the id that claimed the row; its gradient is zero afterwards.
template <class T>
struct Row {
    AdamRates<T> rates;
    const int* row;
    const int* claimed;
    const std::int64_t* offset;  ///< [rows] in the table block
    int width;
    T* grad;
    T* m;
    T* v;
    T* tables;
    PSAD_HOST_DEVICE void operator()(int i) const {
        const int id = i / width, c = i % width, r = row[id];
        if (claimed[r] != id) return;
        const std::int64_t n = static_cast<std::int64_t>(r) * width + c;
        adam_update(rates, grad[n], rates.decay, tables[offset[r] + c], m[n], v[n]);
        grad[n] = 0;
    }
};

}  // namespace device_adam

template <class B>
class DeviceAdam {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    /// Parameters that are not in the list stay as they are. Throws SettingError for tables beyond all
    /// numbering.
    DeviceAdam(const B& backend, const ParameterList& list, const AdamSettings& settings)
        : settings_(settings),
          dense_size_(static_cast<int>(list.dense_size)),
          m_(list.dense_size),
          v_(list.dense_size),
          learned_(list.dense_size),
          decayed_(list.dense_size) {
        for (auto* buffer : {&m_, &v_, &learned_, &decayed_}) clear(backend, *buffer);
        for (const ParameterInfo& p : list.parameters) {
            if (p.table) {
                add_table(p);
                continue;
            }
            backend.fill(learned_.data() + p.offset, static_cast<int>(p.size()), T(1));
            if (p.rows > 1) backend.fill(decayed_.data() + p.offset, static_cast<int>(p.size()), T(1));
        }
        for (Tables& t : tables_) {
            const std::size_t rows = t.host_offset.size(), numbers = rows * static_cast<std::size_t>(t.width);
            if (numbers > static_cast<std::size_t>((std::numeric_limits<int>::max)())) {
                throw SettingError("training", "tables of width " + std::to_string(t.width),
                                   std::to_string(numbers) + " numbers", "fewer than 2^31 on such a device");
            }
            t.offset = Buffer<std::int64_t, Memory>(rows);
            backend.upload(t.host_offset.data(), rows * sizeof(std::int64_t), t.offset.data());
            t.claimed = Buffer<int, Memory>(rows);
            for (auto* buffer : {&t.grad, &t.m, &t.v}) {
                *buffer = Buffer<T, Memory>(numbers);
                clear(backend, *buffer);
            }
        }
    }

    /// As Adam::step, all numbers on the device.
    double step(const B& backend, Parameters<T, Memory>& parameters, std::span<T* const> dense,
                std::span<const SparseGradient<T>* const> sparse, double scale, double rate) {
        ++steps_;
        arena_.reset();
        const Matrix<T> sum{dense[0], 1, dense_size_, dense_size_};
        for (std::size_t s = 1; s < dense.size(); ++s)
            backend.template map<true>(Identity{}, sum, Operand<T>{dense[s], dense_size_});
        backend.template map<false>(device_adam::Scaled<T>{static_cast<T>(scale)}, sum,
                                    Operand<T>{sum.data, dense_size_},
                                    Operand<T>{learned_.data(), dense_size_});
        double squares = backend.sum_squares(sum.data, static_cast<std::size_t>(dense_size_));
        for (Tables& t : tables_) {
            collect(backend, t, sparse, static_cast<T>(scale));
            squares += backend.sum_squares(t.grad.data(), t.grad.size());
        }
        const double norm = std::sqrt(squares);
        const AdamRates<T> rates(settings_, rate, adam_shrink(settings_, norm), steps_);
        backend.for_each(dense_size_, device_adam::Dense<T>{rates, decayed_.data(), sum.data,
                                                            parameters.dense.data(), m_.data(), v_.data()});
        for (Tables& t : tables_) {
            backend.for_each(
                t.ids * t.width,
                device_adam::Row<T>{rates, t.row, t.claimed.data(), t.offset.data(), t.width, t.grad.data(),
                                    t.m.data(), t.v.data(), parameters.tables.data()});
        }
        return norm;
    }

  private:
    /// All tables of one width, as if they were one: a step sorts their ids once.
    struct Tables {
        int width;
        std::vector<std::int64_t> host_offset;  ///< of each row, in the table block
        Buffer<std::int64_t, Memory> offset;
        Buffer<T, Memory> grad, m, v;
        Buffer<int, Memory> claimed;
        int* row = nullptr;  ///< of the step's ids
        int ids = 0;         ///< of the step
    };
    /// Where the rows of a table begin among those of its width.
    struct Place {
        std::size_t offset;
        int width, first_row;
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
        places_.push_back({p.offset, p.cols, static_cast<int>(t->host_offset.size())});
        for (int r = 0; r < p.rows; ++r)
            t->host_offset.push_back(static_cast<std::int64_t>(p.offset) + std::int64_t{r} * p.cols);
    }

    /// Calls f(record, its table's place) for the records of learned tables of a width.
    template <class F>
    void for_each_record(std::span<const SparseGradient<T>* const> sparse, int width, F f) const {
        for (const SparseGradient<T>* record : sparse) {
            for (; record != nullptr; record = record->next) {
                if (record->width != width || record->count == 0) continue;
                const auto place = std::ranges::find(places_, record->table, &Place::offset);
                if (place != places_.end()) f(*record, *place);
            }
        }
    }

    /// The gradients by the rows of a width's tables.
    void collect(const B& backend, Tables& t, std::span<const SparseGradient<T>* const> sparse, T scale) {
        t.ids = 0;
        for_each_record(sparse, t.width, [&](const SparseGradient<T>& r, const Place&) { t.ids += r.count; });
        const auto ids = static_cast<std::size_t>(t.ids);
        t.row = arena_.template make<int>(ids);
        const Matrix<T> shares{arena_.template make<T>(ids * static_cast<std::size_t>(t.width)), t.ids,
                               t.width, t.width};
        int first = 0;
        for_each_record(sparse, t.width, [&](const SparseGradient<T>& r, const Place& place) {
            backend.for_each_row(r.count, device_adam::Share<T>{r.bag,
                                                                r.ids,
                                                                scale,
                                                                {r.grad, r.rows, r.width, r.width},
                                                                place.first_row,
                                                                first,
                                                                shares,
                                                                t.row,
                                                                t.claimed.data()});
            first += r.count;
        });
        backend.scatter_add(shares, t.row,
                            {t.grad.data(), static_cast<int>(t.host_offset.size()), t.width, t.width});
    }

    AdamSettings settings_;
    int dense_size_;
    Buffer<T, Memory> m_, v_, learned_, decayed_;
    std::vector<Tables> tables_;
    std::vector<Place> places_;
    Arena<Memory> arena_;
    std::int64_t steps_ = 0;
};

}  // namespace psad
