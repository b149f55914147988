/// \file world_settings.hpp
/// The numbers of a simulated world, and their text form "candidates=15,slots=10,...".
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"

namespace psad::world {

/// Who made the lists of the logs.
enum class Logger {
    expert,     ///< draws lists with p(list) ~ exp(utility / temperature)
    pointwise,  ///< sorts by a noisy guess of each item's own appeal
    mixture,    ///< one or the other, by a fair coin for each request
};

inline constexpr std::array<std::pair<Logger, const char*>, 3> logger_names{
    {{Logger::expert, "expert"}, {Logger::pointwise, "pointwise"}, {Logger::mixture, "mixture"}}};

struct WorldSettings {
    int candidates = 15;    ///< n
    int slots = 10;         ///< L, places of a list
    double variety = 2;     ///< gamma: mean distaste of likeness over the users
    double complement = 1;  ///< eta
    int window = 2;         ///< how far back likeness is seen
    Logger logger = Logger::expert;
    double temperature = 0.05;  ///< of the expert: small = nearly always the best list
    double noise = 0.5;         ///< deviation of the pointwise logger's guess, in logits
    int items = 600;
    int topics = 12;
    int styles = 24;
    std::uint64_t seed = 1;
};

/// Calls `visit(name, value)` for every setting, in a fixed order.
template <class Settings, class Visit>
void for_each_setting(Settings& s, Visit&& visit) {
    visit("candidates", s.candidates);
    visit("slots", s.slots);
    visit("variety", s.variety);
    visit("complement", s.complement);
    visit("window", s.window);
    visit("logger", s.logger);
    visit("temperature", s.temperature);
    visit("noise", s.noise);
    visit("items", s.items);
    visit("topics", s.topics);
    visit("styles", s.styles);
    visit("seed", s.seed);
}

namespace detail {
/// The shortest text that reads back as the number.
template <class V>
std::string shown(V value) {
    std::array<char, 32> digits;
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}
}  // namespace detail

/// Throws SettingError for the first setting that is out of range.
inline void check(const WorldSettings& s) {
    const auto within = [](const char* name, auto value, auto least, auto most) {
        if (value >= least && value <= most) return;
        throw SettingError("world settings", name, detail::shown(value),
                           detail::shown(least) + " to " + detail::shown(most));
    };
    within("candidates", s.candidates, 2, 100);
    within("slots", s.slots, 1, s.candidates);
    within("variety", s.variety, 0.0, 20.0);
    within("complement", s.complement, 0.0, 20.0);
    within("window", s.window, 1, 100);
    within("temperature", s.temperature, 0.001, 100.0);
    within("noise", s.noise, 0.0, 100.0);
    within("topics", s.topics, 3, 1000);
    within("styles", s.styles, 1, 100'000);
    within("items", s.items, 10 * s.topics, 10'000'000);
    if (s.items < 2 * s.candidates) within("items", s.items, 2 * s.candidates, 10'000'000);
}

inline std::string to_text(const WorldSettings& settings) {
    std::string out;
    for_each_setting(settings, [&](const char* name, const auto& value) {
        if (!out.empty()) out += ',';
        out += name;
        out += '=';
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Logger>) {
            for (const auto& [logger, word] : logger_names) out += logger == value ? word : "";
        } else {
            out += detail::shown(value);
        }
    });
    return out;
}

/// Settings from "name=value,...": those not named keep their defaults. Throws SettingError for a name that
/// is not known, a value that is none, and settings out of range.
inline WorldSettings world_settings(std::string_view text) {
    WorldSettings out;
    const auto read = [](std::string_view value, auto& to) {
        if constexpr (std::is_same_v<std::decay_t<decltype(to)>, Logger>) {
            for (const auto& [logger, word] : logger_names) {
                if (value == word) return to = logger, true;
            }
            return false;
        } else {
            const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), to);
            return error == std::errc() && stop == value.data() + value.size();
        }
    };
    std::vector<std::string_view> named;
    for (bool more = !text.empty(); more;) {
        const std::string_view part = text.substr(0, text.find(','));
        more = part.size() < text.size();
        text.remove_prefix(part.size() + (more ? 1 : 0));
        const std::size_t equals = part.find('=');
        const std::string_view name = part.substr(0, equals);
        bool known = false;
        if (std::find(named.begin(), named.end(), name) != named.end())
            throw SettingError("world settings", std::string(name), "it twice", "each setting once");
        named.push_back(name);
        std::string names;
        for_each_setting(out, [&](const char* setting, auto& value) {
            names += (names.empty() ? "" : ", ") + std::string(setting);
            if (name != setting) return;
            known = true;
            if (equals == std::string_view::npos || !read(part.substr(equals + 1), value)) {
                std::string wanted;
                using Value = std::decay_t<decltype(value)>;
                if constexpr (std::is_floating_point_v<Value>) {
                    wanted = "NUMBER";
                } else if constexpr (std::is_integral_v<Value>) {
                    wanted = std::is_unsigned_v<Value> ? "WHOLE_NUMBER from 0" : "WHOLE_NUMBER";
                } else {
                    for (const auto& [logger, word] : logger_names)
                        wanted += (wanted.empty() ? "" : " or ") + std::string(word);
                }
                throw SettingError("world settings", setting, "'" + std::string(part) + "'",
                                   std::string(setting) + "=" + wanted);
            }
        });
        if (!known)
            throw SettingError("world settings", "", "'" + std::string(part) + "'", "one of " + names);
    }
    check(out);
    return out;
}

}  // namespace psad::world
