/// \file reranker.hpp
/// One request in, an order out. The model is const and may be shared by threads; each thread brings a
/// Workspace.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "psad/autograd/eval.hpp"
#include "psad/input/batch.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"

namespace psad::serve {

/// The memory of one thread: grows to the largest request seen, then nothing is allocated any more.
template <class B>
struct Workspace {
    Batch<float> batch;
    Arena<typename B::Memory> arena;
    std::vector<int> order;
    std::vector<float> scores;
};

/// Positions of the candidates, best first, and the logit with which each was placed. Valid until the
/// workspace is used again.
struct Reranked {
    std::span<const int> order;
    std::span<const float> scores;
};

/// Reranks with the student of a model, which must outlive the reranker.
template <class B, class Network>
class Reranker {
  public:
    Reranker(const B& backend, const Model<Network>& model) : backend_(&backend), model_(&model) {}

    /// The best `top` candidates (all when 0), for a request that passes Encoder::check.
    Reranked operator()(const Request& request, Workspace<B>& room, int top = 0) const {
        const int n = static_cast<int>(request.size());
        const int slots = top > 0 ? (std::min)(top, n) : n;
        room.arena.reset();
        model_->encoder.encode(std::span(&request, 1), slots, room.batch);
        const Inputs<float> in = room.batch.view();
        Eval ctx(*backend_, model_->parameters, in.layout, room.arena);
        const auto& student = model_->network.student;
        return written(ctx, student.score(ctx, in, student.user(ctx, in)), room, slots);
    }

  private:
    template <class Ctx, class S>
    Reranked written(Ctx& ctx, const S& scores, Workspace<B>& room, int slots) const {
        const auto list = generate(ctx, model_->network.student, scores);
        room.order.assign(list.chosen, list.chosen + slots);
        room.scores.assign(list.score, list.score + slots);
        return {room.order, room.scores};
    }

    const B* backend_;
    const Model<Network>* model_;
};

}  // namespace psad::serve
