/// \file shard_gradients.hpp
/// Where the shards of a step write their gradients.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "psad/autograd/sparse_gradient.hpp"
#include "psad/core/buffer.hpp"

namespace psad::inline PSAD_ABI::train {

/// The gradients of one set of parameters, shard by shard. Shards may be written at the same time.
template <class B>
class ShardGradients {
    using T = typename B::Scalar;

  public:
    ShardGradients(std::size_t dense_size, std::size_t shards) : size_(dense_size), sparse_(shards) {
        for (std::size_t s = 0; s < shards; ++s) {
            buffers_.emplace_back(dense_size);
            dense_.push_back(buffers_.back().data());
        }
    }

    /// The dense gradient of a shard, at zero.
    T* zeroed(const B& backend, std::size_t shard) {
        backend.fill(dense_[shard], static_cast<int>(size_), T(0));
        return dense_[shard];
    }
    /// The gradients of its tables, which lie elsewhere.
    void set_sparse(std::size_t shard, const SparseGradient<T>* gradients) { sparse_[shard] = gradients; }

    /// Of the first shards.
    std::span<T* const> dense(std::size_t shards) const { return std::span(dense_).first(shards); }
    std::span<const SparseGradient<T>* const> sparse(std::size_t shards) const {
        return std::span(sparse_).first(shards);
    }

  private:
    std::size_t size_;
    std::vector<Buffer<T, typename B::Memory>> buffers_;
    std::vector<T*> dense_;
    std::vector<const SparseGradient<T>*> sparse_;
};

}  // namespace psad::train
