/// \file atomic_folder.hpp
/// Folders that appear as a whole, as files do by atomic_file.hpp.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <system_error>

#include "psad/core/atomic_file.hpp"
#include "psad/core/error.hpp"
#include "psad/core/owner_lock.hpp"

namespace psad::inline PSAD_ABI {

/// A new folder beside `target` that takes its place on commit(), or vanishes.
class AtomicFolder {
  public:
    /// Throws FileError unless `target` is new or an empty folder, its place can be written, and nobody else is writing
    /// it.
    explicit AtomicFolder(const std::filesystem::path& target) : target_(behind_links(target)) {
        std::error_code error;
        if (std::filesystem::exists(target_, error) &&
            !(std::filesystem::is_directory(target_, error) && std::filesystem::is_empty(target_, error))) {
            throw FileError(target.string(), "", "something that exists", "a new or an empty folder");
        }
        struct stat there {
        }, around{};
        if (stat(target_.c_str(), &there) == 0 && stat(target_.parent_path().c_str(), &around) == 0 &&
            there.st_dev != around.st_dev)
            throw FileError(target.string(), "", "a mount point", "a folder that can be replaced");
        sweep();
        // Another program may take the same name, or sweep the folder away before it is locked.
        std::random_device random;
        for (int tries = 0; !owner_.holds(temporary_); ++tries) {
            if (tries == 100)
                throw FileError(target.string(), "", "a new folder that cannot be locked", "a place for a new folder");
            temporary_ = target_.string() + ".psad-" + std::to_string(random()) + ".tmp";
            std::filesystem::create_directory(temporary_, error);
            if (error) throw FileError(target.string(), "", error.message(), "a place for a new folder");
            owner_ = OwnerLock(temporary_);
            entries_.reset(owner_.is_open() ? opendir(temporary_.c_str()) : nullptr);
            if (entries_) continue;
            const std::string reason = std::generic_category().message(errno);
            std::filesystem::remove(temporary_, error);
            throw FileError(target.string(), "", "a new folder that cannot be opened (" + reason + ")",
                            "a place that can be written");
        }
    }
    AtomicFolder(const AtomicFolder&) = delete;
    AtomicFolder& operator=(const AtomicFolder&) = delete;
    ~AtomicFolder() {
        if (committed_) return;
        // There may be no memory left, which remove_all() would want.
        rewinddir(entries_.get());
        while (const dirent* entry = readdir(entries_.get())) unlinkat(dirfd(entries_.get()), entry->d_name, 0);
        rmdir(temporary_.c_str());
    }

    /// Where the files of the new folder go; folders within are not removed where it vanishes.
    const std::filesystem::path& path() const { return temporary_; }

    /// Throws FileError when the folder can't be put in place.
    void commit() {
        const auto fail = [&](const std::string& reason) {
            throw FileError(target_.string(), "", reason, "a place for a new folder");
        };
        const auto must_reach_disk = [&](const std::filesystem::path&, const OwnerLock& opened) {
            if (!opened.is_open() || !reaches_disk(opened.file()))
                fail(std::generic_category().message(errno) + " when flushing to disk");
        };
        visit_locked(temporary_, "", "", must_reach_disk);
        must_reach_disk(temporary_, owner_);
        std::error_code error;
        std::filesystem::rename(temporary_, target_, error);
        if (error) fail(error.message());
        committed_ = true;
        const OwnerLock parent(target_.has_parent_path() ? target_.parent_path() : ".");
        if (parent.is_open()) reaches_disk(parent.file());  // as of files: the replacement is done
    }

  private:
    /// The folder itself, by its whole path.
    static std::filesystem::path behind_links(const std::filesystem::path& target) {
        std::error_code error;
        const auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(target, error), error);
        if (error) throw FileError(target.string(), "", error.message(), "a place for a new folder");
        return whole.has_filename() ? whole : whole.parent_path();
    }
    struct Close {
        void operator()(DIR* entries) const noexcept { closedir(entries); }
    };

    /// Removes what killed programs left of the same target; throws FileError where another program is writing it.
    void sweep() const {
        const auto parent = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
        visit_locked(parent, target_.filename().string() + ".psad-", ".tmp",
                     [&](const std::filesystem::path& left, const OwnerLock& owner) {
                         std::error_code ignored;
                         if (owner.is_mine())
                             std::filesystem::remove_all(left, ignored);
                         else if (owner.is_of_another())
                             throw FileError(target_.string(), "", "another program that is writing it",
                                             "a target of its own");
                     });
    }

    std::filesystem::path target_, temporary_;
    OwnerLock owner_;
    std::unique_ptr<DIR, Close> entries_;  ///< of the new folder
    bool committed_ = false;
};

}  // namespace psad
