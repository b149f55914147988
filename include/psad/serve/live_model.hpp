/// \file live_model.hpp
/// A model that is replaced while threads answer with it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/features/request.hpp"
#include "psad/model/model.hpp"
#include "psad/model_file/load_model.hpp"
#include "psad/serve/reranker.hpp"

namespace psad::inline PSAD_ABI::serve {

/// Owns a model with its backend and its reranker. Threads reach it through a Reader each; replace() and load() may be
/// called by any thread at any time. A new model is loaded and tried beside the old one; whatever fails leaves the old
/// one in place. A model is freed once no reader holds it, by whoever replaces or loads next, never by a reader.
template <class Network, class B = backend::Cpu<float>>
class LiveModel {
  public:
    /// All that answers a request.
    class Serving {
      public:
        Serving(Model<Network> given, const RequestRules& rules)
            : model(std::move(given)), backend(make_backend(model)), reranker(backend, model, rules) {}
        Serving(const Serving&) = delete;
        Serving& operator=(const Serving&) = delete;

        const Model<Network> model;
        const B backend;
        const Reranker<B, Network> reranker;

      private:
        /// One thread: readers are the threads. Backends of one model, such as CpuBf16, are made of it.
        static B make_backend(const Model<Network>& model) {
            if constexpr (std::is_constructible_v<B, const Model<Network>&>)
                return B(model);
            else
                return B();
        }
    };

    /// `rules` are those of each request's check.
    explicit LiveModel(Model<Network> model, const RequestRules& rules = {}) : rules_(rules) {
        replace(std::move(model));
    }
    /// Throws ModelFileError as model_file::load does.
    explicit LiveModel(const std::filesystem::path& file, const RequestRules& rules = {})
        : LiveModel(model_file::load<Network>(file), rules) {}

    /// Puts another model in place. Before that it answers the requests of `trial`; throws RequestError or
    /// ModelFileError where it refuses one or a score is not finite.
    void replace(Model<Network> model, std::span<const Request> trial = {}) {
        put(std::move(model), trial, "the new model", [](const auto& error) { raise(error); });
    }
    /// The same, and the error as a value.
    std::optional<Error> try_replace(Model<Network> model, std::span<const Request> trial = {}) {
        std::optional<Error> fault;
        put(std::move(model), trial, "the new model", [&](const Error& error) { fault = error; });
        return fault;
    }
    /// The same of a model file; throws ModelFileError for one that cannot be loaded, too.
    void load(const std::filesystem::path& file, std::span<const Request> trial = {}) {
        put(model_file::load<Network>(file), trial, file.string(), [](const auto& error) { raise(error); });
    }
    /// The same, and the error as a value.
    std::optional<Error> try_load(const std::filesystem::path& file, std::span<const Request> trial = {}) {
        auto model = model_file::try_load<Network>(file);
        if (!model) return model.error();
        std::optional<Error> fault;
        put(std::move(*model), trial, file.string(), [&](const Error& error) { fault = error; });
        return fault;
    }
    /// Models that were replaced and that a reader still holds.
    std::size_t retired() const {
        const std::lock_guard guard(mutex_);
        return static_cast<std::size_t>(
            std::ranges::count_if(retired_, [](const auto& old) { return old.use_count() > 1; }));
    }

    /// The way of one thread to the model; must not outlive it. Costs one atomic load a request, and a lock only after
    /// the model was replaced.
    class Reader {
      public:
        explicit Reader(const LiveModel& live) : live_(&live) {}

        /// Valid until the next call: of the model that is in place now.
        const Serving& now() {
            if (const std::uint64_t version = live_->version_.load(std::memory_order_acquire);
                version != version_ || !held_) {  // moved from
                const std::lock_guard guard(live_->mutex_);
                held_ = live_->current_;
                version_ = live_->version_.load(std::memory_order_relaxed);
            }
            return *held_;
        }
        /// As Reranker does; the answer is valid until the next call.
        Reranked operator()(const Request& request, int top = 0) { return now().reranker(request, workspace_, top); }
        Reranked operator()(const Request& request, UserCache<B, Network>& user, int top = 0) {
            return now().reranker(request, user, workspace_, top);
        }
        /// The same two, and the error as a value.
        Result<Reranked, RequestError> try_rerank(const Request& request, int top = 0) {
            return now().reranker.try_rerank(request, workspace_, top);
        }
        Result<Reranked, RequestError> try_rerank(const Request& request, UserCache<B, Network>& user, int top = 0) {
            return now().reranker.try_rerank(request, user, workspace_, top);
        }
        /// Lets go of the model until the next call: for a thread that will not answer for a while.
        void release() {
            held_.reset();
            version_ = 0;
        }

      private:
        const LiveModel* live_;
        std::shared_ptr<const Serving> held_;
        std::uint64_t version_ = 0;  ///< none: the first model has version 1
        Workspace<B> workspace_;
    };
    Reader reader() const { return Reader(*this); }

  private:
    /// fail(error) is called for the first request of the trial with which something is wrong.
    template <class Fail>
    void put(Model<Network> model, std::span<const Request> trial, const std::string& source, Fail fail) {
        auto next = std::make_shared<const Serving>(std::move(model), rules_);
        Workspace<B> workspace;
        for (const Request& r : trial) {
            const auto answer = next->reranker.try_rerank(r, workspace);
            if (!answer) return fail(answer.error());
            if (const auto fault = find_fault(*answer, source)) return fail(*fault);
        }
        std::vector<std::shared_ptr<const Serving>> unheld;  // freed when readers no longer wait for the lock
        {
            const std::lock_guard guard(mutex_);
            retired_.reserve(retired_.size() + 1);
            unheld.reserve(retired_.size() + 1);
            if (current_) retired_.push_back(std::move(current_));
            current_ = std::move(next);
            version_.fetch_add(1, std::memory_order_release);
            for (auto& old : retired_) {
                if (old.use_count() == 1) unheld.push_back(std::move(old));
            }
            std::erase(retired_, nullptr);
        }
    }

    RequestRules rules_;
    mutable std::mutex mutex_;  ///< of all below
    std::shared_ptr<const Serving> current_;
    std::vector<std::shared_ptr<const Serving>> retired_;
    std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace psad::serve
