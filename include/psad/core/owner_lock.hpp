/// \file owner_lock.hpp
/// Who is writing a file or a folder that is not in place yet, and what nobody is writing any more.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "psad/core/folder_names.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Says that a file or a folder has an owner that lives, also to programs of other process namespaces: process numbers
/// would not. It ends with the program, however that ends.
class OwnerLock {
  public:
    OwnerLock() = default;
    explicit OwnerLock(const std::filesystem::path& path)
        : OwnerLock(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
    /// Of an open file, which is closed with the lock; negative where it could not be opened.
    explicit OwnerLock(int file) : file_(file) {
        if (file_ < 0) return;
        is_mine_ = flock(file_, LOCK_EX | LOCK_NB) == 0;
        // A file system without locks: then nobody sweeps either.
        is_usable_ = is_mine_ || errno != EWOULDBLOCK;
    }
    OwnerLock(const OwnerLock&) = delete;
    OwnerLock& operator=(OwnerLock&& other) noexcept {
        std::swap(file_, other.file_);
        std::swap(is_mine_, other.is_mine_);
        std::swap(is_usable_, other.is_usable_);
        return *this;
    }
    ~OwnerLock() {
        if (file_ >= 0) close(file_);
    }

    int file() const { return file_; }
    bool is_open() const { return file_ >= 0; }
    bool is_mine() const { return is_mine_; }
    bool is_of_another() const { return is_open() && !is_usable_; }
    /// Whether that very file is still there, and this its owner.
    bool holds(const std::filesystem::path& path) const {
        struct stat locked {
        }, there{};
        return is_usable_ && fstat(file_, &locked) == 0 && lstat(path.c_str(), &there) == 0 &&
               locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
    }

  private:
    int file_ = -1;
    bool is_mine_ = false, is_usable_ = false;
};

/// Calls visit(path, lock) for each entry of a folder whose name begins and ends so; a folder that cannot be read has
/// none.
template <class Visit>
void visit_locked(const std::filesystem::path& folder, std::string_view begin, std::string_view end, Visit visit) {
    for_each_name(folder, [&](std::string_view name) {
        if (!name.starts_with(begin) || !name.ends_with(end)) return;
        const std::filesystem::path path = folder / name;
        const OwnerLock lock(path);
        visit(path, lock);
    });
}

}  // namespace psad
