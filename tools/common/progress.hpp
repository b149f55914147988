// A progress bar on a terminal; nothing where stderr is a file.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace psad::cli {

class Progress {
  public:
    /// Shows the fraction done, `text` and the time left; at most ten times a second.
    void show(std::int64_t step, std::int64_t of, const std::string& text) {
        const auto now = std::chrono::steady_clock::now();
        if (!terminal_ || (now - shown_ < std::chrono::milliseconds(100) && step < of)) return;
        shown_ = now;
        const double fraction = static_cast<double>(step) / static_cast<double>(of);
        const double spent = std::chrono::duration<double>(now - start_).count();
        const int left = static_cast<int>(spent * (1 - fraction) / (fraction > 0 ? fraction : 1));
        std::string bar(30, '.');
        bar.replace(0, static_cast<std::size_t>(30 * fraction), static_cast<std::size_t>(30 * fraction), '#');
        show_line(
            fmt::format("\r[{}] {:3.0f} %  {}  {}:{:02} left\033[K", bar, 100 * fraction, text, left / 60, left % 60));
    }

    /// Removes the bar, so that a line can be printed.
    void clear() const {
        if (terminal_) show_line("\r\033[K");
    }

  private:
    /// A terminal that went away is no reason to stop the work.
    static void show_line(const std::string& line) {
        std::fputs(line.c_str(), stderr);
        std::fflush(stderr);
    }

    bool terminal_ = isatty(STDERR_FILENO) == 1;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), shown_{};
};

}  // namespace psad::cli
