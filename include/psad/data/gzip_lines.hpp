/// \file gzip_lines.hpp
/// A line reader over zlib, for gzip and plain files alike, that never takes a damaged file for a short one.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"

namespace psad::inline PSAD_ABI::data {

/// Reads one file line by line, in time linear in its size however long the lines are. limits() bound a line, and what
/// gzip files unpack to.
class GzipLines {
  public:
    /// `before`: what was read before it. \throws DataError if the file cannot be opened
    explicit GzipLines(const std::filesystem::path& file, InputSize before = {})
        : source_(file.string()), before_(before) {
        std::error_code ignored;
        if (!std::filesystem::exists(file, ignored)) {
            throw DataError(source_, "", "no such file", "a readable file");
        }
        file_.number = ::open(source_.c_str(), O_RDONLY | O_CLOEXEC);
        if (file_.number < 0) {
            throw DataError(source_, "", std::string("a file that cannot be opened (") + std::strerror(errno) + ")",
                            "a readable file");
        }
        struct stat about {};
        if (::fstat(file_.number, &about) == 0 && S_ISREG(about.st_mode)) file_size_ = about.st_size;
        packed_.resize(chunk);
        load();
        if (waiting() == 1) read_into(1);  // a pipe may give it byte by byte
        plain_ = waiting() < 2 || packed_[0] != 0x1f || packed_[1] != 0x8b;
        if (!plain_ && inflateInit2(&stream_.state, 15 + 16) != Z_OK)
            throw DataError(source_, "", "too little memory to read it", "a readable file");
    }

    /// Moves to the next line and hands it out without its '\n', and without a byte order mark before the first; false
    /// at the end of the file. The last line may lack its '\n'. The view is valid until the next call.
    /// \throws DataError if the gzip stream is cut short or corrupt, the file cannot be read, or it is beyond a limit
    bool next(std::string_view& line) {
        if (!take_line(line)) return false;
        if (++line_number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
        return true;
    }

    /// The same of the next line that holds more than `blanks`.
    bool next_filled(std::string_view& line, std::string_view blanks) {
        do {
            // At once: a small gzip file may hold millions of lines that hold nothing.
            for (std::size_t i = begin_; i < end_; ++i) {
                if (buffer_[i] == '\n')
                    begin_ = i + 1, ++line_number_;
                else if (blanks.find(buffer_[i]) == std::string_view::npos)
                    break;
            }
            if (!next(line)) return false;
        } while (line.find_first_not_of(blanks) == std::string_view::npos);
        return true;
    }

    /// What comes next, or its first 64 kB; empty at the end of the file. Valid until the next call.
    std::string_view peek() {
        while (begin_ == end_ && !at_end_) refill();
        return std::string_view(buffer_.data() + begin_, (std::min)(end_ - begin_, chunk));
    }

    /// Number of the line handed out last, from 1; 0 before the first.
    std::size_t line_number() const noexcept { return line_number_; }

    /// Of this file and those before it.
    InputSize size() const {
        return before_ + (plain_ ? InputSize{.plain = bytes()} : InputSize{.packed = bytes(), .unpacked = unpacked_});
    }
    /// What they may hold.
    InputLimits most() const { return limits().of(size()); }

    /// The file, as messages name it.
    const std::string& source() const noexcept { return source_; }

  private:
    struct File {
        int number = -1;
        File() = default;
        File(const File&) = delete;
        File& operator=(const File&) = delete;
        ~File() {
            if (number >= 0) ::close(number);
        }
    };
    struct Inflate {
        z_stream state{};
        Inflate() = default;
        Inflate(const Inflate&) = delete;
        Inflate& operator=(const Inflate&) = delete;
        ~Inflate() { inflateEnd(&state); }
    };

    static constexpr std::size_t chunk = 1U << 16;

    bool take_line(std::string_view& line) {
        std::size_t scanned = begin_;
        for (;;) {
            const void* newline =
                scanned < end_ ? std::memchr(buffer_.data() + scanned, '\n', end_ - scanned) : nullptr;
            if (newline != nullptr) {
                const auto stop = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
                line = std::string_view(buffer_.data() + begin_, stop - begin_);
                begin_ = stop + 1;
                return true;
            }
            if (at_end_) break;
            const std::size_t pending = end_ - begin_;
            if (pending > longest_) {
                throw DataError(source_, "line " + std::to_string(line_number_ + 1),
                                "more than " + std::to_string(longest_ >> 20) + " MiB",
                                "a shorter line, or a larger limit: --max-line");
            }
            refill();
            scanned = begin_ + pending;
        }
        if (begin_ == end_) return false;
        line = std::string_view(buffer_.data() + begin_, end_ - begin_);
        begin_ = end_;
        return true;
    }

    /// Of the file; of a pipe what was read of it.
    long long bytes() const { return (std::max)(file_size_, read_); }

    std::size_t waiting() const { return packed_end_ - packed_begin_; }

    /// Reads on from the file once all that was read is used up.
    void load() {
        if (waiting() != 0) return;
        packed_begin_ = packed_end_ = 0;
        read_into(0);
    }
    /// Reads on, behind the first so many bytes.
    void read_into(std::size_t begin) {
        ssize_t count = 0;
        do {
            count = ::read(file_.number, packed_.data() + begin, packed_.size() - begin);
        } while (count < 0 && errno == EINTR);
        if (count < 0) {
            throw DataError(source_, place(), std::string("a read error (") + std::strerror(errno) + ")",
                            "a readable file");
        }
        packed_end_ = begin + static_cast<std::size_t>(count);
        read_ += count;
    }

    void refill() {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < chunk) buffer_.resize(end_ + (std::max)(end_ / 2, 2 * chunk));
        load();
        if (plain_) {
            at_end_ = waiting() == 0;
            std::memcpy(buffer_.data() + end_, packed_.data() + packed_begin_, waiting());
            end_ += waiting();
            packed_begin_ = packed_end_;
        } else {
            unpack();
        }
    }

