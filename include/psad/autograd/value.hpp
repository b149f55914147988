/// \file value.hpp
/// Values: numbers whose rows run along a named axis and whose width is static.
#pragma once

#include <type_traits>

#include "psad/core/axes.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI {

/// Compile-time facts of every kind of value: its axis and its width.
template <class Axis, int Width>
struct Typed {
    using axis = Axis;
    static constexpr int width = Width;
};

/// rows x Width numbers in an arena, row after row.
template <class T, class Axis, int Width>
struct View : Typed<Axis, Width> {
    T* data = nullptr;
    int rows = 0;

    View() = default;
    View(T* first, int count) : data(first), rows(count) {}
    Matrix<T> matrix() const { return {data, rows, Width, Width}; }
};

/// Calls f(view) for every view of a state: a view itself, or a struct with for_each_view(self, f).
template <class State, class F>
void for_each_view(State& state, F f) {
    if constexpr (requires { std::remove_const_t<State>::for_each_view(state, f); })
        std::remove_const_t<State>::for_each_view(state, f);
    else
        f(state);
}

/// An operand of a derivative rule: its value, and where its gradient is to be added (empty: nowhere).
template <class T>
struct Tracked {
    Matrix<const T> value;
    Matrix<T> grad;
};

template <class V>
using axis_of = typename std::remove_cvref_t<V>::axis;
template <class V>
inline constexpr int width_of = std::remove_cvref_t<V>::width;

// Compile-time checks whose failure names both numbers, or both axes, in the line of the error message.

template <int Number>
struct given_width;
template <int Number>
struct wanted_width;
template <class Axis>
struct given_axis;
template <class Axis>
struct wanted_axis;

template <class Given, class Wanted>
struct width_check;
template <int Given, int Wanted>
struct width_check<given_width<Given>, wanted_width<Wanted>> {
    static_assert(Given == Wanted,
                  "psad: a value of the wrong width: see given_width<...> and wanted_width<...> in this message");
};

template <class Given, class Wanted>
struct axis_check;
template <class Given, class Wanted>
struct axis_check<given_axis<Given>, wanted_axis<Wanted>> {
    static_assert(std::is_same_v<Given, Wanted>,
                  "psad: a value on the wrong axis: see given_axis<...> and wanted_axis<...> in this message");
};

/// Refuses a value of another width.
template <class V, int Wanted>
constexpr void expect_width() {
    (void)sizeof(width_check<given_width<width_of<V>>, wanted_width<Wanted>>);
}
/// Refuses a value on another axis.
template <class V, class Wanted>
constexpr void expect_axis() {
    (void)sizeof(axis_check<given_axis<axis_of<V>>, wanted_axis<Wanted>>);
}

}  // namespace psad
