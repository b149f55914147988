/// \file buffer.hpp
/// An owned, aligned block of numbers in host or device memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "psad/core/arena.hpp"

namespace psad::inline PSAD_ABI {

/// `size()` numbers; copied as a whole where the host may touch the memory, else only moved.
template <class T, class Memory = HostMemory>
class Buffer {
  public:
    Buffer() = default;
    /// Zeros; uninitialised where the host may not touch the memory.
    explicit Buffer(std::size_t count)
        : data_(static_cast<T*>(Memory::allocate((std::max<std::size_t>)(count, 1) * sizeof(T)))), size_(count) {
        if constexpr (Memory::on_host) std::fill_n(data_, count, T(0));
    }
    Buffer(const Buffer& other) requires(Memory::on_host) : Buffer(other.size_) {
        std::copy_n(other.data_, size_, data_);
    }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Buffer() {
        if (data_) Memory::release(data_);
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace psad
