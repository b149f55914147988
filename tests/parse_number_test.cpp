// Numbers from text.
#include "psad/data/parse_number.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "psad/core/rng.hpp"

using namespace psad;

TEST_CASE("numbers: the whole text is one, or it is none") {
    double x = 0;
    for (const std::string zeros : {"", "00000000000000000000"}) {
        for (const std::string bad : {"", "-", "1.2.3", "1e", "1e+", "1e+-2", "1e2.", "1x", "1 ", " 1", "+1", "--1"}) {
            CAPTURE(zeros + bad);
            const std::size_t sign = bad.starts_with('-') || bad.starts_with('+') ? 1 : 0;
            const std::string text = bad.substr(0, sign) + zeros + bad.substr(sign);
            CHECK(data::parse_double(text, x) == (bad.empty() || bad == "-" ? !zeros.empty() : false));
        }
    }
    CHECK_FALSE(data::parse_double("e5aaaaaaaaaaaaaaaaaaaaaaa", x));
    CHECK_FALSE(data::parse_double("2024-01-01T00:00:00.000Z", x));
    CHECK_FALSE(data::parse_double("12345678901234567890123e99999999999", x));
    CHECK(data::parse_double("nan", x));
    CHECK(std::isnan(x));
}

TEST_CASE("numbers: nineteen digits count") {
    const auto number = [](const std::string& text) {
        double x = -1;
        REQUIRE(data::parse_double(text, x));
        return x;
    };
    const std::string zeros(1000, '0');
    CHECK(number("123456789012345678901234567890") == 123456789012345678901234567890.0);
    CHECK(number("-12345678901234567890.1234567890E-5") == -123456789012345.67890);
    CHECK(number("12345678901234567890.") == 12345678901234567890.0);
    CHECK(number(zeros + "7." + zeros) == 7);
    CHECK(number("7" + zeros + "e-1000") == 7);
    CHECK(number("0." + zeros + "7e+1001") == 7);
    CHECK(number("." + zeros + "12345678901234567890123e1000") == 0.12345678901234567890123);
    // Halfway between two doubles, and just beyond: digits behind the nineteenth would tell.
    CHECK(number("9007199254740993.00000000000000000000001") == 9007199254740992);
    CHECK(number("9007199254740993.001") == 9007199254740994);
    for (const char* small : {"2.47032822920623272088e-324", "1e-999", "-1e-99999999999999999999", "0.001e-400"}) {
        double x = -1;
        CHECK_FALSE(data::parse_double(small, x));
        CHECK(data::parse_feature(small, x));
        CHECK(x == 0);
    }
    for (const char* large : {"1.8e308", "1e999", "-1e99999999999999999999", "0.0001e400", "inf"}) {
        double x = -1;
        CHECK_FALSE(data::parse_feature(large, x));
    }
    for (std::uint64_t i = 0; i < 2000; ++i) {
        const auto any = [&](std::uint64_t key, std::uint32_t of) { return static_cast<int>(rng::below(key, i, of)); };
        std::string text = any(1, 2) == 0 ? "-" : "";
        for (int digits = 1 + any(2, 40), point = any(3, 40), d = 0; d < digits; ++d) {
            if (d == point) text += d == 0 ? "0." : ".";
            text += static_cast<char>('0' + any(4 + static_cast<std::uint64_t>(d), 10));
        }
        if (any(90, 2) == 0) text += "e" + std::to_string(any(91, 400) - 200);
        CAPTURE(text);
        const double want = std::strtod(text.c_str(), nullptr);
        CHECK(std::abs(number(text) - want) <= std::abs(want) * std::numeric_limits<double>::epsilon());
    }
    for (std::uint64_t i = 0; i < 500; ++i) {  // what other programs write of a double comes back as that double
        const std::uint64_t bits = rng::below(1, i, 1U << 21) * (std::uint64_t{1} << 32) + rng::below(2, i, ~0U);
        const double x = std::ldexp(static_cast<double>(bits), static_cast<int>(rng::below(3, i, 400)) - 200);
        char text[64];
        for (const char* format : {"%.17g", "%.20g", "%.30e", "%.25f"}) {
            if (format[3] == '5' && (x < 1e-6 || x > 1e30)) continue;
            CAPTURE(format);
            CAPTURE(x);
            REQUIRE(std::snprintf(text, sizeof text, format, x) < 64);
            CHECK(number(text) == x);
        }
    }
}
