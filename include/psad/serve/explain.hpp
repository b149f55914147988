/// \file explain.hpp
/// Why each candidate stands where it stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "psad/autograd/inference.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"
#include "psad/serve/reranker.hpp"

namespace psad::inline PSAD_ABI::serve {

/// An event on the candidate itself.
struct MatchedEvent {
    std::int64_t seconds_before = 0;  ///< from the event to the request
    std::int32_t feedback = 0;
    float attention = 0;  ///< its weight in the user state; 0 for a student that pools no events
};

/// One placed candidate.
struct Explanation {
    int position = 0;                   ///< in the initial order
    float own_score = 0;                ///< its logit on its own
    float from_items_before = 0;        ///< what the candidates placed before it add
    std::vector<MatchedEvent> matches;  ///< latest first
};

namespace explain_detail {
/// The attention weights of a user state, one per event; null where it has none.
template <class State>
const float* attention(const State& state) {
    if constexpr (requires { state.attention.data; })
        return state.attention.data;
    else if constexpr (requires { state.upn; })
        return attention(state.upn);
    else
        return nullptr;
}
}  // namespace explain_detail

/// Explains what a reranker answered to a request: one entry per placed candidate, in the order of the answer. Runs the
/// student once more; `backend` computes in the host's memory.
template <class B, class Network>
std::vector<Explanation> explain(const B& backend, const Model<Network>& model, const Request& request,
                                 const Reranked& reranked) {
    static_assert(B::Memory::on_host, "psad: explanations are read from the host's memory");
    Batch<float> batch;
    model.encoder.encode(std::span(&request, 1), static_cast<int>(request.size()), batch);
    const Inputs<float> in = batch.view();
    Arena<> arena;
    Inference ctx(backend, model.parameters, in.layout, arena);
    const auto user = model.network.student.user_state(ctx, in);
    const auto scores = model.network.student.score(ctx, in, user);
    const float* attention = explain_detail::attention(user);
    const std::size_t past = request.past_events();
    std::vector<Explanation> out;
    for (std::size_t t = 0; t < reranked.order.size(); ++t) {
        const int i = reranked.order[t];
        Explanation why{i, scores.score.data[i], reranked.scores[t] - scores.score.data[i], {}};
        for (int m = in.match.first(i); m < in.match.last(i); ++m) {
            const auto h = static_cast<std::size_t>(in.match.ids[m]);  // counted from the latest
            const std::size_t event = past - 1 - h;
            why.matches.push_back({request.time - request.history_times[event],
                                   request.history_feedback.empty() ? 0 : request.history_feedback[event],
                                   attention ? attention[h] : 0});
        }
        out.push_back(why);
    }
    return out;
}

}  // namespace psad::serve
