/// \file axes.hpp
/// Axes are types: the rows of every value run along one of these. They are those of a reranker's batch.
#pragma once

#include <type_traits>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

struct Lists {};      ///< one row per request
struct Items {};      ///< one row per candidate
struct Events {};     ///< one row per history event, latest first
struct Positions {};  ///< one row per position of the output lists
struct Block {};      ///< one row per position of the block being decoded

/// A fixed number of rows that belongs to no list: weights, and vectors shared by all rows (R = 1).
template <int R>
struct Fixed {};

/// A number of rows that is known when a model is built and belongs to no list: weights with a row per feature.
struct Features {};

/// One row per (query, key) pair of the same list; a list's pairs form a row-major matrix.
template <class Query, class Key>
struct Pairs {};

template <class Axis>
inline constexpr bool is_fixed = false;
template <int R>
inline constexpr bool is_fixed<Fixed<R>> = true;

template <class Axis>
inline constexpr bool is_pairs = false;
template <class Query, class Key>
inline constexpr bool is_pairs<Pairs<Query, Key>> = true;

/// The axis on which values of axes A and B meet: Lists and Fixed broadcast to anything finer.
template <class A, class B>
struct meeting {
    static constexpr bool a_is_coarse = std::is_same_v<A, Lists> || is_fixed<A>;
    static constexpr bool b_is_coarse = std::is_same_v<B, Lists> || is_fixed<B>;
    static_assert(std::is_same_v<A, B> || a_is_coarse || b_is_coarse,
                  "psad: these two axes do not meet; only values per list and fixed ones broadcast to a finer axis");
    using type = std::conditional_t<is_fixed<A>, B, std::conditional_t<b_is_coarse, A, B>>;
};

template <class First, class... Rest>
struct finest_axis {
    using type = First;
};
template <class First, class Second, class... Rest>
struct finest_axis<First, Second, Rest...> {
    using type = typename finest_axis<typename meeting<First, Second>::type, Rest...>::type;
};

/// The axis of a pointwise function of values on the given axes.
template <class... Axes>
using finest = typename finest_axis<Axes...>::type;

}  // namespace psad
