// What flags accept, in plain words: each check says what was found and what was wanted.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace psad::cli {

/// A number within bounds, read as a whole and never wrapped or rounded into range. It is handed on in one
/// form: CLI11 would take 010 for an octal number.
template <class V>
CLI::Validator between(V least, V most, const char* kind) {
    const std::string wanted = fmt::format("{} from {} to {}", kind, least, most);
    return CLI::Validator(
        [=](std::string& text) {
            V value{};
            const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool good =
                error == std::errc() && stop == text.data() + text.size() && value >= least && value <= most;
            if (!good) return fmt::format("found {}, wanted {}", text, wanted);
            text = fmt::format("{}", value);
            return std::string();
        },
        fmt::format("[{} - {}]", least, most), kind);
}
inline CLI::Validator whole(std::uint64_t least, std::uint64_t most) {
    return between(least, most, "a whole number");
}
inline CLI::Validator number(double least, double most) {
    return between(least, most, "a number");
}

/// A file or a folder by name.
inline CLI::Validator path() {
    return CLI::Validator(
        [](std::string& text) {
            return text.empty() ? std::string("found an empty name, wanted a path") : std::string();
        },
        "PATH");
}
inline CLI::Validator one_of(std::vector<std::string> words) {
    return CLI::Validator(
        [words](std::string& text) {
            const bool known = std::find(words.begin(), words.end(), text) != words.end();
            return known ? std::string()
                         : fmt::format("found {}, wanted one of {}", text, fmt::join(words, ", "));
        },
        fmt::format("{{{}}}", fmt::join(words, ",")));
}

/// Throws CLI::ValidationError if a file that will be written is one of a data set.
inline void must_be_outside(const char* flag, const std::string& written, const std::string& folder) {
    std::error_code ignored;
    const std::filesystem::path path(written);
    if (!written.empty() && std::filesystem::exists(path, ignored) &&
        std::filesystem::equivalent(path.has_parent_path() ? path.parent_path() : ".", folder, ignored)) {
        throw CLI::ValidationError(flag, "found a file of the data set, wanted another");
    }
}

/// Throws CLI::ValidationError if a file that will be written is one that must stay.
inline void must_differ(const char* flag, const std::string& written, const char* other_flag,
                        const std::string& other) {
    if (written.empty() || other.empty()) return;
    std::error_code ignored;
    const auto whole_path = [&](const std::string& path) {
        return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
    };
    if (std::filesystem::equivalent(written, other, ignored) || whole_path(written) == whole_path(other)) {
        throw CLI::ValidationError(flag, fmt::format("found the file of {}, wanted another", other_flag));
    }
}

}  // namespace psad::cli
