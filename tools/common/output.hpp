// What programs write: JSON files as a whole or not at all, standard output that reached its place, errors in one line.
#pragma once

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>

#include "memory_reserve.hpp"
#include "psad/core/atomic_file.hpp"
#include "psad/core/error.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/model_file/json_value.hpp"
#include "stop_notice.hpp"

namespace psad::cli {

inline constexpr int wrong_usage = 2;

/// Throws FileError unless the file can be written; an empty path stands for no file. Asked before long work.
inline void check_writable(const std::filesystem::path& path) {
    if (path.empty()) return;
    AtomicFile probe(path);
    probe.write("\n", 1);
    probe.rehearse();
}

/// Writes a text, or a JSON document, to a file as a whole or not at all; an empty path stands for no file.
inline void write_text(const std::filesystem::path& path, const std::string& text) {
    if (path.empty()) return;
    AtomicFile file(path);
    file.write(text.data(), text.size());
    file.commit();
}
inline void write_json(const std::filesystem::path& path, const model_file::JsonValue& document) {
    write_text(path, document.dump(2) + "\n");
}

/// [value, low, high]
inline model_file::JsonValue interval_json(const eval::Interval& x) {
    return std::array{x.value, x.low, x.high};
}

/// Prints text as it is, without memory of its own. What cannot be printed stops no work: flush_output() says so at its
/// end.
inline void write_output(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The same of a format and its arguments.
template <class... Args>
void print(fmt::format_string<const Args&...> text, const Args&... args) {
    write_output(fmt::format(text, args...));
}

/// Throws Error if what was printed has not reached standard output.
inline void flush_output() {
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        const char* reason = errno != 0 ? std::strerror(errno) : "an earlier write that failed";
        throw Error("standard output", "", reason, "a place that can be written");
    }
}

/// A message may quote what was given: nothing of it breaks the line.
inline std::string one_line(std::string message) {
    for (char& c : message) {
        if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    return message;
}

/// A line on standard error; where that is lost, nothing more can be said. Needs no memory.
inline void print_error(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fputc('\n', stderr);
}

/// Else the first file to be opened would take the place of a closed standard stream and receive its text.
inline void hold_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(stream, F_GETFD) >= 0) continue;
        const int taken = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (taken >= 0 && taken != stream) close(taken);
    }
}

/// Runs a program's body and returns its exit code: what body() returns, 2 for a setting out of range, 1 for any other
/// error, with one line on standard error.
template <class Body>
int run_program(const char* name, Body body) {
    // A reader that went away and a file that may grow no further are errors like any other.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    // Of a file that is read where it lies.
    std::signal(SIGBUS, [](int) {
        static std::atomic_flag is_said;  // several threads may meet it at once, and one says it
        while (is_said.test_and_set()) pause();
        constexpr std::string_view line =
            "psad: found a file that was cut short, or a disk that fails, wanted what was there at the start\n";
        if (::write(STDERR_FILENO, line.data(), line.size()) < 0) errno = 0;
        _exit(1);
    });
    hold_standard_streams();
    const auto fail = [&](const char* message, int code) {  // without memory: there may be none
        std::array<char, 4096> line{};
        const int size = std::snprintf(line.data(), line.size() - 1, "%s: %s", name, message);
        const auto end = line.begin() + (std::min)(size, static_cast<int>(line.size()) - 2);
        std::replace_if(
            line.begin(), end, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
        print_error({line.begin(), end});
        return code;
    };
    try {
        MemoryReserve::install();
        StopNotice::install(name);
        return body();
    } catch (const std::bad_alloc&) {
        return fail("memory: found too little, wanted enough for the data and the model", 1);
    } catch (const SettingError& e) {  // a flag's value that only the command itself could judge
        return fail(e.what(), wrong_usage);
    } catch (const std::exception& e) {
        return fail(e.what(), 1);
    }
}

}  // namespace psad::cli
