/// \file parameters.hpp
/// A model's numbers. Layers hold handles (offsets); the numbers lie in two aligned blocks: dense weights,
/// and embedding tables whose gradients are sparse. So a model is copied, saved and stepped as a whole, and
/// one architecture serves any scalar type and device.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/arena.hpp"
#include "psad/core/matrix.hpp"
#include "psad/core/rng.hpp"

namespace psad {

/// A dense R x C weight: where it begins in the dense block.
template <int R, int C>
struct Weight {
    std::size_t offset = 0;
};

/// An embedding table of `rows` rows of width C: where it begins in the table block.
template <int C>
struct Table {
    std::size_t offset = 0;
    int rows = 0;
};

/// How a parameter starts.
struct Init {
    enum Kind { constant, uniform, normal } kind = constant;
    float scale = 0;  ///< the constant, the bound of the uniform, or the deviation of the normal

    static Init value(float v) { return {constant, v}; }
    /// Glorot and Bengio, 2010.
    static Init glorot(int in, int out) { return {uniform, std::sqrt(6.0f / static_cast<float>(in + out))}; }
    static Init gaussian(float deviation) { return {normal, deviation}; }
};

struct ParameterInfo {
    std::string name;
    int rows = 0;
    int cols = 0;
    std::size_t offset = 0;
    Init init;
    bool table = false;

    std::size_t size() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols); }
};

/// What a model is made of, in the order its layers were built.
struct ParameterList {
    std::vector<ParameterInfo> parameters;
    std::size_t dense_size = 0;
    std::size_t table_size = 0;

    std::size_t add(std::string name, int rows, int cols, Init init, bool table) {
        std::size_t& end = table ? table_size : dense_size;
        const std::size_t offset = end;
        parameters.push_back({std::move(name), rows, cols, offset, init, table});
        end += (parameters.back().size() + 15) / 16 * 16;  // each parameter begins on a cache line
        return offset;
    }
};

/// Where a layer registers its parameters; `scope / "name"` is the place of a part.
class Scope {
  public:
    explicit Scope(ParameterList& list, std::string prefix = {}) : list_(&list), prefix_(std::move(prefix)) {}

    Scope operator/(std::string_view part) const {
        return Scope(*list_, prefix_.empty() ? std::string(part) : prefix_ + "." + std::string(part));
    }
    Scope operator/(int part) const { return *this / std::to_string(part); }

    template <int R, int C>
    Weight<R, C> weight(std::string_view name, Init init) const {
        return {list_->add((*this / name).prefix_, R, C, init, false)};
    }
    template <int C>
    Table<C> table(std::string_view name, int rows, Init init) const {
        return {list_->add((*this / name).prefix_, rows, C, init, true), rows};
    }

  private:
    ParameterList* list_;
    std::string prefix_;
};

/// An owned, aligned block of numbers.
template <class T, class Memory = HostMemory>
class Buffer {
  public:
    Buffer() = default;
    /// Zeros; where the host may not touch the memory, whatever stood there.
    explicit Buffer(std::size_t count)
        : data_(static_cast<T*>(Memory::allocate((std::max<std::size_t>)(count, 1) * sizeof(T)))),
          size_(count) {
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

/// The numbers of a ParameterList.
template <class T, class Memory = HostMemory>
struct Parameters {
    Buffer<T, Memory> dense;
    Buffer<T, Memory> tables;

    Parameters() = default;
    explicit Parameters(const ParameterList& list) : dense(list.dense_size), tables(list.table_size) {}

    T* at(const ParameterInfo& p) { return (p.table ? tables.data() : dense.data()) + p.offset; }
    const T* at(const ParameterInfo& p) const { return (p.table ? tables.data() : dense.data()) + p.offset; }

    /// Starting values; each parameter has a random stream of its own name, so parts start alike in every
    /// variant.
    void initialise(const ParameterList& list, std::uint64_t seed) {
        for (const ParameterInfo& p : list.parameters) {
            std::uint64_t key = seed;
            for (const char c : p.name) key = rng::derive(key, static_cast<unsigned char>(c));
            T* out = at(p);
            for (std::size_t i = 0; i < p.size(); ++i) {
                switch (p.init.kind) {
                    case Init::constant:
                        out[i] = static_cast<T>(p.init.scale);
                        break;
                    case Init::uniform:
                        out[i] = static_cast<T>(p.init.scale * (2.0f * rng::uniform(key, i) - 1.0f));
                        break;
                    case Init::normal:
                        out[i] = static_cast<T>(p.init.scale * rng::normal(key, i));
                        break;
                }
            }
        }
    }
};

}  // namespace psad
