/// \file adam.hpp
/// AdamW (Loshchilov and Hutter, 2019): one sweep over the dense block, and lazily over the table rows that a
/// step touched. Every sum runs in an order that depends on the batch alone, so the bits do not depend on the
/// number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/workspace.hpp"

namespace psad {

struct AdamSettings {
    double rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.05;  ///< of matrices and tables; vectors (biases, gains) are not decayed
    double clip = 1.0;           ///< largest norm of the whole gradient; 0 = no limit
};

/// What a step makes of a gradient: see adam_update.
template <class T>
struct AdamRates {
    T grad;  ///< the shrinking that clips
    T beta1, beta2, rate, decay, epsilon, correct1, correct2;

    AdamRates(const AdamSettings& s, double rate_now, double shrink, std::int64_t step)
        : grad(static_cast<T>(shrink)),
          beta1(static_cast<T>(s.beta1)),
          beta2(static_cast<T>(s.beta2)),
          rate(static_cast<T>(s.rate * rate_now)),
          decay(static_cast<T>(s.rate * rate_now * s.weight_decay)),
          epsilon(static_cast<T>(s.epsilon)),
          correct1(static_cast<T>(1.0 / (1.0 - std::pow(s.beta1, static_cast<double>(step))))),
          correct2(static_cast<T>(1.0 / (1.0 - std::pow(s.beta2, static_cast<double>(step))))) {}
};

/// One number's step.
template <class T>
PSAD_HOST_DEVICE inline void adam_update(const AdamRates<T>& r, T grad, T decay, T& p, T& m, T& v) {
    const T g = grad * r.grad;
    m = r.beta1 * m + (T(1) - r.beta1) * g;
    v = r.beta2 * v + (T(1) - r.beta2) * g * g;
    p -= r.rate * m * r.correct1 / (std::sqrt(v * r.correct2) + r.epsilon) + decay * p;
}

/// What clips a gradient of a norm.
inline double adam_shrink(const AdamSettings& s, double norm) {
    return s.clip > 0 && norm > s.clip ? s.clip / norm : 1.0;
}

template <class T>
class Adam {
  public:
    Adam(const ParameterList& list, const AdamSettings& settings) : settings_(settings), m_(list), v_(list) {
        for (const ParameterInfo& p : list.parameters) {
            if (p.table)
                tables_.push_back({&p, {}, {}, std::vector<int>(static_cast<std::size_t>(p.rows), -1)});
            else
                for (std::size_t first = 0; first < p.size(); first += chunk_size) {
                    chunks_.push_back(
                        {p.offset + first, (std::min)(chunk_size, p.size() - first), p.rows > 1});
                }
        }
    }

    /// One step with the gradient sum(shards) * scale. `dense[s]` is the dense gradient of shard s; it is
    /// overwritten. `rate` multiplies the set rate. Returns the norm of the gradient before clipping.
    template <class B>
    double step(const B& backend, Parameters<T>& parameters, std::span<T* const> dense,
                std::span<const SparseGradient<T>* const> sparse, double scale, double rate) {
        ++steps_;
        norms_.assign(chunks_.size() + tables_.size(), 0.0);
        backend.parallel(static_cast<int>(chunks_.size() + tables_.size()), [&](int i) {
            const auto at = static_cast<std::size_t>(i);
            norms_[at] = at < chunks_.size() ? add_up(backend, chunks_[at], dense, scale)
                                             : add_up(backend, tables_[at - chunks_.size()], sparse, scale);
        });
        double squares = 0;
        for (const double n : norms_) squares += n;
        const double norm = std::sqrt(squares);
        const Rates rates(settings_, rate, adam_shrink(settings_, norm), steps_);
        backend.parallel(static_cast<int>(chunks_.size() + tables_.size()), [&](int i) {
            const auto at = static_cast<std::size_t>(i);
            if (at < chunks_.size()) {
                const Chunk& c = chunks_[at];
                update(parameters.dense.data() + c.offset, dense[0] + c.offset, m_.dense.data() + c.offset,
                       v_.dense.data() + c.offset, c.size, c.decayed, rates);
            } else {
                update(tables_[at - chunks_.size()], parameters, rates);
            }
        });
        return norm;
    }

