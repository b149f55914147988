/// \file reranker.hpp
/// Requests in, orders out, one by one or many at once. The model is const and may be shared by threads; each thread
/// brings a workspace.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psad/autograd/inference.hpp"
#include "psad/core/error.hpp"
#include "psad/core/result.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/generate.hpp"
#include "psad/model/model.hpp"
#include "psad/serve/user_cache.hpp"

namespace psad::inline PSAD_ABI::serve {

/// The memory of one thread: grows to the largest request seen (with the square of its candidates), then nothing is
/// allocated any more.
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

/// The memory of many requests at once.
template <class B>
struct BatchWorkspace {
    std::vector<Workspace<B>> tasks;
    std::vector<Reranked> lists;
};

/// An error unless all scores are finite; `source` is where the model came from.
inline std::optional<ModelFileError> find_fault(const Reranked& reranked, const std::string& source) {
    if (std::ranges::all_of(reranked.scores, [](float score) { return std::isfinite(score); })) return {};
    return ModelFileError(source, "", "numbers so large that scores are not finite", "a trained model");
}
/// Throws what find_fault finds.
inline void check_scores(const Reranked& reranked, const std::string& source) {
    if (const auto fault = find_fault(reranked, source)) raise(*fault);
}

/// Said to a Reranker whose requests all have passed Encoder::check, or come from where nothing can be wrong.
struct AlreadyChecked {};
inline constexpr AlreadyChecked already_checked;

/// Reranks with the student of a model. Backend and model are borrowed and must outlive the reranker.
template <class B, class Network>
class Reranker {
  public:
    /// Every request is checked (Encoder::check), by these rules. On a device with memory of its own the model's
    /// numbers are copied now.
    Reranker(const B& backend, const Model<Network>& model, const RequestRules& rules = {})
        : Reranker(backend, model, already_checked) {
        check_sizes(model);
        rules_ = rules;
    }
    /// No request is checked: one that Encoder::check refuses must not come in.
    Reranker(const B& backend, const Model<Network>& model, AlreadyChecked)
        : backend_(&backend), model_(&model), parameters_(on_device(backend, model.parameters)) {
        must_be_of_model();
    }
    // A temporary would be gone before the first request.
    template <class... More>
    Reranker(const B&&, const Model<Network>&, More...) = delete;
    template <class... More>
    Reranker(const B&, const Model<Network>&&, More...) = delete;
    template <class... More>
    Reranker(const B&&, const Model<Network>&&, More...) = delete;
    // What stands in braces is none of `More`.
    Reranker(const B&&, const Model<Network>&, const RequestRules&) = delete;
    Reranker(const B&, const Model<Network>&&, const RequestRules&) = delete;
    Reranker(const B&&, const Model<Network>&&, const RequestRules&) = delete;

    /// Memory for operator(), one per thread.
    static Workspace<B> workspace() { return Workspace<B>(); }  // g++ 12 destroys parts of a {} twice if memory ends
    /// Memory for many requests at once, one per thread.
    static BatchWorkspace<B> batch_workspace() { return BatchWorkspace<B>(); }
    /// An empty cache for one user.
    static UserCache<B, Network> user_cache() { return UserCache<B, Network>(); }

    /// The best `top` candidates (all when 0). Throws RequestError for a request that the check refuses.
    Reranked operator()(const Request& request, Workspace<B>& workspace, int top = 0) const {
        return try_rerank(request, workspace, top).value();
    }
    /// The same with the user state of a cache, which is computed now unless it matches the request.
    Reranked operator()(const Request& request, UserCache<B, Network>& user, Workspace<B>& workspace,
                        int top = 0) const {
        return try_rerank(request, user, workspace, top).value();
    }

    /// The same two, and the error as a value.
    Result<Reranked, RequestError> try_rerank(const Request& request, Workspace<B>& workspace, int top = 0) const {
        if (auto fault = refusal(request)) return *std::move(fault);
        workspace.order.clear(), workspace.scores.clear();
        const Inputs<float>& in = encode(std::span(&request, 1), workspace, top);
        Inference ctx(*backend_, *parameters_, in.layout, workspace.arena);
        generate_lists(ctx, in, student().user_state(ctx, in), workspace);
        return Reranked{workspace.order, workspace.scores};
    }
    Result<Reranked, RequestError> try_rerank(const Request& request, UserCache<B, Network>& user,
                                              Workspace<B>& workspace, int top = 0) const {
        static_assert(B::Memory::on_host, "psad: a user cache lies in the host's memory");
        if (auto fault = refusal(request)) return *std::move(fault);
        workspace.order.clear(), workspace.scores.clear();
        const Inputs<float>& in = encode(std::span(&request, 1), workspace, top);
        Inference ctx(*backend_, *parameters_, in.layout, workspace.arena);
        const bool has_interacted = in.has_interacted[0] != 0;
        if (!user.matches(*model_, request, has_interacted))
            user.store(student().user_state(ctx, in), *model_, request, has_interacted);
        generate_lists(ctx, in, user.state(), workspace);
        return Reranked{workspace.order, workspace.scores};
    }

