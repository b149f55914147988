/// \file text.hpp
/// Text from outside: whether it may be shown, and how a message shows it. Numbers as text.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Whether the bytes are UTF-8 (RFC 3629: shortest forms only, no surrogates, at most U+10FFFF).
inline bool is_utf8(std::string_view text, bool with_control_characters = true) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
        const unsigned lead = byte(i);
        if ((lead < 0x20 || lead == 0x7f) && !with_control_characters) return false;
        const std::size_t more = lead < 0x80 ? 0 : lead < 0xc2 ? 4 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (more == 4 || lead > 0xf4 || text.size() - i <= more) return false;
        for (std::size_t k = 1; k <= more; ++k) {
            if ((byte(i + k) & 0xc0U) != 0x80) return false;
        }
        if (more > 1) {
            const unsigned second = byte(i + 1);
            if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
                (lead == 0xf4 && second > 0x8f)) {
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

/// The same without control characters.
inline bool is_text(std::string_view text) {
    return is_utf8(text, false);
}

/// The text in quotes for a message: at most 40 bytes of it, what is not printable ASCII escaped.
inline std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 40;
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "'";
    for (const char c : text.substr(0, longest)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else if (byte < 0x20 || byte > 0x7e) {
            out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        } else {
            out += c;
        }
    }
    return out + (text.size() > longest ? "...'" : "'");
}

/// The text for a message without quotes: at most `longest` bytes of it, control characters as question marks, and so
/// all that is not ASCII unless the whole is UTF-8. So a damaged file can neither flood nor steer a terminal.
inline std::string printable(std::string_view text, std::size_t longest = 120) {
    std::string out(text.substr(0, longest));
    const auto byte = [](char c) { return static_cast<unsigned char>(c); };
    if (text.size() > longest) {  // no character cut in half
        while (!out.empty() && (byte(out.back()) & 0xc0U) == 0x80) out.pop_back();
        if (!out.empty() && byte(out.back()) >= 0xc0) out.pop_back();
    }
    for (char& c : out) {
        if (byte(c) < 0x20 || c == 0x7f) c = '?';
    }
    if (!is_text(out)) {
        for (char& c : out) {
            if (byte(c) >= 0x80) c = '?';
        }
    }
    return text.size() > out.size() ? out + "..." : out;
}

/// The shortest text that reads back as the same number.
template <class V>
std::string number_text(V value) {
    if constexpr (sizeof(V) == 1) {
        return std::to_string(value);
    } else {
        std::array<char, 40> digits;
        return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
    }
}

}  // namespace psad
