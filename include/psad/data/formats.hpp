/// \file formats.hpp
/// Which format a file has, and its reader.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/folder_names.hpp"
#include "psad/data/delimited_reader.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/json_reader.hpp"
#include "psad/data/letor_reader.hpp"
#include "psad/data/npy_reader.hpp"

namespace psad::inline PSAD_ABI::data {

enum class Format { json_lines, csv, tsv, letor, npy };

struct FormatName {
    Format format;
    std::string_view name;
    std::vector<std::string_view> endings;
};
inline const std::vector<FormatName>& formats() {
    static const std::vector<FormatName> all{{Format::json_lines, "jsonl", {".jsonl", ".ndjson", ".json"}},
                                             {Format::csv, "csv", {".csv"}},
                                             {Format::tsv, "tsv", {".tsv"}},
                                             {Format::letor, "letor", {".letor", ".svm", ".svmlight", ".libsvm"}},
                                             {Format::npy, "npy", {}}};
    return all;
}

/// "jsonl, csv, tsv, letor, npy"
inline std::string format_names() {
    std::string out;
    for (const FormatName& f : formats()) (out += out.empty() ? "" : ", ") += f.name;
    return out;
}

/// By the name that is given, else by the ending (before .gz), else, for LETOR, by the first line. Throws SettingError
/// for a name and DataError for a file that is none of these.
inline Format format_of(const std::filesystem::path& file, std::string_view given = {}) {
    for (const FormatName& f : formats()) {
        if (f.name == given) return f.format;
    }
    if (!given.empty()) throw SettingError("--format", "", in_quotes(given), "one of " + format_names());
    if (NpyReader::is_folder(file)) return Format::npy;
    std::filesystem::path name = file.filename();
    if (name.extension() == ".gz") name = name.stem();
    std::string ending = name.extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    for (const FormatName& f : formats()) {
        if (std::ranges::count(f.endings, ending) > 0) return f.format;
    }
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored))
        throw DataError(file.string(), "", "no regular file, and no ending that tells its format",
                        "a name that ends in .jsonl, .csv, .tsv or .letor, or --format");  // it can be read but once
    std::string_view line;
    GzipLines lines(file);
    while (lines.next(line) && (line.empty() || line.starts_with('#'))) {
    }
    if (line.find(" qid:") != std::string_view::npos || line.find("\tqid:") != std::string_view::npos)
        return Format::letor;
    if (line.starts_with('{')) return Format::json_lines;
    throw DataError(file.string(), "", "the ending " + in_quotes(ending),
                    ".jsonl, .csv, .tsv or .letor, with or without .gz, or --format");
}

/// Folders that were read, by what links and other names lead to as well.
using SeenFolders = std::map<std::pair<dev_t, ino_t>, std::filesystem::path>;

/// Adds the files in a folder and its subfolders, also behind links. Throws DataError for one that cannot be read, for
/// a folder that was seen, and for what is neither file nor folder.
inline void add_files_in(const std::filesystem::path& folder, std::vector<std::filesystem::path>& to,
                         SeenFolders& seen) {
    struct stat about {};
    if (stat(folder.c_str(), &about) == 0) {
        const auto [first, is_new] = seen.try_emplace({about.st_dev, about.st_ino}, folder);
        if (!is_new)
            throw DataError(folder.string(), "", "the folder " + first->second.string() + " once more",
                            "each folder once: no links within");
    }
    std::vector<std::filesystem::path> folders, links;
    const int failure = for_each_name(folder, [&](std::string_view name) {
        if (name.starts_with('.') || name.starts_with('_')) return;
        std::filesystem::path path = folder / name;
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored))
            (std::filesystem::is_symlink(path, ignored) ? links : folders).push_back(std::move(path));
        else if (!std::filesystem::is_regular_file(path, ignored))
            throw DataError(path.string(), "", "neither a file nor a folder", "those alone in a folder");
        else if (std::filesystem::file_size(path, ignored) > 0)
            to.push_back(std::move(path));
    });
    if (failure != 0)
        throw DataError(folder.string(), "", std::generic_category().message(failure), "a folder that can be read");
    for (auto* some : {&folders, &links}) {  // a link is what comes once more
        std::ranges::sort(*some);
        for (const std::filesystem::path& path : *some) add_files_in(path, to, seen);
    }
}

/// The files themselves, and those in folders and their subfolders, by path; a folder of NumPy arrays stays one. What
/// begins with . or _ is passed over, as are empty files in a folder: other programs leave such marks. Throws DataError
/// for one that is not there, for a folder without files, and for one that links lead to twice.
inline std::vector<std::filesystem::path> files_of(const std::vector<std::filesystem::path>& paths) {
    std::vector<std::filesystem::path> out;
    for (const std::filesystem::path& path : paths) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(path, ignored) || NpyReader::is_folder(path)) {
            if (!std::filesystem::exists(path, ignored))
                throw DataError(path.string(), "", "no such file", "a file or a folder of them");
            out.push_back(path);
            continue;
        }
        std::vector<std::filesystem::path> inside;
        SeenFolders seen;
        add_files_in(path, inside, seen);
        if (inside.empty()) throw DataError(path.string(), "", "no file that holds anything", "files in it");
        std::ranges::sort(inside);
        out.insert(out.end(), inside.begin(), inside.end());
    }
    return out;
}

/// Whether rows of a format hold one candidate each, whatever a schema says.
inline bool is_flat(Format format) {
    return format == Format::csv || format == Format::tsv || format == Format::letor;
}

/// `candidates`: the name of the list of candidates, which folders of arrays do not tell.
inline void read_file(const std::filesystem::path& file, Format format, RecordSink& sink,
                      const std::string& candidates = "candidates") {
    switch (format) {
        case Format::json_lines:
            return JsonReader(file.string()).read(file, sink);
        case Format::csv:
            return DelimitedReader(file, ',').read(sink);
        case Format::tsv:
            return DelimitedReader(file, '\t').read(sink);
        case Format::letor:
            return LetorReader(file).read(sink);
        default:
            return NpyReader(file).read(sink, candidates);
    }
}

}  // namespace psad::data