    /// Many requests, on the threads of the backend: an answer for each, in their order, valid until the workspace is
    /// used again. Throws RequestError for the first request that the check refuses, before any is answered.
    std::span<const Reranked> operator()(std::span<const Request> requests, BatchWorkspace<B>& workspace,
                                         int top = 0) const {
        return try_rerank(requests, workspace, top).value();
    }
    /// The same, and the error as a value.
    Result<std::span<const Reranked>, RequestError> try_rerank(std::span<const Request> requests,
                                                               BatchWorkspace<B>& workspace, int top = 0) const {
        for (const Request& r : requests) {
            if (auto fault = refusal(r)) return *std::move(fault);
        }
        const std::size_t tasks = (requests.size() + lists_per_task - 1) / lists_per_task;
        if (workspace.tasks.size() < tasks) workspace.tasks.resize(tasks);
        workspace.lists.resize(requests.size());
        backend_->parallel(static_cast<int>(tasks), [&](int c) {
            const std::size_t first = static_cast<std::size_t>(c) * lists_per_task;
            const std::size_t end = (std::min)(first + lists_per_task, requests.size());
            Workspace<B>& task = workspace.tasks[static_cast<std::size_t>(c)];
            task.order.clear(), task.scores.clear();
            for (std::size_t l = first; l < end; l += lists_per_pass) {
                const auto lists = requests.subspan(l, (std::min)(lists_per_pass, end - l));
                const Inputs<float>& in = encode(lists, task, top);
                Inference ctx(*backend_, *parameters_, in.layout, task.arena);
                generate_lists(ctx, in, student().user_state(ctx, in), task);
            }
            std::size_t at = 0;
            for (std::size_t l = first; l < end; ++l) {
                const std::size_t count = positions(requests[l], top);
                workspace.lists[l] = {std::span<const int>(task.order).subspan(at, count),
                                      std::span<const float>(task.scores).subspan(at, count)};
                at += count;
            }
        });
        return std::span<const Reranked>(workspace.lists);
    }

  private:
    static constexpr std::size_t lists_per_task = lists_at_once<B>(16), lists_per_pass = lists_at_once<B>(2);

    /// Throws SettingError for a backend that was made for one model, and not for this one as it is now.
    void must_be_of_model() const {
        if constexpr (requires { backend_->is_of(*model_); }) {
            if (!backend_->is_of(*model_))
                raise(SettingError("backend", "", "weights of another model, or of this one before it changed",
                                   "a backend that is made of this model"));
        }
    }
    std::optional<RequestError> refusal(const Request& r) const {
        must_be_of_model();
        if (!rules_) return {};
        return model_->encoder.find_fault(r, *rules_);
    }

    static std::size_t positions(const Request& r, int top) {
        return top > 0 ? (std::min)(static_cast<std::size_t>(top), r.size()) : r.size();
    }

    const auto& student() const { return model_->network.student; }

    const Inputs<float>& encode(std::span<const Request> requests, Workspace<B>& workspace, int top) const {
        std::size_t longest = 0;
        for (const Request& r : requests) longest = (std::max)(longest, positions(r, top));
        workspace.arena.reset();
        model_->encoder.encode(requests, static_cast<int>(longest), workspace.batch);
        workspace.host = workspace.batch.view();
        if constexpr (B::Memory::on_host) {
            return workspace.host;
        } else {
            return workspace.inputs = on_device(*backend_, workspace.host, workspace.arena);
        }
    }

    /// Appends orders and logits of all positions.
    template <class Ctx, class U>
    void generate_lists(Ctx& ctx, const Inputs<float>& in, const U& user, Workspace<B>& workspace) const {
        const auto lists = generate(ctx, student(), student().score(ctx, in, user), in);
        const auto count = static_cast<std::size_t>(in.layout.positions.rows);
        const int* chosen = ctx.workspace().on_host(lists.chosen, count);
        const float* score = ctx.workspace().on_host(lists.score, count);
        const std::size_t before = workspace.order.size();
        workspace.order.insert(workspace.order.end(), chosen, chosen + count);
        workspace.scores.insert(workspace.scores.end(), score, score + count);
        const Layout& layout = in.layout.on_host();
        for (int l = 1; l < layout.lists; ++l) {  // item rows to positions of candidates
            for (int s = layout.positions.begin[l]; s < layout.positions.end[l]; ++s)
                workspace.order[before + static_cast<std::size_t>(s)] -= layout.items.begin[l];
        }
    }

    const B* backend_;
    const Model<Network>* model_;
    std::shared_ptr<const Parameters<float, typename B::Memory>> parameters_;
    std::optional<RequestRules> rules_;  ///< none: nothing is checked
};

}  // namespace psad::serve
