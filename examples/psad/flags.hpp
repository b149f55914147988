// What flags accept, in plain words: each check says what was found and what was wanted.
#pragma once

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace psad::cli {

/// A number within bounds, read as a whole and never wrapped or rounded into range.
template <class V>
CLI::Validator between(V least, V most, const char* kind) {
    const std::string wanted = fmt::format("{} from {} to {}", kind, least, most);
    return CLI::Validator(
        [=](const std::string& text) {
            V value{};
            const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool good =
                error == std::errc() && stop == text.data() + text.size() && value >= least && value <= most;
            return good ? std::string() : fmt::format("found {}, wanted {}", text, wanted);
        },
        fmt::format("[{} - {}]", least, most), kind);
}
inline CLI::Validator whole(std::uint64_t least, std::uint64_t most) {
    return between(least, most, "a whole number");
}
inline CLI::Validator number(double least, double most) {
    return between(least, most, "a number");
}

/// Throws CLI::ValidationError if a file that will be written is one that must stay.
inline void must_differ(const char* flag, const std::string& written, const char* other_flag,
                        const std::string& other) {
    if (written.empty() || other.empty()) return;
    std::error_code ignored;
    const auto whole_path = [&](const std::string& path) {
        return std::filesystem::weakly_canonical(path, ignored);
    };
    if (std::filesystem::equivalent(written, other, ignored) || whole_path(written) == whole_path(other)) {
        throw CLI::ValidationError(flag, fmt::format("found the file of {}, wanted another", other_flag));
    }
}

}  // namespace psad::cli
