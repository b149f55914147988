/// \file orders.hpp
/// The orders that models give to many requests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "psad/autograd/inference.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"

namespace psad::inline PSAD_ABI::eval {

/// Positions of a request's candidates, best first; all of them.
using Order = std::vector<int>;

/// Appends the positions below n that are not yet there, in initial order. What is there is below n, each once.
inline void complete(Order& order, std::size_t n) {
    std::vector<char> placed(n, 0);
    for (const int i : order) placed[static_cast<std::size_t>(i)] = 1;
    for (std::size_t i = 0; i < n; ++i) {
        if (!placed[i]) order.push_back(static_cast<int>(i));
    }
}

namespace detail {

template <class B, class Network, class Generate>
std::vector<Order> orders(const B& backend, const Model<Network>& model, std::span<const Request> requests,
                          int positions, Generate generate_lists) {
    constexpr std::size_t chunk = lists_at_once<B>(32);
    std::vector<Order> out(requests.size());
    const auto chunks = static_cast<int>((requests.size() + chunk - 1) / chunk);
    const auto parameters = on_device(backend, model.parameters);
    backend.parallel(chunks, [&](int c) {
        const std::size_t first = static_cast<std::size_t>(c) * chunk;
        const auto chunk_requests = requests.subspan(first, (std::min)(chunk, requests.size() - first));
        Batch<float> batch;
        model.encoder.encode(chunk_requests, positions, batch);
        const Inputs<float> host = batch.view();
        Arena<typename B::Memory> arena;
        const Inputs<float> in = on_device(backend, host, arena);
        Inference ctx(backend, *parameters, in.layout, arena);
        const GeneratedLists<float> lists = generate_lists(ctx, in);
        const Layout& layout = host.layout;
        const int* chosen = ctx.workspace().on_host(lists.chosen, static_cast<std::size_t>(layout.positions.rows));
        for (std::size_t l = 0; l < chunk_requests.size(); ++l) {
            Order& order = out[first + l];
            for (int s = layout.positions.begin[l]; s < layout.positions.end[l]; ++s) {
                order.push_back(chosen[s] - layout.items.begin[l]);
            }
            complete(order, chunk_requests[l].size());
        }
    });
    return out;
}

}  // namespace detail

/// The student fills the first `positions` positions; what is left keeps its initial order. Requests must pass
/// Encoder::check.
template <class B, class Network>
std::vector<Order> student_orders(const B& backend, const Model<Network>& model, std::span<const Request> requests,
                                  int positions = Network::spec.positions) {
    return detail::orders(backend, model, requests, positions, [&](auto& ctx, const Inputs<float>& in) {
        const auto& student = model.network.student;
        return generate(ctx, student, student.score(ctx, in, student.user_state(ctx, in)), in);
    });
}

/// The teacher fills the variant's positions; what is left keeps its initial order. Requests must pass
/// Encoder::check.
template <class B, class Network>
std::vector<Order> teacher_orders(const B& backend, const Model<Network>& model, std::span<const Request> requests) {
    return detail::orders(backend, model, requests, Network::spec.positions,
                          [&](auto& ctx, const Inputs<float>& in) { return generate(ctx, model.network.teacher, in); });
}

}  // namespace psad::eval
