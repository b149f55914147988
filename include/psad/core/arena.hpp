/// \file arena.hpp
/// A bump allocator: the values of one batch, freed all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Plain host memory, aligned to a cache line.
struct HostMemory {
    static constexpr bool on_host = true;  ///< the host may touch it
    static constexpr std::size_t alignment = 64;
    static void* allocate(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{alignment}); }
    /// Null where there is no such memory.
    static void* try_allocate(std::size_t bytes) noexcept {
        return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
    }
    static void release(void* p) noexcept { ::operator delete (p, std::align_val_t{alignment}); }
};

/// Hands out 64-byte aligned memory from chunks; reset() keeps the chunks, so a warm arena allocates
/// nothing. Memory is uninitialised and destructors are never run.
template <class Memory = HostMemory>
class Arena {
  public:
    Arena() : Arena(std::size_t{1} << 16) {}
    explicit Arena(std::size_t first_chunk_bytes) : next_chunk_(first_chunk_bytes > 0 ? first_chunk_bytes : 1) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    Arena(Arena&& other) noexcept
        : chunks_(std::exchange(other.chunks_, {})),
          current_(std::exchange(other.current_, 0)),
          used_(std::exchange(other.used_, 0)),
          next_chunk_(other.next_chunk_),
          host_(std::move(other.host_)) {}
    Arena& operator=(Arena&&) = delete;
    ~Arena() {
        for (const Chunk& c : chunks_) Memory::release(c.data);
    }

    template <class T>
    T* make(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>, "psad: an arena never runs destructors");
        return static_cast<T*>(take(count * sizeof(T)));
    }

    void reset() noexcept {
        current_ = 0;
        used_ = 0;
        if constexpr (!Memory::on_host) host_.reset();
    }

    /// An arena that the host may touch: this one where its memory is the host's, else a second one in host
    /// memory.
    Arena<HostMemory>& host() noexcept {
        if constexpr (Memory::on_host)
            return *this;
        else
            return host_;
    }

    std::size_t capacity() const noexcept {
        std::size_t total = 0;
        for (const Chunk& c : chunks_) total += c.bytes;
        return total;
    }

  private:
    struct Chunk {
        std::byte* data;
        std::size_t bytes;
    };

    void* take(std::size_t bytes) {
        bytes = (bytes + 63) / 64 * 64;
        while (current_ < chunks_.size() && used_ + bytes > chunks_[current_].bytes) {
            ++current_;
            used_ = 0;
        }
        if (current_ == chunks_.size()) {
            add_chunk(bytes);
        }
        void* p = chunks_[current_].data + used_;
        used_ += bytes;
        return p;
    }

    /// Allocates twice the previous chunk's size; falls back to the required size where that fails.
    void add_chunk(std::size_t required) {
        std::size_t size = next_chunk_;
        while (size < required) size *= 2;
        chunks_.reserve(chunks_.size() + 1);  // nothing between allocate and push_back throws
        void* data = size > required ? Memory::try_allocate(size) : nullptr;
        if (data == nullptr) data = Memory::allocate(size = required);
        chunks_.push_back({static_cast<std::byte*>(data), size});
        next_chunk_ = size * 2;
    }

    std::vector<Chunk> chunks_;
    std::size_t current_ = 0;
    std::size_t used_ = 0;
    std::size_t next_chunk_;
    struct None {};
    [[no_unique_address]] std::conditional_t<Memory::on_host, None, Arena<HostMemory>> host_;
};

}  // namespace psad
