/// \file reranker.hpp
/// Requests in, orders out, one by one or many at once. The model is const and may be shared by threads; each
/// thread brings a Workspace.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "psad/autograd/eval.hpp"
#include "psad/input/upload.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"

namespace psad::serve {

/// The memory of one thread: grows to the largest request seen, then nothing is allocated any more.
template <class B>
struct Workspace {
    Batch<float> batch;
    Inputs<float> host, inputs;  ///< of the batch, and where the device reads it
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

/// The memory of a batch.
template <class B>
struct BatchWorkspace {
    std::vector<Workspace<B>> rooms;  ///< one per task
    std::vector<Reranked> lists;
};

namespace detail {
template <class T, class Axis, int Width, class F>
void each_view(View<T, Axis, Width>& view, F f) {
    f(view);
}
template <class X, class A, class F>
void each_view(UserPart<X, A>& part, F f) {
    f(part.intent), f(part.shift), f(part.scale), f(part.attention);
}
template <class U, class S, class F>
void each_view(StudentUser<U, S>& part, F f) {
    each_view(part.seen_through, f), each_view(part.begun, f);
}
}  // namespace detail

/// What a student knows of one user while profile, context and history stand: kept by a server between
/// requests, a few hundred numbers and a copy of the history. The ages of the events stay those of the
/// request that it was made with.
template <class B, class Network>
class KnownUser {
  public:
    KnownUser() = default;
    KnownUser(KnownUser&&) = default;  // the views follow the numbers, which do not move
    KnownUser& operator=(KnownUser&&) = default;

    /// Whether this is what `model` would find again, but for the ages. `touched`: the history holds a
    /// candidate of the list, which the profile tells.
    bool knows(const Model<Network>& model, const Request& r, bool touched) const {
        return part_ && model_ == &model && touched_ == touched &&
               std::ranges::equal(items_, r.history_items) && std::ranges::equal(times_, r.history_times) &&
               std::ranges::equal(feedback_, r.history_feedback) &&
               std::ranges::equal(user_fields_, r.user_fields) && std::ranges::equal(context_, r.context);
    }
    /// Makes the next request tell anew: some time later, or when the model's numbers have changed.
    void forget() { part_.reset(); }

    using Part = decltype(std::declval<const typename Network::StudentModel&>().user(
        std::declval<Eval<B>&>(), std::declval<const Inputs<float>&>()));

    /// Copies what lies in an arena.
    void keep(const Part& part, const Model<Network>& model, const Request& r, bool touched) {
        part_ = part;
        std::size_t count = 0;
        const auto size = [](const auto& view) { return view.matrix().rows * view.matrix().cols; };
        detail::each_view(*part_, [&](const auto& view) { count += static_cast<std::size_t>(size(view)); });
        numbers_.resize(count);
        float* at = numbers_.data();
        detail::each_view(*part_, [&](auto& view) {
            std::copy_n(view.data, size(view), at);
            view.data = at;
            at += size(view);
        });
        model_ = &model;
        touched_ = touched;
        const auto copy = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
        copy(r.history_items, items_), copy(r.history_times, times_), copy(r.history_feedback, feedback_);
        copy(r.user_fields, user_fields_), copy(r.context, context_);
    }
    const Part& part() const { return *part_; }

  private:
    std::vector<float> numbers_;
    std::optional<Part> part_;
    const Model<Network>* model_ = nullptr;
    bool touched_ = false;
    std::vector<std::int32_t> user_fields_, context_, items_, feedback_;
    std::vector<std::int64_t> times_;
};

/// Reranks with the student of a model, which must outlive the reranker.
template <class B, class Network>
class Reranker {
  public:
    /// On a device with memory of its own the model's numbers are copied now.
    Reranker(const B& backend, const Model<Network>& model)
        : backend_(&backend), model_(&model), parameters_(on_device(backend, model.parameters)) {}

    /// The best `top` candidates (all when 0), for a request that passes Encoder::check.
    Reranked operator()(const Request& request, Workspace<B>& room, int top = 0) const {
        room.order.clear(), room.scores.clear();
        const Inputs<float>& in = encoded(std::span(&request, 1), room, top);
        Eval ctx(*backend_, *parameters_, in.layout, room.arena);
        write(ctx, in, student().user(ctx, in), room);
        return {room.order, room.scores};
    }

