/// \file utf8.hpp
/// Whether bytes from outside are text that may be shown.
#pragma once

#include <cstddef>
#include <string_view>

namespace psad {

/// Whether the bytes are UTF-8 (RFC 3629: shortest forms only, no surrogates, at most U+10FFFF) without
/// control characters.
inline bool is_text(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
        const unsigned lead = byte(i);
        if (lead < 0x20 || lead == 0x7f) return false;
        const std::size_t more = lead < 0x80 ? 0 : lead < 0xc2 ? 4 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (more == 4 || lead > 0xf4 || text.size() - i <= more) return false;
        for (std::size_t k = 1; k <= more; ++k) {
            if ((byte(i + k) & 0xc0U) != 0x80) return false;
        }
        if (more > 1) {
            const unsigned second = byte(i + 1);
            if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

}  // namespace psad
