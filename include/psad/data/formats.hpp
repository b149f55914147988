/// \file formats.hpp
/// Which format a file has, and its reader.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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
    GzipLines lines(file);
    std::string_view line, rest = lines.peek();
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
    while (!rest.empty() && (line.empty() || line.starts_with('#'))) {
        line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix((std::min)(line.size() + 1, rest.size()));
    }
    if (line.find(" qid:") != std::string_view::npos || line.find("\tqid:") != std::string_view::npos)
        return Format::letor;
    if (line.starts_with('{')) return Format::json_lines;
    throw DataError(file.string(), "", "the ending " + in_quotes(ending),
                    ".jsonl, .csv, .tsv or .letor, with or without .gz, or --format");
}

/// Whether rows of a format hold one candidate each, whatever a schema says.
inline bool is_flat(Format format) {
    return format == Format::csv || format == Format::tsv || format == Format::letor;
}

/// Reads a file after others that together were of the size `before`; returns the size of all. `candidates`: the name
/// of the list of candidates, which folders of arrays do not tell.
inline InputSize read_file(const std::filesystem::path& file, Format format, RecordSink& sink, InputSize before = {},
                           const std::string& candidates = "candidates") {
    switch (format) {
        case Format::json_lines:
            return JsonReader(file.string()).read(file, sink, before);
        case Format::csv:
            return DelimitedReader(file, ',', before).read(sink);
        case Format::tsv:
            return DelimitedReader(file, '\t', before).read(sink);
        case Format::letor:
            return LetorReader(file, before).read(sink);
        default:
            return NpyReader(file, before).read(sink, candidates);
    }
}

}  // namespace psad::data
