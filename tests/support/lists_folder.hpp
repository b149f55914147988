/// \file lists_folder.hpp
/// A tiny valid psad-lists-1 folder, to be broken in one place.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "support/files.hpp"

namespace psad::test {

inline void write_gzip(const std::filesystem::path& file, const std::string& text) {
    const gzFile out = gzopen(file.string().c_str(), "wb");
    const bool written =
        out != nullptr && (text.empty() || gzwrite(out, text.data(), static_cast<unsigned>(text.size())) > 0);
    if (gzclose(out) != Z_OK || !written) throw std::runtime_error("cannot write " + file.string());
}

/// 3 users (user 1 without events), 5 items, 2 + 2 + 1 fields, lists 2 / 0 / 1; train with scores, test
/// without.
class ListsFolder {
  public:
    ListsFolder() {
        write("meta.tsv",
              "format\tpsad-lists-1\nname\ttiny\nusers\t3\nitems\t5\n"
              "user_fields\tdevice,country\nuser_vocab\t3,4\nitem_fields\tgenres,year\nitem_vocab\t6,3\n"
              "ctx_fields\tweekday\nctx_vocab\t8\nvalid_from\t1000\ntest_from\t2000\naux\tthe price\n");
        write("users.tsv.gz", "#user\tdevice\tcountry\n0\t1\t3\n1\t0\t0\n2\t2\t1\n");
        write("items.tsv.gz", "#item\tgenres\tyear\n0\t1|5\t2\n1\t-\t0\n2\t3\t1\n3\t2|1|4\t2\n4\t0\t1\n");
        write("events.tsv.gz",
              "#user\tts\titem\tfeedback\n"
              "2\t100\t4\t1\n2\t100\t3\t0\n2\t300\t4\t7\n0\t50\t1\t2\n0\t1500\t2\t1\n");
        write("titles.tsv.gz", "#item\ttitle\n0\tOne\n1\tTwo, or more\n2\tThree\n3\tFour\n4\tFive\n");
        write("lists_train.tsv.gz", header +
                                        "0\t2\t200\t2\t3\t4,0,2\t0.5,.25,-1e-3\t0,1,0\t10,20,30\n"
                                        "1\t1\t400\t0\t0\t1,3\t2,1\t1,1\t5,5.5\n");
        write("lists_valid.tsv.gz", header);
        write("lists_test.tsv.gz", header + "2\t0\t2000\t2\t7\t3\t-\t1\t-\n");
    }

    const std::filesystem::path& path() const { return folder_.path(); }
    std::filesystem::path file(const std::string& name) const { return path() / name; }

    /// Writes the text, as gzip if the name says so.
    void write(const std::string& name, const std::string& text) {
        texts_[name] = text;
        if (name.ends_with(".gz")) {
            write_gzip(file(name), text);
        } else {
            write_bytes(file(name), text);
        }
    }

    /// Replaces the one place where the text `from` stands in the file.
    void replace(const std::string& name, const std::string& from, const std::string& to) {
        std::string text = texts_.at(name);
        const std::size_t at = text.find(from);
        if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
            throw std::logic_error("not exactly once in " + name + ": " + from);
        }
        write(name, text.replace(at, from.size(), to));
    }

    static inline const std::string header = "#list\tuser\tts\thist_len\tctx\titems\tscores\tlabels\taux\n";

  private:
    TempFolder folder_;
    std::map<std::string, std::string> texts_;
};

}  // namespace psad::test
