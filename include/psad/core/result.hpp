/// \file result.hpp
/// Errors as values: for programs that are compiled without exceptions, and where an error is no exception.
#pragma once

#include <utility>
#include <variant>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI {

/// A value, or the error that stands in its place.
template <class T, class E>
class [[nodiscard]] Result {
  public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(E error) : content_(std::in_place_index<1>, std::move(error)) {}

    /// Whether there is a value.
    explicit operator bool() const { return content_.index() == 0; }
    /// To be asked only where there is a value.
    T& operator*() & { return *std::get_if<0>(&content_); }
    const T& operator*() const& { return *std::get_if<0>(&content_); }
    T&& operator*() && { return std::move(*std::get_if<0>(&content_)); }
    T* operator->() { return std::get_if<0>(&content_); }
    const T* operator->() const { return std::get_if<0>(&content_); }
    /// To be asked only where there is none.
    const E& error() const { return *std::get_if<1>(&content_); }

    /// The value; throws the error where there is none.
    T value() && {
        if (!*this) raise(error());
        return *std::move(*this);
    }

  private:
    std::variant<T, E> content_;
};

}  // namespace psad
