// Lines of standard input as they come, each of bounded length.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"

namespace psad::cli {

/// Hands out a line as soon as it is there. Of a line beyond limits().line the rest is passed over.
class LineInput {
  public:
    enum class Next { line, too_long, end };

    /// The view is valid until the next call; the last line may lack its '\n'. Throws Error where reading fails.
    Next next(std::string_view& line) {
        bool too_long = false;
        for (std::size_t scanned = begin_;;) {
            const void* const newline = std::memchr(buffer_.data() + scanned, '\n', end_ - scanned);
            if (newline != nullptr) {
                const auto stop = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
                line = std::string_view(buffer_).substr(begin_, stop - begin_);
                too_long |= line.size() > longest_;
                begin_ = stop + 1;
                return too_long ? Next::too_long : Next::line;
            }
            if (end_ - begin_ > longest_) too_long = true, end_ = begin_;
            const std::size_t pending = end_ - begin_;
            if (!read_on()) {
                if (pending == 0 && !too_long) return Next::end;
                line = std::string_view(buffer_).substr(begin_, pending);
                begin_ = end_;
                return too_long ? Next::too_long : Next::line;
            }
            scanned = begin_ + pending;
        }
    }

  private:
    /// False at the end of the input.
    bool read_on() {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < chunk) buffer_.resize(end_ + (end_ / 2 > chunk ? end_ / 2 : chunk));
        for (;;) {
            const ssize_t count = ::read(STDIN_FILENO, buffer_.data() + end_, buffer_.size() - end_);
            if (count >= 0) return end_ += static_cast<std::size_t>(count), count > 0;
            if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a stream that does not wait
                pollfd input{STDIN_FILENO, POLLIN, 0};
                ::poll(&input, 1, -1);
            } else if (errno != EINTR) {
                throw Error("standard input", "", std::strerror(errno), "JSON lines");
            }
        }
    }

    static constexpr std::size_t chunk = std::size_t{1} << 16;
    const std::size_t longest_ = static_cast<std::size_t>(limits().line) << 20;
    std::string buffer_ = std::string(chunk, '\0');
    std::size_t begin_ = 0, end_ = 0;  ///< what is read but not yet handed out
};

}  // namespace psad::cli
