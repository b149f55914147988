/// \file cell.hpp
/// What the text of a cell means.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "psad/core/text.hpp"
#include "psad/data/parse_number.hpp"
#include "psad/features/check_request.hpp"

namespace psad::inline PSAD_ABI::data {

/// Whether text is one of the words that databases and statistics programs write for a missing number.
inline bool is_missing_number(std::string_view text) {
    return text.empty() || text == "NULL" || text == "null" || text == "NA" || text == "N/A" || text == "\\N" ||
           text == "None";
}

/// Whether text stands for no name at all. "NA" and "None" may be names: a country has the one.
inline bool is_missing_name(std::string_view text) {
    return text.empty() || text == "NULL" || text == "\\N";
}

/// A number as the text that names a thing: whole numbers without point and exponent.
inline std::string cell_text(double x) {
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (x == std::floor(x) && std::abs(x) <= exact) return std::to_string(static_cast<std::int64_t>(x));
    return number_text(x);
}

/// A name as every format gives it: of numbers and booleans those of JSON, without the ".0" of whole numbers that went
/// through floating point.
inline std::string_view plain_name(std::string_view text) {
    if (text == "True" || text == "TRUE") return "true";
    if (text == "False" || text == "FALSE") return "false";
    if (!text.ends_with(".0")) return text;
    std::string_view digits = text.substr(0, text.size() - 2);
    if (digits.starts_with('-')) digits.remove_prefix(1);
    const bool whole = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
    return whole ? text.substr(0, text.size() - 2) : text;
}

/// A dense feature: a finite number, true (1) or false (0), or a word for a missing one (NaN). False for anything else.
inline bool parse_cell(std::string_view text, double& value) {
    if (text.size() > 1 && text.front() == '+') text.remove_prefix(1);
    if (parse_feature(text, value)) return true;
    if (text == "true" || text == "True" || text == "TRUE") return value = 1, true;
    if (text == "false" || text == "False" || text == "FALSE") return value = 0, true;
    value = std::numeric_limits<double>::quiet_NaN();
    return is_missing_number(text);
}

namespace detail {

/// The next `digits` digits as a number; -1 if they are not there.
inline int take_digits(std::string_view& text, std::size_t digits) {
    int value = 0;
    if (text.size() < digits) return -1;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = 10 * value + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}
inline bool take_char(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

/// Days from 1970-01-01 in the Gregorian calendar.
inline std::int64_t days_from_1970(int year, int month, int day) {
    const std::int64_t y = year - (month <= 2 ? 1 : 0), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// ISO 8601: 2026-11-28, 2026-11-28T09:30:00, with a space for the T, fractions of a second (dropped), and Z or an
/// offset like +01:00. Without an offset the time is UTC.
inline bool parse_iso_time(std::string_view text, std::int64_t& seconds) {
    const int year = take_digits(text, 4);
    if (year < 0 || !take_char(text, "-")) return false;
    const int month = take_digits(text, 2);
    if (month < 1 || month > 12 || !take_char(text, "-")) return false;
    const int day = take_digits(text, 2);
    constexpr int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > days[month - 1] - (month == 2 && !leaps ? 1 : 0)) return false;
    seconds = days_from_1970(year, month, day) * 86400;
    if (text.empty()) return true;
    if (!take_char(text, "T ")) return false;
    const int hour = take_digits(text, 2);
    if (hour < 0 || hour > 24 || !take_char(text, ":")) return false;
    const int minute = take_digits(text, 2);
    if (minute < 0 || minute > (hour == 24 ? 0 : 59)) return false;
    int second = 0;
    if (take_char(text, ":")) {
        second = take_digits(text, 2);
        if (second < 0 || second > (hour == 24 ? 0 : 60)) return false;
        if (take_char(text, ".,")) {
            while (take_digits(text, 1) >= 0) {
            }
        }
    }
    seconds += hour * 3600 + minute * 60 + second;
    take_char(text, " ");
    if (text.empty() || text == "Z" || text == "UTC") return true;
    const bool ahead = text.front() == '+';
    if (!take_char(text, "+-")) return false;
    const int zone_hour = take_digits(text, 2);
    take_char(text, ":");
    const int zone_minute = text.empty() ? 0 : take_digits(text, 2);
    if (zone_hour < 0 || zone_hour > 14 || zone_minute < 0 || zone_minute > 59 || !text.empty()) return false;
    seconds += (ahead ? -1 : 1) * (zone_hour * 3600 + zone_minute * 60);
    return true;
}

}  // namespace detail

/// What parse_time() takes, for messages.
inline constexpr const char* wanted_time = "unix seconds (not milliseconds), or ISO 8601 like 2026-11-28T09:30:00Z";

/// Whether eight digits are the date of a year from 1970 to 2099.
inline bool is_compact_date(std::string_view text) {
    const int year = detail::take_digits(text, 4), month = detail::take_digits(text, 2),
              day = detail::take_digits(text, 2);
    return text.empty() && year >= 1970 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/// A time: unix seconds, whole or not (what is behind the point is dropped), or ISO 8601. A date without dashes is no
/// time, as it looks like seconds of 1970.
inline bool parse_time(std::string_view text, std::int64_t& seconds) {
    double number = 0;
    if (is_compact_date(text)) return false;
    if (!parse_integer(text, seconds)) {
        if (parse_double(text, number) && std::abs(number) <= static_cast<double>(max_time))
            seconds = static_cast<std::int64_t>(std::floor(number));
        else if (!detail::parse_iso_time(text, seconds))
            return false;
    }
    return seconds >= -max_time && seconds <= max_time;
}

}  // namespace psad::data
