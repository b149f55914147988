/// \file write_lists.hpp
/// Writes a data set as a folder in the format psad-lists-1.
#pragma once

#include <zlib.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "psad/core/atomic_folder.hpp"
#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/dataset.hpp"

namespace psad::inline PSAD_ABI::data {

/// A table of TAB-separated cells in a gzip file: the writing twin of TsvTable.
class TsvWriter {
  public:
    /// \throws DataError if the file cannot be made
    TsvWriter(const std::filesystem::path& file, std::string_view header)
        : source_(file.string()), file_(gzopen(source_.c_str(), "wb6")) {
        if (!file_) throw DataError(source_, "", "no file can be made", "a place that can be written");
        row_ = "#" + std::string(header);
        end_row();
    }

    TsvWriter& operator<<(std::string_view cell) {
        if (!row_.empty()) row_ += '\t';
        row_ += cell;
        return *this;
    }
    template <class V>
    requires std::is_arithmetic_v<V> TsvWriter& operator<<(V value) {
        return *this << std::string_view(number_text(value));
    }
    /// Numbers with `separator` between; "-" for none.
    template <class Values>
    TsvWriter& list(const Values& values, char separator = ',') {
        std::string cell;
        for (const auto value : values) {
            if (!cell.empty()) cell += separator;
            cell += number_text(value);
        }
        return *this << std::string_view(cell.empty() ? "-" : cell);
    }

    /// \throws DataError if the disk is full or the like
    void end_row() {
        row_ += '\n';
        if (gzwrite(file_.get(), row_.data(), static_cast<unsigned>(row_.size())) == 0) fail();
        row_.clear();
    }
    /// Must be called: only then all is on its way to the disk. \throws DataError
    void close() {
        if (gzclose(file_.release()) != Z_OK) fail();
    }

  private:
    struct Close {
        void operator()(gzFile file) const noexcept { gzclose(file); }
    };

    [[noreturn]] void fail() const {
        const std::string reason = std::generic_category().message(errno);
        throw DataError(source_, "", "a write that failed (" + reason + ")", "a place that can be written");
    }

    std::string source_;
    std::unique_ptr<gzFile_s, Close> file_;
    std::string row_;
};

namespace detail {

inline void write_meta(const std::filesystem::path& file, const Meta& meta) {
    const auto joined = [](const auto& values) {
        std::string out;
        for (const auto& value : values) {
            if (!out.empty()) out += ',';
            if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>)
                out += std::to_string(value);
            else
                out += value;
        }
        return out.empty() ? std::string("-") : out;
    };
    std::string text = "format\tpsad-lists-1\nname\t" + meta.name;
    const auto key = [&](const char* name, const std::string& value) { text += "\n" + (name + ("\t" + value)); };
    key("users", std::to_string(meta.users));
    key("items", std::to_string(meta.items));
    key("user_fields", joined(meta.user_fields));
    key("user_vocab", joined(meta.user_vocab));
    key("item_fields", joined(meta.item_fields));
    key("item_vocab", joined(meta.item_vocab));
    key("ctx_fields", joined(meta.context_fields));
    key("ctx_vocab", joined(meta.context_vocab));
    key("valid_from", std::to_string(meta.valid_from));
    key("test_from", std::to_string(meta.test_from));
    for (const auto& [name, value] : meta.notes) key(name.c_str(), value);
    text += '\n';
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "wb"), std::fclose);
    if (!out || std::fwrite(text.data(), 1, text.size(), out.get()) != text.size() || std::fclose(out.release()) != 0) {
        const std::string reason = std::generic_category().message(errno);
        throw DataError(file.string(), "", "a write that failed (" + reason + ")", "a place that can be written");
    }
}

inline std::string header(std::string first, const std::vector<std::string>& fields) {
    for (const std::string& f : fields) first += "\t" + f;
    return first;
}

inline void write_split(const std::filesystem::path& folder, const std::string& split, const Dataset& set,
                        const ListColumns& lists) {
    TsvWriter out(folder / ("lists_" + split + ".tsv.gz"), "list\tuser\tts\thist_len\tctx\titems\tscores\tlabels\taux");
    for (std::size_t l = 0; l < lists.size(); ++l) {
        const Request r = set.request(lists, l);
        out << l << lists.user(l) << r.time << lists.history_length(l);
        out.list(row(lists.context, l)).list(r.items).list(r.scores).list(r.labels).list(r.aux).end_row();
    }
    out.close();
    if (lists.shown.size() == 0) return;
    TsvWriter shown(folder / ("shown_" + split + ".tsv.gz"), "list\tshown");
    for (std::size_t l = 0; l < lists.size(); ++l) (shown << l).list(lists.shown[l]).end_row();
    shown.close();
}

}  // namespace detail

/// Writes all of a set into a new folder, which is still to be committed. Names and titles hold no TAB and no
/// line end.
/// \throws DataError naming what cannot be written
inline void write_lists(const AtomicFolder& folder, const Dataset& set) {
    detail::write_meta(folder.path() / "meta.tsv", set.meta);
    {
        TsvWriter out(folder.path() / "users.tsv.gz", detail::header("user", set.meta.user_fields));
        for (std::size_t u = 0; u < set.meta.users; ++u) {
            out << u;
            for (std::size_t f = 0; f < set.meta.user_fields.size(); ++f) out << set.user_fields(u, f);
            out.end_row();
        }
        out.close();
    }
    {
        TsvWriter out(folder.path() / "items.tsv.gz", detail::header("item", set.meta.item_fields));
        for (std::size_t i = 0; i < set.meta.items; ++i) {
            out << i;
            for (const JaggedColumn& field : set.item_fields) out.list(field[i], '|');
            out.end_row();
        }
        out.close();
    }
    {
        TsvWriter out(folder.path() / "events.tsv.gz", "user\tts\titem\tfeedback");
        for (std::size_t u = 0; u < set.meta.users; ++u) {
            for (auto e = set.events.offsets(u); e < set.events.offsets(u + 1); ++e) {
                out << u << set.events.time(e) << set.events.item(e) << set.events.feedback(e);
                out.end_row();
            }
        }
        out.close();
    }
    if (!set.titles.empty()) {
        TsvWriter out(folder.path() / "titles.tsv.gz", "item\ttitle");
        for (std::size_t i = 0; i < set.titles.size(); ++i) {
            out << i << set.titles[i];
            out.end_row();
        }
        out.close();
    }
    detail::write_split(folder.path(), "train", set, set.train);
    detail::write_split(folder.path(), "valid", set, set.valid);
    detail::write_split(folder.path(), "test", set, set.test);
}

/// The same into a folder that must be new or empty; it appears as a whole or not at all.
inline void write_lists(const std::filesystem::path& folder, const Dataset& set) {
    AtomicFolder target(folder);
    write_lists(target, set);
    target.commit();
}

}  // namespace psad::data