    /// The same with what is known of the user; learned from the request where that is another.
    Reranked operator()(const Request& request, KnownUser<B, Network>& user, Workspace<B>& room,
                        int top = 0) const {
        static_assert(B::Memory::on_host, "psad: what is known of a user is kept in the host's memory");
        room.order.clear(), room.scores.clear();
        const Inputs<float>& in = encoded(std::span(&request, 1), room, top);
        Eval ctx(*backend_, *parameters_, in.layout, room.arena);
        const bool touched = in.touched[0] != 0;
        if (!user.knows(*model_, request, touched))
            user.keep(student().user(ctx, in), *model_, request, touched);
        write(ctx, in, user.part(), room);
        return {room.order, room.scores};
    }

    /// Many requests, on the threads of the backend. Valid until the workspace is used again.
    std::span<const Reranked> operator()(std::span<const Request> requests, BatchWorkspace<B>& room,
                                         int top = 0) const {
        const std::size_t chunks = (requests.size() + per_task - 1) / per_task;
        if (room.rooms.size() < chunks) room.rooms.resize(chunks);
        room.lists.resize(requests.size());
        backend_->parallel(static_cast<int>(chunks), [&](int c) {
            const std::size_t first = static_cast<std::size_t>(c) * per_task;
            const std::size_t end = (std::min)(first + per_task, requests.size());
            Workspace<B>& own = room.rooms[static_cast<std::size_t>(c)];
            own.order.clear(), own.scores.clear();
            for (std::size_t l = first; l < end; l += together) {
                const auto mine = requests.subspan(l, (std::min)(together, end - l));
                const Inputs<float>& in = encoded(mine, own, top);
                Eval ctx(*backend_, *parameters_, in.layout, own.arena);
                write(ctx, in, student().user(ctx, in), own);
            }
            std::size_t at = 0;
            for (std::size_t l = first; l < end; ++l) {
                const std::size_t count = places(requests[l], top);
                room.lists[l] = {std::span<const int>(own.order).subspan(at, count),
                                 std::span<const float>(own.scores).subspan(at, count)};
                at += count;
            }
        });
        return room.lists;
    }

  private:
    static constexpr std::size_t per_task = lists_at_once<B>(16), together = lists_at_once<B>(2);

    static std::size_t places(const Request& r, int top) {
        return top > 0 ? (std::min)(static_cast<std::size_t>(top), r.size()) : r.size();
    }

    const auto& student() const { return model_->network.student; }

    const Inputs<float>& encoded(std::span<const Request> requests, Workspace<B>& room, int top) const {
        std::size_t most = 0;
        for (const Request& r : requests) most = (std::max)(most, places(r, top));
        room.arena.reset();
        model_->encoder.encode(requests, static_cast<int>(most), room.batch);
        room.host = room.batch.view();
        if constexpr (B::Memory::on_host) {
            return room.host;
        } else {
            return room.inputs = on_device(*backend_, room.host, room.arena);
        }
    }

    /// Appends orders and logits of all slots.
    template <class Ctx, class U>
    void write(Ctx& ctx, const Inputs<float>& in, const U& user, Workspace<B>& room) const {
        const auto list = generate(ctx, student(), student().score(ctx, in, user));
        const auto slots = static_cast<std::size_t>(in.layout.slots.rows);
        const int* chosen = ctx.workspace().on_host(list.chosen, slots);
        const float* score = ctx.workspace().on_host(list.score, slots);
        const std::size_t before = room.order.size();
        room.order.insert(room.order.end(), chosen, chosen + slots);
        room.scores.insert(room.scores.end(), score, score + slots);
        const Layout& layout = in.layout.on_host();
        for (int l = 1; l < layout.lists; ++l) {  // item rows to positions
            for (int s = layout.slots.begin[l]; s < layout.slots.end[l]; ++s)
                room.order[before + static_cast<std::size_t>(s)] -= layout.items.begin[l];
        }
    }

    const B* backend_;
    const Model<Network>* model_;
    std::shared_ptr<const Parameters<float, typename B::Memory>> parameters_;
};

}  // namespace psad::serve
