/// \file atomic_file.hpp
/// Replacing a file in one step: a reader, or a crash, meets the whole old file or the whole new one.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "psad/core/error.hpp"

namespace psad::io {

/// A new file in the folder of `target` that takes its place on commit(), or vanishes. Every member throws
/// ModelFileError naming `target` and the reason when the file can't be made, written or put in place.
class AtomicFile {
  public:
    explicit AtomicFile(const std::filesystem::path& target)
        : target_(behind_links(target)), folder_(target_.has_parent_path() ? target_.parent_path() : ".") {
        std::error_code ignored;
        const auto status = std::filesystem::status(target, ignored);
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            throw ModelFileError(target.string(), "", "something that is not a file", "a file to replace");
        }
        static std::atomic<unsigned> counter = 0;
        do {
            temporary_ =
                folder_ / (".psad-" + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".tmp");
            file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        } while (file_ < 0 && errno == EEXIST);
        if (file_ < 0) fail("creating a file in its folder");
    }
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile() {
        if (file_ < 0) return;
        close(file_);
        if (!committed_) unlink(temporary_.c_str());
    }

    void write(const void* data, std::size_t size) {
        const char* from = static_cast<const char*>(data);
        while (size != 0) {
            const ssize_t written = ::write(file_, from, size);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail("writing");
            from += written;
            size -= static_cast<std::size_t>(written);
        }
    }

    void commit() {
        if (fsync(file_) != 0) fail("flushing to disk");
        if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail("replacing the old file");
        committed_ = true;
        // The new name survives a power cut only once the folder is on disk; a file system that cannot do
        // this has still done the replacement, so it is no error.
        const int folder = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
            fsync(folder);
            close(folder);
        }
    }

  private:
    /// A link stays and what it points to is replaced.
    static std::filesystem::path behind_links(const std::filesystem::path& target) {
        std::filesystem::path at = target;
        std::error_code error;
        for (int links = 0; links < 40 && std::filesystem::is_symlink(at, error); ++links) {
            const auto next = std::filesystem::read_symlink(at, error);
            if (error) return target;
            at = at.parent_path() / next;  // `next` alone where it is absolute
        }
        return at;
    }

    [[noreturn]] void fail(const char* step) const {
        const std::string reason = std::generic_category().message(errno);
        throw ModelFileError(target_.string(), "", reason + " when " + step, "a place that can be written");
    }

    std::filesystem::path target_, folder_, temporary_;
    int file_ = -1;
    bool committed_ = false;
};

}  // namespace psad::io
