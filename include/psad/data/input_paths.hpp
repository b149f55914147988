/// \file input_paths.hpp
/// The files that paths from outside name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/folder_names.hpp"
#include "psad/data/npy_reader.hpp"

namespace psad::inline PSAD_ABI::data {

/// Collects the files in folders.
class FileWalk {
  public:
    /// Adds a file, or those in a folder and its subfolders, also behind links. Throws DataError for one that cannot be
    /// read, for one that was added, and for what is neither file nor folder.
    void add(const std::filesystem::path& path) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(path, ignored) || NpyReader::is_folder(path)) {
            if (!std::filesystem::exists(path, ignored))
                throw DataError(path.string(), "", "no such file", "a file or a folder of them");
            return add_file(path);
        }
        const std::size_t before = files_.size();
        add_folder(path);
        while (!links_.empty()) {  // after all else: a link is what comes once more
            const std::filesystem::path link = links_.extract(links_.begin()).value();
            if (std::filesystem::is_directory(link, ignored))
                add_folder(link);
            else
                add_file(link);
        }
        if (files_.size() == before) throw DataError(path.string(), "", "no file that holds anything", "files in it");
        std::sort(files_.begin() + static_cast<std::ptrdiff_t>(before), files_.end());
    }
    std::vector<std::filesystem::path> take() { return std::move(files_); }

  private:
    /// By what symbolic links lead to: numbers of files are not unique on each file system. Pipes have no such path.
    void must_be_new(const std::filesystem::path& path, const char* what) {
        std::error_code none;
        const std::filesystem::path place = std::filesystem::canonical(path, none);
        if (none) return;
        const auto [first, is_new] = seen_.try_emplace(place, path);
        if (is_new) return;
        throw DataError(path.string(), "", "the " + (what + (" " + first->second.string())) + " once more",
                        "each " + std::string(what) + " once");
    }
    void add_file(const std::filesystem::path& path) {
        must_be_new(path, "file");
        files_.push_back(path);
    }
    void add_folder(const std::filesystem::path& folder) {
        must_be_new(folder, "folder");
        std::vector<std::filesystem::path> folders;
        const int failure = for_each_name(folder, [&](std::string_view name) {
            if (name.starts_with('.') || name.starts_with('_')) return;
            std::filesystem::path path = folder / name;
            std::error_code ignored;
            const bool is_folder = std::filesystem::is_directory(path, ignored);
            if (!is_folder && !std::filesystem::is_regular_file(path, ignored))
                throw DataError(path.string(), "", "neither a file nor a folder", "those alone in a folder");
            if (!is_folder && std::filesystem::file_size(path, ignored) == 0) return;
            if (std::filesystem::is_symlink(path, ignored))
                links_.insert(std::move(path));
            else if (is_folder)
                folders.push_back(std::move(path));
            else
                add_file(path);
        });
        if (failure != 0)
            throw DataError(folder.string(), "", std::generic_category().message(failure), "a folder that can be read");
        std::ranges::sort(folders);
        for (const std::filesystem::path& path : folders) add_folder(path);
    }

    std::vector<std::filesystem::path> files_;
    std::set<std::filesystem::path> links_;                        ///< that were met
    std::map<std::filesystem::path, std::filesystem::path> seen_;  ///< as they were met, by where they are
};

/// The files themselves, and those in folders and their subfolders, by path; a folder of NumPy arrays stays one. What
/// begins with . or _ is passed over, as are empty files in a folder: other programs leave such marks. Throws DataError
/// for one that is not there, for a folder without files, and for one that is named or linked to twice.
inline std::vector<std::filesystem::path> files_of(const std::vector<std::filesystem::path>& paths) {
    FileWalk walk;
    for (const std::filesystem::path& path : paths) walk.add(path);
    return walk.take();
}

}  // namespace psad::data
