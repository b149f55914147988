/// \file world_settings.hpp
/// The numbers of a simulated world, and their text form "candidates=15,positions=10,...".
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/setting.hpp"
#include "psad/core/text.hpp"
#include "psad/data/parse_number.hpp"

namespace psad::inline PSAD_ABI::simulator {

/// The logging policy: who made the lists of the logs.
enum class LoggingPolicy {
    expert,     ///< draws lists with p(list) ~ exp(utility / temperature)
    pointwise,  ///< sorts by a noisy guess of each item's own appeal
    mixture,    ///< one or the other, by a fair coin for each request
};

inline constexpr std::array<std::pair<LoggingPolicy, const char*>, 3> logging_policy_names{
    {{LoggingPolicy::expert, "expert"}, {LoggingPolicy::pointwise, "pointwise"}, {LoggingPolicy::mixture, "mixture"}}};

struct WorldSettings {
    int candidates = 15;    ///< n
    int positions = 10;     ///< L, of a list
    double variety = 2;     ///< gamma: mean preference for diversity over the users
    double complement = 1;  ///< eta
    int window = 2;
    LoggingPolicy logging = LoggingPolicy::expert;
    double temperature = 0.05;
    double noise = 0.5;
    int items = 600;
    int topics = 12;
    int styles = 24;
    std::uint64_t seed = 1;

    /// In a fixed order, that of their text form.
    template <class Visit, class Self>
    static void for_each_setting(Visit&& visit, Self& self) {
        visit(Setting{"candidates", "Candidates of a request", 2, 100}, self.candidates);
        visit(Setting{"positions", "Positions of a list", 1, 100}, self.positions);
        visit(Setting{"variety", "What similarity to an item just before costs, in logits", 0, 20}, self.variety);
        visit(Setting{"complement", "What complementing the item before is worth, in logits", 0, 20}, self.complement);
        visit(Setting{"window", "How many items back similarity counts", 1, 100}, self.window);
        visit(Setting{"logging", "Who made the lists of the logs"}, self.logging);
        visit(Setting{"temperature", "Of the expert: small = nearly always the best list", 0.001, 100},
              self.temperature);
        visit(Setting{"noise", "Deviation of the pointwise policy's guess, in logits", 0, 100}, self.noise);
        visit(Setting{"items", "Items of the world", 10, 10'000'000}, self.items);
        visit(Setting{"topics", "Topics of items", 3, 1000}, self.topics);
        visit(Setting{"styles", "Styles of items", 1, 100'000}, self.styles);
        visit(Setting{"seed", "Same seed, same world", 0}, self.seed);
    }
};

/// Throws SettingError for the first setting that is out of range.
inline void check(const WorldSettings& s) {
    check_settings("world settings", s);
    const auto within = [](const char* name, int value, int min, int max) {
        if (value < min || value > max)
            throw SettingError("world settings", name, std::to_string(value),
                               std::to_string(min) + " to " + std::to_string(max));
    };
    within("positions", s.positions, 1, s.candidates);
    within("items", s.items, 10 * s.topics, 10'000'000);
    within("items", s.items, 2 * s.candidates, 10'000'000);
}

inline std::string to_text(const WorldSettings& settings) {
    std::string out;
    WorldSettings::for_each_setting(
        [&](const Setting& setting, const auto& value) {
            if (!out.empty()) out += ',';
            out += setting.name;
            out += '=';
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, LoggingPolicy>) {
                for (const auto& [policy, word] : logging_policy_names) out += policy == value ? word : "";
            } else {
                out += number_text(value);
            }
        },
        settings);
    return out;
}

/// Settings from "name=value,...": those not named keep their defaults. Throws SettingError for a name that
/// is not known, a value that is none, and settings out of range.
inline WorldSettings world_settings(std::string_view text) {
    WorldSettings out;
    const auto read = [](std::string_view value, auto& to) {
        if constexpr (std::is_same_v<std::decay_t<decltype(to)>, LoggingPolicy>) {
            for (const auto& [policy, word] : logging_policy_names) {
                if (value == word) return to = policy, true;
            }
            return false;
        } else if constexpr (std::is_floating_point_v<std::decay_t<decltype(to)>>) {
            return data::parse_double(value, to);
        } else {
            return data::parse_integer(value, to);
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
        WorldSettings::for_each_setting(
            [&](const Setting& setting, auto& value) {
                names += (names.empty() ? "" : ", ") + std::string(setting.name);
                if (name != setting.name) return;
                known = true;
                if (equals == std::string_view::npos || !read(part.substr(equals + 1), value)) {
                    std::string wanted;
                    using Value = std::decay_t<decltype(value)>;
                    if constexpr (std::is_floating_point_v<Value>) {
                        wanted = "NUMBER";
                    } else if constexpr (std::is_integral_v<Value>) {
                        wanted = std::is_unsigned_v<Value> ? "WHOLE_NUMBER from 0" : "WHOLE_NUMBER";
                    } else {
                        for (const auto& [policy, word] : logging_policy_names)
                            wanted += (wanted.empty() ? "" : " or ") + std::string(word);
                    }
                    throw SettingError("world settings", setting.name, "'" + std::string(part) + "'",
                                       std::string(setting.name) + "=" + wanted);
                }
            },
            out);
        if (!known) throw SettingError("world settings", "", "'" + std::string(part) + "'", "one of " + names);
    }
    check(out);
    return out;
}

}  // namespace psad::simulator
