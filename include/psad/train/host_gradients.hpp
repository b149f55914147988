/// \file host_gradients.hpp
/// The gradient of a step in host memory: the shards' gradients added in their order. Every sum runs in an order that
/// depends on the batch alone, so the bits do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/sparse_gradient.hpp"

namespace psad::inline PSAD_ABI::train {

/// Dense weights in chunks, one task each; tables by the rows that the step read, one task each.
template <class B>
class HostGradients {
    using T = typename B::Scalar;

  public:
    /// Gradients of the parameters in `registry`. `registry` must outlive this.
    HostGradients(const B&, const ParameterRegistry& registry) {
        for (const ParameterInfo& p : registry.parameters) {
            if (p.table) {
                tables_.push_back({&p, {}, {}, std::vector<int>(static_cast<std::size_t>(p.rows), -1)});
                continue;
            }
            for (std::size_t first = 0; first < p.size(); first += chunk_size)
                chunks_.push_back({p.offset + first, (std::min)(chunk_size, p.size() - first), p.decays()});
        }
    }

    /// Sums the shards' gradients, times `scale`. `dense[s]` is the dense gradient of shard s; dense[0] is overwritten.
    /// Returns the sum of squares.
    double collect(const B& backend, std::span<T* const> dense, std::span<const SparseGradient<T>* const> sparse,
                   double scale) {
        dense_ = dense[0];
        squares_.assign(chunks_.size() + tables_.size(), 0.0);
        backend.parallel(tasks(), [&](int i) {
            const auto at = static_cast<std::size_t>(i);
            squares_[at] = at < chunks_.size()
                               ? sum_dense(backend, chunks_[at], dense, static_cast<T>(scale))
                               : sum_rows(backend, tables_[at - chunks_.size()], sparse, static_cast<T>(scale));
        });
        double squares = 0;
        for (const double s : squares_) squares += s;
        return squares;
    }

    /// Calls step(gradient times shrink, decayed, parameter, moments, i) for every number that has a gradient. Its
    /// moments are number i of the dense or of the table blocks.
    template <class Step, class M>
    void apply(const B& backend, const Step& step, T shrink, Parameters<T>& p, M dense_moments, M table_moments) {
        backend.parallel(tasks(), [&](int i) {
            const auto at = static_cast<std::size_t>(i);
            if (at < chunks_.size()) {
                const Chunk& c = chunks_[at];
                update(step, shrink, dense_ + c.offset, c.decayed ? T(1) : T(0), p.dense.data(), dense_moments,
                       c.offset, c.size);
            } else {
                const TableRows& table = tables_[at - chunks_.size()];
                const auto width = static_cast<std::size_t>(table.info->cols);
                for (std::size_t r = 0; r < table.rows.size(); ++r) {
                    const std::size_t row = table.info->offset + static_cast<std::size_t>(table.rows[r]) * width;
                    update(step, shrink, table.grad.data() + r * width, T(1), p.tables.data(), table_moments, row,
                           width);
                }
            }
        });
    }

  private:
    static constexpr std::size_t chunk_size = 8192;

    struct Chunk {
        std::size_t offset, size;
        bool decayed;
    };
    /// Rows that a step read, in the order in which they first occur, and their summed gradients.
    struct TableRows {
        const ParameterInfo* info;
        std::vector<int> rows;
        std::vector<T> grad;
        std::vector<int> index;  ///< [rows of the table] where a row stands in `rows`, -1 = not
    };

    int tasks() const { return static_cast<int>(chunks_.size() + tables_.size()); }

    static double sum_dense(const B& backend, const Chunk& c, std::span<T* const> dense, T scale) {
        T* sum = dense[0] + c.offset;
        for (std::size_t s = 1; s < dense.size(); ++s) {
            const T* more = dense[s] + c.offset;
            for (std::size_t i = 0; i < c.size; ++i) sum[i] += more[i];
        }
        for (std::size_t i = 0; i < c.size; ++i) sum[i] *= scale;
        return backend.sum_squares(sum, c.size);
    }

    static double sum_rows(const B& backend, TableRows& table, std::span<const SparseGradient<T>* const> sparse,
                           T scale) {
        const auto width = static_cast<std::size_t>(table.info->cols);
        for (const int row : table.rows) table.index[static_cast<std::size_t>(row)] = -1;
        table.rows.clear();
        table.grad.clear();
        for (const SparseGradient<T>* record : sparse) {
            for (; record != nullptr; record = record->next) {
                if (record->table == table.info->offset) add_record(table, *record, width);
            }
        }
        for (T& g : table.grad) g *= scale;
        return backend.sum_squares(table.grad.data(), table.grad.size());
    }

    static void add_record(TableRows& table, const SparseGradient<T>& record, std::size_t width) {
        for (int r = 0; r < record.rows; ++r) {
            const int first = record.offsets ? record.offsets[r] : r,
                      last = record.offsets ? record.offsets[r + 1] : r + 1;
            const T* from = record.grad + static_cast<std::size_t>(r) * width;
            const T fraction = last - first > 1 ? T(1) / static_cast<T>(last - first) : T(1);
            for (int j = first; j < last; ++j) {
                int& index = table.index[static_cast<std::size_t>(record.ids[j])];
                if (index < 0) {
                    index = static_cast<int>(table.rows.size());
                    table.rows.push_back(record.ids[j]);
                    table.grad.resize(table.grad.size() + width, T(0));
                }
                T* to = table.grad.data() + static_cast<std::size_t>(index) * width;
                for (std::size_t c = 0; c < width; ++c) to[c] += fraction * from[c];
            }
        }
    }

    template <class Step, class M>
    static void update(const Step& step, T shrink, const T* grad, T decayed, T* block, M moments, std::size_t first,
                       std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) step(grad[i] * shrink, decayed, block[first + i], moments, first + i);
    }

    std::vector<Chunk> chunks_;
    std::vector<TableRows> tables_;
    std::vector<double> squares_;
    T* dense_ = nullptr;
};

}  // namespace psad::train
