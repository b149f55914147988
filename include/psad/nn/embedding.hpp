/// \file embedding.hpp
/// Learned rows: large tables for categorical fields (sparse gradients), small ones for positions (dense
/// gradients).
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/parameters.hpp"

namespace psad::inline PSAD_ABI::nn {

/// One table per categorical field; a row's embedding is the sum over fields of the mean over the field's
/// values. Fields that several kinds of rows share stand first.
template <int Width>
class FieldEmbedding {
  public:
    /// `sizes[f]` rows for field f.
    FieldEmbedding(const Scope& scope, const std::vector<int>& sizes) {
        for (std::size_t f = 0; f < sizes.size(); ++f) {
            tables_.push_back(scope.table<Width>("field" + std::to_string(f), sizes[f], Init::gaussian(0.05f)));
        }
    }
    /// The tables of `shared`, then those of fields of its own.
    FieldEmbedding(const FieldEmbedding& shared, const FieldEmbedding& own) : tables_(shared.tables_) {
        tables_.insert(tables_.end(), own.tables_.begin(), own.tables_.end());
    }

    /// `bags` holds one entry per field.
    template <class Axis, class Ctx>
    auto on(Ctx& ctx, const Bag* bags) const {
        return embed<Axis>(ctx, tables_.data(), bags, static_cast<int>(tables_.size()));
    }

  private:
    std::vector<Table<Width>> tables_;
};

/// A small table of Count rows: positions, buckets, types.
template <int Count, int Width>
class PositionEmbedding {
  public:
    explicit PositionEmbedding(const Scope& scope, Init init = Init::gaussian(0.05f))
        : table_(scope.weight<Count, Width>("table", init)) {}

    /// The table's rows by index, to be summed with others by psad::gather.
    template <class Ctx>
    auto rows(Ctx& ctx, const int* index) const {
        const auto table = ctx.weight(table_);
        return PickedRows<std::remove_const_t<decltype(table)>>{table, index};
    }
    /// Row r is the table's row index[r], zero where that is negative.
    template <class Axis, class Ctx>
    auto on(Ctx& ctx, const int* index) const {
        return gather<Axis>(ctx, rows(ctx, index));
    }

  private:
    Weight<Count, Width> table_;
};

/// A small table whose number of rows is known when the model is built.
template <int Width>
class KindEmbedding {
  public:
    KindEmbedding(const Scope& scope, int rows) : table_(scope.weight<Width>("table", rows, Init::gaussian(0.05f))) {}

    /// The table's rows by index, to be summed with others by psad::gather; nothing where that is negative.
    template <class Ctx>
    auto rows(Ctx& ctx, const int* index) const {
        const auto table = ctx.weight(table_);
        return PickedRows<std::remove_const_t<decltype(table)>>{table, index};
    }

  private:
    FeatureWeight<Width> table_;
};

}  // namespace psad::nn
