// What flags accept, in plain words: each check says what was found and what was wanted.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "output.hpp"
#include "psad/core/atomic_file.hpp"
#include "psad/core/folder_names.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/setting.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/parse_number.hpp"

namespace psad::cli {

inline constexpr auto max_int = static_cast<std::uint64_t>((std::numeric_limits<int>::max)());

inline bool parse(const std::string& text, std::uint64_t& value) {
    return data::parse_integer(text, value);
}
inline bool parse(const std::string& text, double& value) {
    return data::parse_double(text, value);
}

/// A number within bounds, read as a whole and never wrapped or rounded into range. It is handed on in one
/// form: CLI11 would take 010 for an octal number.
template <class V>
CLI::Validator between(V min, V max, const char* kind) {
    const std::string wanted = fmt::format("{} from {} to {}", kind, min, max);
    return CLI::Validator(
        [=](std::string& text) {
            V value{};
            if (!parse(text, value) || !(value >= min && value <= max))
                return fmt::format("found {}, wanted {}", text, wanted);
            text = fmt::format("{}", value);
            return std::string();
        },
        fmt::format("[{} - {}]", min, max), kind);
}
inline CLI::Validator whole(std::uint64_t min, std::uint64_t max) {
    return between(min, max, "a whole number");
}
/// A file or a folder by name.
inline CLI::Validator path() {
    return CLI::Validator(
        [](std::string& text) {
            return text.empty() ? std::string("found an empty name, wanted a path") : std::string();
        },
        "PATH");
}
inline CLI::Validator name() {
    return CLI::Validator(
        [](std::string& text) {
            return text.empty() ? std::string("found an empty name, wanted that of a column") : std::string();
        },
        "NAME");
}
/// Unix seconds or ISO 8601.
inline CLI::Validator time() {
    return CLI::Validator(
        [](std::string& text) {
            std::int64_t seconds = 0;
            return data::parse_time(text, seconds)
                       ? std::string()
                       : fmt::format("found {}, wanted unix seconds, or ISO 8601 like 2026-11-28",
                                     text.empty() ? "nothing" : text);
        },
        "TIME");
}
inline CLI::Validator one_of(std::vector<std::string> words) {
    return CLI::Validator(
        [words](std::string& text) {
            const bool known = std::find(words.begin(), words.end(), text) != words.end();
            return known ? std::string() : fmt::format("found {}, wanted one of {}", text, fmt::join(words, ", "));
        },
        fmt::format("{{{}}}", fmt::join(words, ",")));
}

/// Throws CLI::ValidationError if a file will be written into the folder of a data set, or takes the place of one that
/// the folder links to.
inline void must_be_outside(const char* flag, const std::string& written, const std::string& folder) {
    if (written.empty() || folder.empty()) return;
    std::error_code ignored;
    const auto path = std::filesystem::absolute(written, ignored);
    for (const auto& target : {path, std::filesystem::weakly_canonical(path, ignored)}) {
        if (std::filesystem::equivalent(target.parent_path(), folder, ignored))
            throw CLI::ValidationError(flag, "found a file in the folder of the data set, wanted one elsewhere");
    }
    for_each_name(folder, [&](std::string_view name) {
        if (std::filesystem::equivalent(folder / std::filesystem::path(name), path, ignored))
            throw CLI::ValidationError(flag, "found a file that the data set links to, wanted another");
    });
}

/// Throws CLI::ValidationError if a file that will be written is one that must stay.
inline void must_differ(const char* flag, const std::string& written, const char* other_flag,
                        const std::string& other) {
    if (written.empty() || other.empty()) return;
    std::error_code ignored;
    const auto whole_path = [&](const std::string& path) {  // a link may lead to a file that is not there yet
        return std::filesystem::weakly_canonical(std::filesystem::absolute(AtomicFile::behind_links(path), ignored),
                                                 ignored);
    };
    if (std::filesystem::equivalent(written, other, ignored) || whole_path(written) == whole_path(other)) {
        throw CLI::ValidationError(flag, fmt::format("found the file of {}, wanted another", other_flag));
    }
}

inline void add_threads(CLI::App& command, int& threads) {
    command.add_option("--threads", threads, "0 = all of the machine")->transform(whole(0, 256))->capture_default_str();
}
inline CLI::Option* add_data(CLI::App& command, std::string& data) {
    return command.add_option("--data", data, "Folder in the format psad-lists-1")->check(path());
}
inline CLI::Option* add_world(CLI::App& command, std::string& world) {
    return command.add_option("--world", world, "Settings of the world, e.g. positions=6,logging=mixture");
}
/// `names` are the variants of the build.
inline void add_variant(CLI::App& command, std::string& variant, const std::string& names) {
    command.add_option("--variant", variant, "One of " + names)->capture_default_str();
}

/// A number in the range of a setting, handed on in decimal as by between().
template <class V>
CLI::Validator in_range(const Setting& s) {
    const std::string kind = std::is_integral_v<V> ? "a whole number" : "a number";
    return CLI::Validator(
        [=](std::string& text) {
            std::conditional_t<std::is_integral_v<V>, std::uint64_t, double> value{};
            constexpr auto largest = (std::numeric_limits<V>::max)();
            constexpr bool is_int = std::is_same_v<V, int>;
            if (!parse(text, value) || !s.accepts(static_cast<double>(value)) ||
                (is_int && static_cast<double>(value) > static_cast<double>(largest)))
                return fmt::format("found {}, wanted {}: {}{}", text, kind, s.range(),
                                   std::isfinite(s.max) ? std::string() : fmt::format(", up to {}", largest));
            text = fmt::format("{}", value);
            return std::string();
        },
        s.range(), kind);
}

/// The limits on what files may ask of this program.
inline void add_limits(CLI::App& command) {
    Limits::for_each_setting(
        [&](const Setting& s, int& limit) {
            std::string flag = std::string("--") + s.name;
            std::ranges::replace(flag, '_', '-');
            command.add_option(flag, limit, s.help)
                ->transform(in_range<int>(s))
                ->capture_default_str()
                ->group("Limits");
        },
        limits());
}

/// Flags for some or all settings of a struct: `weight_decay` becomes --weight-decay, with its default in the help.
template <class Settings>
class SettingFlags {
  public:
    /// All settings if `names` is empty.
    void add_to(CLI::App& command, const std::vector<std::string_view>& names = {}) {
        Settings::for_each_setting(
            [&](const Setting& s, auto& value) {
                using V = std::remove_reference_t<decltype(value)>;
                if constexpr (std::is_arithmetic_v<V>) {
                    if (!names.empty() && std::ranges::count(names, s.name) == 0) return;
                    std::string flag = std::string("--") + s.name;
                    std::ranges::replace(flag, '_', '-');
                    if (s.short_name != nullptr) flag += std::string(",--") + s.short_name;
                    options_[s.name] =
                        command.add_option(flag, value, s.help)
                            ->transform(in_range<V>(s))
                            ->default_str(s.accepts(static_cast<double>(value)) ? fmt::format("{}", value)
                                                                                : "by the number of lists");
                }
            },
            given_);
    }
    CLI::Option* option(const std::string& name) const { return options_.at(name); }
    /// Whether a flag was given.
    bool has(const std::string& name) const { return !options_.at(name)->empty(); }
    /// Sets what was given.
    void apply_to(Settings& settings) const {
        Settings given = given_;
        Settings::for_each_setting(
            [&](const Setting& s, auto& to) {
                using V = std::remove_reference_t<decltype(to)>;
                const auto option = options_.find(s.name);
                if (option == options_.end() || option->second->empty()) return;
                Settings::for_each_setting(
                    [&](const Setting& other, auto& from) {
                        if constexpr (std::is_same_v<std::remove_reference_t<decltype(from)>, V>) {
                            if (std::string_view(other.name) == s.name) to = from;
                        }
                    },
                    given);
            },
            settings);
    }

  private:
    Settings given_;
    std::map<std::string, CLI::Option*> options_;
};

}  // namespace psad::cli
