/// \file pool.hpp
/// Temporary memory that is handed out again: nothing is allocated once warm.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::backend {

/// Blocks by powers of two; may be shared by threads.
template <class Memory>
class Pool {
  public:
    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() {
        for (const auto& blocks : free_) {
            for (void* block : blocks) Memory::release(block);
        }
    }

    void* take(std::size_t bytes) {
        {
            const std::lock_guard lock(mutex_);
            std::vector<void*>& blocks = free_[size_class(bytes)];
            if (!blocks.empty()) {
                void* const block = blocks.back();
                blocks.pop_back();
                return block;
            }
            blocks.reserve(++made_[size_class(bytes)]);  // so that giving back never throws
        }
        return Memory::allocate(std::bit_ceil(bytes));
    }
    void give(void* block, std::size_t bytes) noexcept {
        const std::lock_guard lock(mutex_);
        free_[size_class(bytes)].push_back(block);
    }

  private:
    static std::size_t size_class(std::size_t bytes) { return static_cast<std::size_t>(std::bit_width(bytes - 1)); }

    std::mutex mutex_;
    std::vector<void*> free_[65];
    std::size_t made_[65] = {};
};

/// Numbers out of a pool for as long as this lives.
template <class T, class Memory>
class Pooled {
  public:
    Pooled(const std::shared_ptr<Pool<Memory>>& pool, std::size_t count)
        : pool_(pool.get()),
          bytes_(count == 0 ? sizeof(T) : count * sizeof(T)),
          data_(static_cast<T*>(pool_->take(bytes_))) {}
    Pooled(const Pooled&) = delete;
    Pooled& operator=(const Pooled&) = delete;
    ~Pooled() { pool_->give(data_, bytes_); }

    T* data() const { return data_; }

  private:
    Pool<Memory>* pool_;
    std::size_t bytes_;
    T* data_;
};

}  // namespace psad::backend
