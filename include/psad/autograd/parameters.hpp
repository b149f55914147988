/// \file parameters.hpp
/// A model's numbers. Layers hold handles (offsets); the numbers lie in two aligned blocks: dense weights,
/// and embedding tables whose gradients are sparse. So a model is copied, saved and stepped as a whole, and
/// one architecture serves any scalar type and device.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/buffer.hpp"
#include "psad/core/rng.hpp"

namespace psad::inline PSAD_ABI {

/// Which part of a network owns a parameter: what is trained, kept, saved and loaded together.
enum class Part {
    student,  ///< what a server runs; the part of a network that has only one
    teacher,
    shared,  ///< read by both
};

/// A dense R x C weight: where it begins in the dense block.
template <int R, int C>
struct Weight {
    std::size_t offset = 0;
};

/// A dense weight of C columns with a row per feature: how many is known when the model is built.
template <int C>
struct FeatureWeight {
    std::size_t offset = 0;
    int rows = 0;
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
    Part part = Part::student;
    int rows = 0;
    int cols = 0;
    std::size_t offset = 0;
    Init init;
    bool table = false;

    std::size_t size() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols); }
    /// Whether weight decay draws it to 0: weights of products and tables, not biases, scales and lone numbers.
    bool decays() const { return rows > 1 || init.kind != Init::constant; }
};

/// All parameters of a model, in the order in which its layers were built.
struct ParameterRegistry {
    std::vector<ParameterInfo> parameters;
    std::size_t dense_size = 0;
    std::size_t table_size = 0;

    std::size_t add(std::string name, Part part, int rows, int cols, Init init, bool table) {
        std::size_t& end = table ? table_size : dense_size;
        const std::size_t offset = end;
        parameters.push_back({std::move(name), part, rows, cols, offset, init, table});
        end += (parameters.back().size() + 15) / 16 * 16;  // each parameter begins on a cache line
        return offset;
    }
};

/// Where a layer registers its parameters; `scope / "name"` is the place of a layer inside it.
class Scope {
  public:
    explicit Scope(ParameterRegistry& registry) : registry_(&registry) {}

    Scope operator/(std::string_view name) const {
        Scope inner(*this);
        inner.prefix_ = prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
        return inner;
    }
    Scope operator/(int index) const { return *this / std::to_string(index); }
    /// The same place; what is registered there belongs to the part.
    Scope of(Part part) const {
        Scope same(*this);
        same.part_ = part;
        return same;
    }

    template <int R, int C>
    Weight<R, C> weight(std::string_view name, Init init) const {
        return {registry_->add((*this / name).prefix_, part_, R, C, init, false)};
    }
    template <int C>
    FeatureWeight<C> weight(std::string_view name, int rows, Init init) const {
        return {registry_->add((*this / name).prefix_, part_, rows, C, init, false), rows};
    }
    template <int C>
    Table<C> table(std::string_view name, int rows, Init init) const {
        return {registry_->add((*this / name).prefix_, part_, rows, C, init, true), rows};
    }

  private:
    ParameterRegistry* registry_;
    std::string prefix_;
    Part part_ = Part::student;
};

/// The numbers of a ParameterRegistry.
template <class T, class Memory = HostMemory>
struct Parameters {
    Buffer<T, Memory> dense;
    Buffer<T, Memory> tables;

    Parameters() = default;
    explicit Parameters(const ParameterRegistry& registry) : dense(registry.dense_size), tables(registry.table_size) {}

    T* at(const ParameterInfo& p) { return (p.table ? tables.data() : dense.data()) + p.offset; }
    const T* at(const ParameterInfo& p) const { return (p.table ? tables.data() : dense.data()) + p.offset; }

    /// Starting values; each parameter has a random stream of its own name, so parts start alike in every
    /// variant.
    void initialise(const ParameterRegistry& registry, std::uint64_t seed) {
        for (const ParameterInfo& p : registry.parameters) {
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

/// The numbers where the device reads them: these, which must then outlive the result, or a copy.
template <class B, class T>
std::shared_ptr<const Parameters<T, typename B::Memory>> on_device(const B& backend, const Parameters<T>& host) {
    if constexpr (B::Memory::on_host) {
        return {std::shared_ptr<void>(), &host};
    } else {
        using Memory = typename B::Memory;
        auto out = std::make_shared<Parameters<T, Memory>>();
        out->dense = Buffer<T, Memory>(host.dense.size());
        out->tables = Buffer<T, Memory>(host.tables.size());
        backend.upload(host.dense.data(), host.dense.size() * sizeof(T), out->dense.data());
        backend.upload(host.tables.data(), host.tables.size() * sizeof(T), out->tables.data());
        return out;
    }
}

}  // namespace psad
