/// \file variant_set.hpp
/// A closed set of variants, compiled in and chosen by name at run time.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI {

/// `struct Small { static constexpr const char* name = "small"; using type = Psad<...>; };` is a named
/// variant.
template <class V>
concept NamedVariant = requires {
    { V::name } -> std::convertible_to<std::string_view>;
    typename V::type;
};

/// Variants by name, such as `VariantSet<Default, Small>`.
template <NamedVariant... Variants>
struct VariantSet {
    /// "a, b, c"
    static std::string names() {
        std::string all;
        ((all += (all.empty() ? "" : ", ") + std::string(Variants::name)), ...);
        return all;
    }

    static bool has(std::string_view name) { return ((name == Variants::name) || ...); }

    /// Calls f(Variant{}) for every variant.
    template <class F>
    static void for_each(F f) {
        (f(Variants{}), ...);
    }

    /// Calls f(Variant{}) for the variant of that name; throws SettingError for any other name.
    template <class F>
    static void visit(std::string_view name, F f) {
        const bool found = ((name == Variants::name ? (f(Variants{}), true) : false) || ...);
        if (!found) raise(SettingError("variant", "", std::string(name), "one of " + names()));
    }
};

}  // namespace psad
