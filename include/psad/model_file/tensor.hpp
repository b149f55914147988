/// \file tensor.hpp
/// Named arrays of numbers as model files hold them, with typed and checked access.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <map>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/result.hpp"
#include "psad/core/text.hpp"

namespace psad::inline PSAD_ABI::model_file {

static_assert(std::endian::native == std::endian::little, "safetensors data is little endian");

/// A number type that psad stores; other dtypes of a file are kept as bytes.
template <class T>
concept Element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int8_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// Numbers in one piece of memory, ready to be copied into a tensor.
template <class R>
concept ElementRange =
    std::ranges::contiguous_range<R> && std::ranges::sized_range<R> && Element<std::ranges::range_value_t<R>>;

/// A named array, row-major; `bytes` holds product(shape) little-endian numbers of `dtype`, e.g. "F32".
struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
};

/// What was read, or what is wrong with the file.
template <class T>
using FromFile = Result<T, ModelFileError>;

namespace detail {

template <Element T>
constexpr std::string_view dtype_of() {
    if constexpr (std::same_as<T, float>) return "F32";
    if constexpr (std::same_as<T, double>) return "F64";
    if constexpr (std::same_as<T, std::int8_t>) return "I8";
    if constexpr (std::same_as<T, std::int32_t>) return "I32";
    if constexpr (std::same_as<T, std::int64_t>) return "I64";
}

/// Bytes per number, 0 for a dtype that the format does not have.
inline std::uint64_t dtype_size(std::string_view dtype) {
    const auto among = [&](std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, dtype) != names.end();
    };
    if (among({"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"})) return 1;
    if (among({"I16", "U16", "F16", "BF16"})) return 2;
    if (among({"I32", "U32", "F32"})) return 4;
    return among({"I64", "U64", "F64"}) ? 8 : 0;
}

/// "[2,3]"
inline std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const std::int64_t extent : shape) {
        if (text.size() > 1) text += ',';
        text += std::to_string(extent);
    }
    text += ']';
    return printable(text);
}

inline std::string place(std::string_view tensor) {
    return "tensor " + printable(tensor);
}

/// product(shape) x size of the dtype; an error for an unknown dtype or an impossible shape.
inline FromFile<std::uint64_t> byte_count(const std::string& source, std::string_view name, std::string_view dtype,
                                          const std::vector<std::int64_t>& shape) {
    const std::uint64_t size = dtype_size(dtype);
    if (size == 0) {
        return ModelFileError(source, place(name), "dtype " + printable(dtype), "a dtype of safetensors");
    }
    // Zeros are left out of the bound, so that no order of multiplying the extents can overflow later.
    std::uint64_t left = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)()) / size;
    std::uint64_t count = 1;
    for (const std::int64_t extent : shape) {
        const auto numbers = static_cast<std::uint64_t>(extent);
        if (extent < 0 || numbers > left) {
            return ModelFileError(source, place(name), "shape " + shape_text(shape),
                                  "extents from 0 on, with fewer than 2^63 bytes in all");
        }
        if (extent != 0) left /= numbers;
        count *= numbers;
    }
    return count * size;
}

}  // namespace detail

/// A tensor holding a copy of `values` (a vector, span or array of an Element), row-major.
/// Throws ModelFileError when their number is not the product of `shape`.
template <ElementRange Values>
Tensor tensor(std::string name, std::vector<std::int64_t> shape, const Values& values) {
    using T = std::ranges::range_value_t<Values>;
    const std::string dtype(detail::dtype_of<T>());
    const std::size_t size = std::ranges::size(values) * sizeof(T);
    if (detail::byte_count("tensors in memory", name, dtype, shape).value() != size) {
        raise(ModelFileError("tensors in memory", detail::place(name),
                             std::to_string(std::ranges::size(values)) + " numbers",
                             "as many as shape " + detail::shape_text(shape) + " has"));
    }
    Tensor result{std::move(name), dtype, std::move(shape), std::vector<std::byte>(size)};
    if (size != 0) std::memcpy(result.bytes.data(), std::ranges::data(values), size);
    return result;
}

/// What a model file holds. Reading gives the tensors sorted by name and the metadata without the checksum.
struct TensorFile {
    std::map<std::string, std::string> metadata = {};
    std::vector<Tensor> tensors = {};
    std::string source = "tensors in memory";  ///< the file it was read from, for errors

    /// The tensor of that name; throws ModelFileError naming file and tensor when there is none.
    const Tensor& at(std::string_view name) const { return *find(name).value(); }

    /// The numbers of the tensor of that name, row-major, valid as long as the tensor; an error, naming file and
    /// tensor, where it is missing or of another dtype.
    template <Element T>
    FromFile<std::span<const T>> find(std::string_view name) const {
        return find<T>(name, nullptr);
    }
    /// The same, and an error for another shape.
    template <Element T>
    FromFile<std::span<const T>> find(std::string_view name, const std::vector<std::int64_t>& shape) const {
        return find<T>(name, &shape);
    }
    /// The same, and throws the error.
    template <Element T>
    std::span<const T> values(std::string_view name) const {
        return find<T>(name).value();
    }
    template <Element T>
    std::span<const T> values(std::string_view name, const std::vector<std::int64_t>& shape) const {
        return find<T>(name, shape).value();
    }

  private:
    FromFile<const Tensor*> find(std::string_view name) const {
        const auto found = std::ranges::find(tensors, name, &Tensor::name);
        if (found != tensors.end()) return &*found;
        return ModelFileError(source, detail::place(name), "no such tensor",
                              "it among the " + std::to_string(tensors.size()) + " tensors of the file");
    }
    template <Element T>
    FromFile<std::span<const T>> find(std::string_view name, const std::vector<std::int64_t>* shape) const {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "a vector's bytes are aligned for T");
        const auto found = find(name);
        if (!found) return found.error();
        const Tensor& tensor = **found;
        const auto wrong = [&](const std::string& is, const std::string& wanted) {
            return ModelFileError(source, detail::place(name), is, wanted);
        };
        if (shape != nullptr && tensor.shape != *shape)
            return wrong("shape " + detail::shape_text(tensor.shape), "shape " + detail::shape_text(*shape));
        if (tensor.dtype != detail::dtype_of<T>())
            return wrong("dtype " + printable(tensor.dtype), "dtype " + std::string(detail::dtype_of<T>()));
        return std::span<const T>(reinterpret_cast<const T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T));
    }
};

}  // namespace psad::model_file
