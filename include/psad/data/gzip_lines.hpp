/// \file gzip_lines.hpp
/// A line reader over zlib, for gzip and plain files alike, that never takes a damaged file for a short one.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "psad/core/error.hpp"

namespace psad::data {

/// Reads one file line by line, in time linear in its size however long the lines are.
class GzipLines {
  public:
    /// \throws DataError if the file cannot be opened
    explicit GzipLines(const std::filesystem::path& file) : source_(file.string()) {
        std::error_code ignored;
        if (!std::filesystem::exists(file, ignored)) {
            throw DataError(source_, "", "no such file", "a readable file");
        }
        errno = 0;
        file_.reset(gzopen(source_.c_str(), "rb"));
        if (!file_) {
            const std::string reason = errno != 0 ? std::strerror(errno) : "out of memory";
            throw DataError(source_, "", "a file that cannot be opened (" + reason + ")", "a readable file");
        }
        gzbuffer(file_.get(), chunk);
    }

    /// Moves to the next line and hands it out without its '\n'; false at the end of the file.
    /// The last line may lack its '\n'. The view is valid until the next call.
    /// \throws DataError if the gzip stream is cut short or corrupt, or the file cannot be read
    bool next(std::string_view& line) {
        std::size_t scanned = begin_;
        for (;;) {
            const void* newline =
                scanned < end_ ? std::memchr(buffer_.data() + scanned, '\n', end_ - scanned) : nullptr;
            if (newline != nullptr) {
                const auto stop =
                    static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
                line = std::string_view(buffer_.data() + begin_, stop - begin_);
                begin_ = stop + 1;
                ++line_number_;
                return true;
            }
            if (at_end_) break;
            const std::size_t pending = end_ - begin_;
            refill();
            scanned = begin_ + pending;
        }
        if (begin_ == end_) return false;
        line = std::string_view(buffer_.data() + begin_, end_ - begin_);
        begin_ = end_;
        ++line_number_;
        return true;
    }

    /// Number of the line handed out last, from 1; 0 before the first.
    std::size_t line_number() const noexcept { return line_number_; }

    /// The file, as messages name it.
    const std::string& source() const noexcept { return source_; }

  private:
    struct Close {
        void operator()(gzFile file) const noexcept { gzclose_r(file); }
    };

    static constexpr unsigned chunk = 1U << 16;

    void refill() {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < chunk) buffer_.resize((std::max)(2 * buffer_.size(), end_ + chunk));
        const int got = gzread(file_.get(), buffer_.data() + end_, chunk);
        if (got > 0) end_ += static_cast<std::size_t>(got);
        if (got < static_cast<int>(chunk)) {
            at_end_ = true;
            check_stream();
        }
    }

    /// From gzread a stream cut short looks like a whole one; only gzerror tells them apart.
    void check_stream() const {
        int code = Z_OK;
        std::string reason = gzerror(file_.get(), &code);
        if (code == Z_OK || code == Z_STREAM_END) return;
        if (reason.starts_with(source_ + ": ")) reason.erase(0, source_.size() + 2);
        const auto whole_lines =
            line_number_ +
            static_cast<std::size_t>(std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                                                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), '\n'));
        const std::string place = "after line " + std::to_string(whole_lines);
        if (code == Z_BUF_ERROR) {
            throw DataError(source_, place, "a gzip stream cut short", "a whole gzip file");
        }
        if (code == Z_ERRNO) {
            throw DataError(source_, place, "a read error (" + reason + ")", "a readable file");
        }
        throw DataError(source_, place, "a corrupt gzip stream (" + reason + ")", "a whole gzip file");
    }

    std::string source_;
    std::unique_ptr<gzFile_s, Close> file_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what is read but not yet handed out
    std::size_t line_number_ = 0;
    bool at_end_ = false;
};

}  // namespace psad::data
