/// \file parse_number.hpp
/// Numbers from text, the whole text or not at all. Where the standard library's from_chars knows no floating point
/// (libc++ before 20), fast_float reads it: Debian's libfast-float-dev.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
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

namespace detail {
/// The first nineteen digits of a number as from_chars reads them, and the power of ten that they are multiplied by.
class Decimal {
  public:
    static constexpr std::size_t most_digits = 19;

    std::string_view text() const { return {text_.data(), size_}; }
    long long power() const { return power_; }

    /// The whole text: digits, perhaps with a point and an exponent. Nothing if it is anything else.
    static std::optional<Decimal> parse(std::string_view text) {
        const auto is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
        Decimal out;
        std::size_t i = text.starts_with('-') ? 1 : 0;
        if (i > 0) out.add('-');
        const std::size_t sign = i;
        bool any = false, in_fraction = false;
        for (; is_digit(i) || (i < text.size() && text[i] == '.' && !in_fraction); ++i) {
            if (text[i] == '.') {
                in_fraction = true;
                continue;
            }
            any = true;
            const std::size_t digits = out.size_ - sign;
            if (digits < most_digits && (digits > 0 || text[i] != '0')) out.add(text[i]);
            out.power_ += (digits == most_digits ? 1 : 0) - (in_fraction ? 1 : 0);
        }
        if (!any) return std::nullopt;
        if (out.size_ == sign) out.add('0'), out.power_ = 0;
        if (i < text.size() && !out.add_exponent(text.substr(i))) return std::nullopt;
        out.add('e');
        out.size_ = static_cast<std::size_t>(
            std::to_chars(out.text_.data() + out.size_, out.text_.data() + out.text_.size(), out.power_).ptr -
            out.text_.data());
        return out;
    }

  private:
    void add(char c) { text_[size_++] = c; }
    /// "e-7"; false if it is anything else.
    bool add_exponent(std::string_view text) {
        if (text[0] != 'e' && text[0] != 'E') return false;
        text.remove_prefix(1);
        const bool is_negative = text.starts_with('-');
        if (is_negative || text.starts_with('+')) text.remove_prefix(1);
        if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
        constexpr long long far_out = 1'000'000'000;
        long long exponent = 0;
        for (const char c : text) exponent = (std::min)(far_out, 10 * exponent + (c - '0'));
        power_ += is_negative ? -exponent : exponent;
        return true;
    }

    std::array<char, 48> text_{};
    std::size_t size_ = 0;
    long long power_ = 0;
};

inline bool parse_exactly(std::string_view text, double& value) {
#if defined(__cpp_lib_to_chars)
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
#else
    const auto [stop, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
#endif
    return error == std::errc() && stop == text.data() + text.size();
}

enum class Parsed : std::uint8_t { nothing, too_small, number };

inline Parsed parse(std::string_view text, double& value) {
    std::optional<Decimal> number;
    if (text.size() > Decimal::most_digits) number = Decimal::parse(text);
    if (parse_exactly(number ? number->text() : text, value)) return Parsed::number;
    if (text.size() <= Decimal::most_digits) number = Decimal::parse(text);
    return number && number->power() < 0 ? Parsed::too_small : Parsed::nothing;
}
}  // namespace detail

/// The whole text as a double, "nan" and "inf" too; false if it is anything else or out of range. Nineteen digits
/// count, two more than tell all doubles apart: more may take from_chars twenty times as long.
inline bool parse_double(std::string_view text, double& value) {
    return detail::parse(text, value) == detail::Parsed::number;
}

/// The whole text as a dense feature: a finite number, or "nan" for a missing one. False if it is anything else. What
/// is too small for a double is 0.
inline bool parse_feature(std::string_view text, double& value) {
    const detail::Parsed found = detail::parse(text, value);
    if (found == detail::Parsed::too_small) value = 0;
    return found != detail::Parsed::nothing && !std::isinf(value);
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
