/// \file atomic_path.hpp
/// Files and folders that appear as a whole: a reader, or a crash, meets the old one or the new one, never a part.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "psad/core/error.hpp"

namespace psad::inline PSAD_ABI {

/// A new file in the folder of `target` that takes its place on commit(), or vanishes. Every member throws
/// FileError naming `target` and the reason when the file can't be made, written or put in place.
class AtomicFile {
  public:
    explicit AtomicFile(const std::filesystem::path& target)
        : target_(behind_links(target)), folder_(target_.has_parent_path() ? target_.parent_path() : ".") {
        std::error_code ignored;
        const auto status = std::filesystem::status(target, ignored);
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            throw FileError(target.string(), "", "something that is not a file", "a file to replace");
        }
        static std::atomic<unsigned> counter = 0;
        do {
            temporary_ = folder_ / (".psad-" + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".tmp");
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
        if (buffer_.size() + size > buffer_size) flush();
        if (size < buffer_size)
            buffer_.append(from, size);
        else
            write_through(from, size);
    }

    void commit() {
        flush();
        // A file system without fsync has its own ways, or none.
        if (fsync(file_) != 0 && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) fail("flushing to disk");
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
        if (std::filesystem::is_symlink(at, error))
            throw FileError(target.string(), "", "links that lead to no file", "a file to replace");
        return at;
    }

    void flush() {
        write_through(buffer_.data(), buffer_.size());
        buffer_.clear();
    }
    void write_through(const char* from, std::size_t size) {
        while (size != 0) {
            const ssize_t written = ::write(file_, from, size);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail("writing");
            from += written;
            size -= static_cast<std::size_t>(written);
        }
    }

    [[noreturn]] void fail(const char* step) const {
        const std::string reason = std::generic_category().message(errno);
        throw FileError(target_.string(), "", reason + " when " + step, "a place that can be written");
    }

    static constexpr std::size_t buffer_size = std::size_t{1} << 20;

    std::filesystem::path target_, folder_, temporary_;
    std::string buffer_;  ///< what was written and is not in the file yet
    int file_ = -1;
    bool committed_ = false;
};

/// A new folder beside `target` that takes its place on commit(), or vanishes.
class AtomicFolder {
  public:
    /// Throws FileError unless `target` is new or an empty folder, its place can be written, and nobody else is writing
    /// it.
    explicit AtomicFolder(const std::filesystem::path& target)
        : target_(target.has_filename() ? target : target.parent_path()) {
        std::error_code error;
        if (std::filesystem::exists(target_, error) &&
            !(std::filesystem::is_directory(target_, error) && std::filesystem::is_empty(target_, error))) {
            throw FileError(target.string(), "", "something that exists", "a new or an empty folder");
        }
        sweep();
        // Another program may take the same name, or sweep the folder away before it is locked.
        std::random_device random;
        while (!owner_.holds(temporary_)) {
            temporary_ = target_.string() + ".psad-" + std::to_string(random()) + ".tmp";
            std::filesystem::create_directory(temporary_, error);
            if (error) throw FileError(target.string(), "", error.message(), "a place for a new folder");
            owner_ = Lock(temporary_);
            if (owner_.is_open()) continue;
            std::filesystem::remove(temporary_, error);
            throw FileError(target.string(), "", "a new folder that cannot be opened", "a place that can be written");
        }
    }
    AtomicFolder(const AtomicFolder&) = delete;
    AtomicFolder& operator=(const AtomicFolder&) = delete;
    ~AtomicFolder() {
        std::error_code ignored;
        if (!committed_) std::filesystem::remove_all(temporary_, ignored);
    }

    /// Where the files of the new folder go.
    const std::filesystem::path& path() const { return temporary_; }

    /// Throws FileError when the folder can't be put in place.
    void commit() {
        std::error_code error;
        std::filesystem::rename(temporary_, target_, error);
        if (error) throw FileError(target_.string(), "", error.message(), "a place for a new folder");
        committed_ = true;
    }

  private:
    /// Says that a folder has an owner that lives, also to programs of other process namespaces.
    class Lock {
      public:
        Lock() = default;
        explicit Lock(const std::filesystem::path& folder)
            : folder_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
            is_mine_ = folder_ >= 0 && flock(folder_, LOCK_EX | LOCK_NB) == 0;
            // A file system without locks: then nobody sweeps either.
            is_usable_ = is_mine_ || (folder_ >= 0 && errno != EWOULDBLOCK);
        }
        Lock(const Lock&) = delete;
        Lock& operator=(Lock&& other) noexcept {
            std::swap(folder_, other.folder_);
            std::swap(is_mine_, other.is_mine_);
            std::swap(is_usable_, other.is_usable_);
            return *this;
        }
        ~Lock() {
            if (folder_ >= 0) close(folder_);
        }
        bool is_mine() const { return is_mine_; }
        bool is_open() const { return folder_ >= 0; }
        bool is_of_another() const { return folder_ >= 0 && !is_usable_; }
        /// Whether that very folder is still there, and this its owner.
        bool holds(const std::filesystem::path& folder) const {
            struct stat locked {
            }, there{};
            return is_usable_ && fstat(folder_, &locked) == 0 && stat(folder.c_str(), &there) == 0 &&
                   locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
        }

      private:
        int folder_ = -1;
        bool is_mine_ = false, is_usable_ = false;
    };

    /// Removes what killed programs left of the same target; throws FileError where another program is writing it.
    void sweep() const {
        const std::string begin = target_.filename().string() + ".psad-";
        std::error_code error;
        const auto parent = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
        for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
            const std::string name = entry.path().filename().string();
            if (!name.starts_with(begin) || !name.ends_with(".tmp")) continue;
            const Lock owner(entry.path());
            if (owner.is_mine())
                std::filesystem::remove_all(entry.path(), error);
            else if (owner.is_of_another())
                throw FileError(target_.string(), "", "another program that is writing it", "a target of its own");
        }
    }

    std::filesystem::path target_, temporary_;
    Lock owner_;
    bool committed_ = false;
};

}  // namespace psad
