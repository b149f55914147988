/// \file folder_names.hpp
/// What lies in a folder. The standard library's iterator ends the program where memory ends.
#pragma once

#include <dirent.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Calls visit(name) for each entry of a folder, in no order. Returns errno where the folder cannot be read, else 0.
template <class Visit>
int for_each_name(const std::filesystem::path& folder, Visit visit) {
    struct Opened {
        DIR* entries;
        ~Opened() {
            if (entries != nullptr) closedir(entries);
        }
    };
    const Opened opened{opendir(folder.empty() ? "." : folder.c_str())};
    if (opened.entries == nullptr) return errno;
    for (;;) {
        errno = 0;
        const dirent* const entry = readdir(opened.entries);
        if (entry == nullptr) return errno;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") visit(name);
    }
}

}  // namespace psad