  private:
    static constexpr std::size_t chunk_size = 8192;

    struct Chunk {
        std::size_t offset, size;
        bool decayed;
    };
    /// Rows touched in a step, in the order of their first touch, and their summed gradients.
    struct TableRows {
        const ParameterInfo* info;
        std::vector<int> touched;
        std::vector<T> grad;
        std::vector<int> place;  ///< [rows] where a row stands in touched, -1 = not
    };
    using Rates = AdamRates<T>;

    template <class B>
    double add_up(const B& backend, const Chunk& c, std::span<T* const> dense, double scale) const {
        T* sum = dense[0] + c.offset;
        for (std::size_t s = 1; s < dense.size(); ++s) {
            const T* more = dense[s] + c.offset;
            for (std::size_t i = 0; i < c.size; ++i) sum[i] += more[i];
        }
        const T by = static_cast<T>(scale);
        for (std::size_t i = 0; i < c.size; ++i) sum[i] *= by;
        return backend.sum_squares(sum, c.size);
    }

    template <class B>
    double add_up(const B& backend, TableRows& table, std::span<const SparseGradient<T>* const> sparse,
                  double scale) const {
        const auto width = static_cast<std::size_t>(table.info->cols);
        for (const int row : table.touched) table.place[static_cast<std::size_t>(row)] = -1;
        table.touched.clear();
        table.grad.clear();
        for (const SparseGradient<T>* record : sparse) {
            for (; record != nullptr; record = record->next) {
                if (record->table == table.info->offset) add_record(table, *record, width);
            }
        }
        const T by = static_cast<T>(scale);
        for (T& g : table.grad) g *= by;
        return backend.sum_squares(table.grad.data(), table.grad.size());
    }

    static void add_record(TableRows& table, const SparseGradient<T>& record, std::size_t width) {
        for (int r = 0; r < record.rows; ++r) {
            const int first = record.bag ? record.bag[r] : r, last = record.bag ? record.bag[r + 1] : r + 1;
            const T* from = record.grad + static_cast<std::size_t>(r) * width;
            const T share = last - first > 1 ? T(1) / static_cast<T>(last - first) : T(1);
            for (int j = first; j < last; ++j) {
                int& place = table.place[static_cast<std::size_t>(record.ids[j])];
                if (place < 0) {
                    place = static_cast<int>(table.touched.size());
                    table.touched.push_back(record.ids[j]);
                    table.grad.resize(table.grad.size() + width, T(0));
                }
                T* to = table.grad.data() + static_cast<std::size_t>(place) * width;
                for (std::size_t c = 0; c < width; ++c) to[c] += share * from[c];
            }
        }
    }

    void update(const TableRows& table, Parameters<T>& parameters, const Rates& rates) {
        const auto width = static_cast<std::size_t>(table.info->cols);
        for (std::size_t i = 0; i < table.touched.size(); ++i) {
            const std::size_t at = table.info->offset + static_cast<std::size_t>(table.touched[i]) * width;
            update(parameters.tables.data() + at, table.grad.data() + i * width, m_.tables.data() + at,
                   v_.tables.data() + at, width, true, rates);
        }
    }

    void update(T* p, const T* grad, T* m, T* v, std::size_t count, bool decayed, const Rates& r) const {
        const T decay = decayed ? r.decay : T(0);
        for (std::size_t i = 0; i < count; ++i) adam_update(r, grad[i], decay, p[i], m[i], v[i]);
    }

    AdamSettings settings_;
    Parameters<T> m_, v_;
    std::vector<Chunk> chunks_;
    std::vector<TableRows> tables_;
    std::vector<double> norms_;
    std::int64_t steps_ = 0;
};

}  // namespace psad
