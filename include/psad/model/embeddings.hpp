/// \file embeddings.hpp
/// Encoded columns to embeddings: candidates, history events, the user.
#pragma once

#include <vector>

#include "psad/autograd/ops/map.hpp"
#include "psad/features/batch.hpp"
#include "psad/features/schema.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// Rows of each embedding table, as the encoder's vocabularies ask for.
struct TableSizes {
    std::vector<int> profile, item;  ///< item[0] is the id table

    static TableSizes of(const Statistics& statistics) {
        TableSizes s;
        for (const Vocabulary& v : statistics.profile_fields) s.profile.push_back(v.rows);
        s.item.push_back(statistics.items.rows);
        for (const Vocabulary& v : statistics.item_fields) s.item.push_back(v.rows);
        return s;
    }
};

/// The first layer of teacher and student: one row of Width numbers per candidate, event and request.
template <int Width>
class Embeddings {
  public:
    Embeddings(const Scope& scope, const TableSizes& sizes)
        : item_fields_(scope / "item", sizes.item),
          profile_fields_(scope / "profile", sizes.profile),
          feedback_(scope / "feedback"),
          dense_(scope / "dense"),
          profile_(scope / "profile") {}

    /// [items, Width]
    template <class Ctx, class T>
    auto items(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = item_fields_.template on<Items>(ctx, in.item_fields.data);
        return map(ctx, Add{}, ids, dense_(ctx, ctx.template constant<Items, dense_width>(in.dense)));
    }
    /// [events, Width]
    template <class Ctx, class T>
    auto events(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = item_fields_.template on<Events>(ctx, in.event_fields.data);
        return gather<Events>(ctx, identity_rows(ids), feedback_.rows(ctx, in.feedback));
    }
    /// [lists, Width]
    template <class Ctx, class T>
    auto profile(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = profile_fields_.template on<Lists>(ctx, in.profile_fields.data);
        return map(ctx, Add{}, ids, profile_(ctx, ctx.template constant<Lists, profile_width>(in.profile)));
    }

  private:
    nn::FieldEmbedding<Width> item_fields_, profile_fields_;
    nn::PositionEmbedding<feedback_kinds, Width> feedback_;
    nn::Linear<dense_width, Width> dense_;
    nn::Linear<profile_width, Width> profile_;
};

}  // namespace psad
