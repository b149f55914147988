/// \file embeddings.hpp
/// Encoded columns to embeddings: candidates, history events, the user.
#pragma once

#include "psad/autograd/ops/map.hpp"
#include "psad/features/batch.hpp"
#include "psad/nn/embedding.hpp"
#include "psad/nn/linear.hpp"

namespace psad::inline PSAD_ABI {

/// The first layer of teacher and student: one row of Width numbers per candidate, event and request.
template <int Width>
class Embeddings {
  public:
    Embeddings(const Scope& scope, const InputSizes& sizes)
        : Embeddings(scope, sizes, nn::FieldEmbedding<Width>(scope / "item", sizes.item)) {}

    /// [items, Width]
    template <class Ctx, class T>
    auto items(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = item_fields_.template on<Items>(ctx, in.item_fields.data);
        return map(ctx, Add{}, ids,
                   dense_.template on<Items>(ctx, FeatureInputs<T>{in.dense, in.list_scale, in.list_shift}));
    }
    /// [events, Width]
    template <class Ctx, class T>
    auto events(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = event_fields_.template on<Events>(ctx, in.event_fields.data);
        const auto event = gather<Events>(ctx, identity_rows(ids), feedback_.rows(ctx, in.feedback));
        if (event_dense_.empty()) return event;
        return map(ctx, Add{}, event, event_dense_.template on<Events>(ctx, FeatureInputs<T>{in.event_dense, {}, {}}));
    }
    /// [lists, Width]
    template <class Ctx, class T>
    auto profile(Ctx& ctx, const Inputs<T>& in) const {
        const auto ids = profile_fields_.template on<Lists>(ctx, in.profile_fields.data);
        return map(ctx, Add{}, ids, profile_.template on<Lists>(ctx, FeatureInputs<T>{in.profile_dense, {}, {}}));
    }

    const InputSizes& sizes() const { return sizes_; }

  private:
    Embeddings(const Scope& scope, const InputSizes& sizes, const nn::FieldEmbedding<Width>& of_item)
        : sizes_(sizes),
          item_fields_(of_item, {scope / "candidate", sizes.candidate}),
          event_fields_(of_item, {scope / "event", sizes.event}),
          profile_fields_(scope / "profile", sizes.profile),
          feedback_(scope / "feedback", sizes.feedback_kinds),
          dense_(scope / "dense", sizes.item_columns, sizes.scaled_columns),
          event_dense_(scope / "event_dense", sizes.event_columns),
          profile_(scope / "profile", sizes.profile_columns) {}

    InputSizes sizes_;
    nn::FieldEmbedding<Width> item_fields_, event_fields_, profile_fields_;
    nn::KindEmbedding<Width> feedback_;
    nn::FeatureLinear<Width> dense_, event_dense_, profile_;
};

}  // namespace psad
