/// \file atomic_file.hpp
/// Files that appear as a whole: a reader, or a crash, meets the old one or the new one, never a part.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/hash_key.hpp"
#include "psad/core/owner_lock.hpp"

namespace psad::inline PSAD_ABI {

/// Waits until a file or a folder is on disk; errno says what keeps it. A file system without fsync has its own ways,
/// or none.
inline bool reaches_disk(int file) {
    while (fsync(file) != 0) {
        if (errno == EINTR) continue;
        return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    }
    return true;
}

/// A new file in the folder of `target` that takes its place on commit(), or vanishes. Links to a file stay, and so do
/// the mode, the owner and the attributes of the file that is replaced, as far as this program may set them. What
/// killed programs left of such files in the folder is removed. Every member throws FileError naming `target` and the
/// reason when the file can't be made, written or put in place.
class AtomicFile {
  public:
    explicit AtomicFile(const std::filesystem::path& target)
        : target_(behind_links(target)), folder_(target_.has_parent_path() ? target_.parent_path() : ".") {
        std::error_code ignored;
        const auto status = std::filesystem::status(target, ignored);
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            throw FileError(target.string(), "", "something that is not a file", "a file to replace");
        }
        visit_locked(folder_, ".psad-", ".tmp", [](const std::filesystem::path& left, const OwnerLock& lock) {
            if (lock.is_mine() && lock.holds(left)) unlink(left.c_str());
        });
        // A program that sweeps may take the new file away before it is locked.
        for (int tries = 0; !lock_.holds(temporary_); ++tries) {
            if (tries > 0 && lock_.is_open()) unlink(temporary_.c_str());
            errno = ENOLCK;
            if (tries == 100) fail("locking a file in its folder");
            std::filesystem::path name = new_name();
            temporary_.swap(name);
            lock_ = OwnerLock(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
            if (!lock_.is_open() && errno != EEXIST) fail("creating a file in its folder");
        }
    }
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile() {
        if (!committed_ && lock_.is_open()) unlink(temporary_.c_str());
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
        finish();
        if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail("replacing the old file");
        committed_ = true;
        // The new name survives a power cut only once the folder is on disk; a file system that cannot do
        // this has still done the replacement, so it is no error.
        const OwnerLock folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder.is_open()) reaches_disk(folder.file());
    }

    /// Does all that commit() does but for the replacement: before long work, at whose end it would fail.
    void rehearse() {
        finish();
        std::filesystem::path other = new_name();
        if (std::rename(temporary_.c_str(), other.c_str()) != 0) fail("renaming a file in its folder");
        temporary_.swap(other);
    }

    /// What is replaced where `target` is a link, which stays. Throws FileError for links that lead to no file.
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

  private:
    /// No other program's either: numbers of processes come again in other containers.
    std::filesystem::path new_name() const {
        static std::atomic<unsigned> counter = 0;
        return folder_ / (".psad-" + std::to_string(getpid()) + "-" + std::to_string(hash_key()) + "-" +
                          std::to_string(counter++) + ".tmp");
    }

    /// Nothing but the name is missing then.
    void finish() {
        flush();
        take_attributes();
        if (!reaches_disk(lock_.file())) fail("flushing to disk");
    }
    /// What was set on the old file: whoever may not set it leaves it out.
    void take_attributes() {
        struct stat old {};
        if (stat(target_.c_str(), &old) != 0) return;
        [[maybe_unused]] const int owned = fchown(lock_.file(), old.st_uid, old.st_gid);
        fchmod(lock_.file(), old.st_mode & 07777);
        const ssize_t size = listxattr(target_.c_str(), nullptr, 0);
        if (size <= 0) return;
        std::vector<char> names(static_cast<std::size_t>(size)), value;
        const ssize_t listed = listxattr(target_.c_str(), names.data(), names.size());
        for (const char* name = names.data(); name < names.data() + listed;
             name += std::char_traits<char>::length(name) + 1) {
            value.resize(static_cast<std::size_t>((std::max)(getxattr(target_.c_str(), name, nullptr, 0), ssize_t{0})));
            const ssize_t read = getxattr(target_.c_str(), name, value.data(), value.size());
            if (read >= 0) fsetxattr(lock_.file(), name, value.data(), static_cast<std::size_t>(read), 0);
        }
    }

    void flush() {
        write_through(buffer_.data(), buffer_.size());
        buffer_.clear();
    }
    void write_through(const char* from, std::size_t size) {
        while (size != 0) {
            const ssize_t written = ::write(lock_.file(), from, size);
            if (written < 0 && errno == EINTR) continue;
            if (written == 0) errno = EIO;  // else this would go on for ever
            if (written <= 0) fail("writing");
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
    OwnerLock lock_;
    bool committed_ = false;
};

}  // namespace psad
