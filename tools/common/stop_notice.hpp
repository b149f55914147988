// What a program says when SIGTERM or SIGINT ends it.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <string>

namespace psad::cli {

/// One line on standard error, which changes as the work goes on. The program then ends at once, by the signal: what it
/// writes appears as a whole or not at all, so there is nothing to put in order.
class StopNotice {
  public:
    /// From now on; a signal that the program was started to ignore stays ignored.
    static void install(const std::string& program) {
        say(program + ": stopped by a signal");
        for (const int signal : {SIGTERM, SIGINT}) {
            struct sigaction action {
            }, before{};
            action.sa_handler = [](int number) {
                const char* const text = line().load();
                pollfd output{STDERR_FILENO, POLLOUT, 0};  // a pipe that nobody reads would hold the program
                if (poll(&output, 1, 0) == 1 && write(STDERR_FILENO, text, std::strlen(text)) < 0) errno = 0;
                std::raise(number);  // waits for the end of this function, and then ends the program
            };
            action.sa_flags = static_cast<int>(SA_RESETHAND);
            if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
                sigaction(signal, &action, nullptr);
        }
    }
    static void say(const std::string& text) {
        // A signal may still read an earlier one, also while the program ends: they are never freed.
        static std::deque<std::string>& lines = *new std::deque<std::string>;
        lines.push_back((isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "") + text + "\n");
        line() = lines.back().c_str();
    }

  private:
    static std::atomic<const char*>& line() {
        static std::atomic<const char*> current = "";
        return current;
    }
};

}  // namespace psad::cli