    /// Inflates what was read, as far as there is space. A file may hold several gzip streams end to end, and
    /// nothing else.
    void unpack() {
        if (waiting() == 0) {
            if (inside_) throw DataError(source_, place(), "a gzip stream cut short", "a whole gzip file");
            at_end_ = true;
            return;
        }
        if (!inside_ && inflateReset(&stream_.state) != Z_OK) corrupt();
        inside_ = true;
        stream_.state.next_in = packed_.data() + packed_begin_;
        stream_.state.avail_in = static_cast<uInt>(waiting());
        stream_.state.next_out = reinterpret_cast<Bytef*>(buffer_.data() + end_);
        stream_.state.avail_out = static_cast<uInt>(chunk);
        const int code = inflate(&stream_.state, Z_NO_FLUSH);
        packed_begin_ = packed_end_ - stream_.state.avail_in;
        end_ += chunk - stream_.state.avail_out;
        must_not_swell(static_cast<long long>(chunk - stream_.state.avail_out));
        if (code == Z_STREAM_END) {
            inside_ = false;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            corrupt();
        }
    }

    /// A packed file may hold a thousand times its size.
    void must_not_swell(long long more) {
        unpacked_ += more;
        const InputSize all = size();
        const long long most = limits().gzip(all.packed);
        if (all.unpacked <= most) return;
        throw DataError(source_, place(),
                        "more than " + std::to_string(most) + " bytes in gzip files of " + std::to_string(all.packed),
                        "no more, or a larger limit: --max-unpacked");
    }

    [[noreturn]] void corrupt() const {
        const char* reason = stream_.state.msg != nullptr ? stream_.state.msg : "no reason given";
        throw DataError(source_, place(), std::string("a corrupt gzip stream (") + reason + ")", "a whole gzip file");
    }

    /// How far the file was good.
    std::string place() const {
        const auto whole_lines = line_number_ + static_cast<std::size_t>(std::count(
                                                    buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                                                    buffer_.begin() + static_cast<std::ptrdiff_t>(end_), '\n'));
        return "after line " + std::to_string(whole_lines);
    }

    std::string source_;
    InputSize before_;
    File file_;
    std::vector<unsigned char> packed_;  // as it stands in the file
    std::size_t packed_begin_ = 0, packed_end_ = 0;
    long long file_size_ = 0, read_ = 0, unpacked_ = 0;
    const std::size_t longest_ = static_cast<std::size_t>(limits().line) << 20;
    bool plain_ = false;   // the file is no gzip file
    bool inside_ = false;  // in the middle of a gzip stream
    Inflate stream_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what is read but not yet handed out
    std::size_t line_number_ = 0;
    bool at_end_ = false;
};

}  // namespace psad::data
