/// \file parse_number.hpp
/// Numbers from text, the whole text or not at all. Where the standard library's from_chars knows no floating point
/// (libc++ before 20), fast_float reads it: Debian's libfast-float-dev.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "psad/core/version.hpp"

#if !defined(__cpp_lib_to_chars)
#include <fast_float/fast_float.h>
#endif

namespace psad::inline PSAD_ABI::data {

/// The whole text as an integer; false if it is anything else or overflows.
template <class V>
bool parse_integer(std::string_view text, V& value) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && stop == text.data() + text.size();
}

/// The whole text as a double, "nan" and "inf" too; false if it is anything else or out of range.
inline bool parse_double(std::string_view text, double& value) {
#if defined(__cpp_lib_to_chars)
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
#else
    const auto [stop, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
#endif
    return error == std::errc() && stop == text.data() + text.size();
}

/// The whole text as a dense feature: a finite number, or "nan" for a missing one. False if it is anything else. What
/// is too small for a double is 0.
inline bool parse_feature(std::string_view text, double& value) {
    if (parse_double(text, value)) return !std::isinf(value);
    if (text.empty() || text.find_first_not_of("0123456789.eE-") != std::string_view::npos) return false;
    const std::string whole(text);
    char* end = nullptr;
    value = std::strtod(whole.c_str(), &end);
    return end == whole.c_str() + whole.size() && value == 0;
}

/// Whether the whole text is a number by the grammar of RFC 8259.
inline bool is_json_number(std::string_view text) {
    std::size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
    const auto digits = [&] {
        const std::size_t first = i;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
        return i > first;
    };
    const std::size_t first = i;
    if (!digits() || (text[first] == '0' && i > first + 1)) return false;
    if (i < text.size() && text[i] == '.' && (++i, !digits())) return false;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        if (!digits()) return false;
    }
    return i == text.size();
}

}  // namespace psad::data
