/// \file read_meta.hpp
/// Reads meta.tsv, where a psad-lists-1 folder says what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/data/dataset.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/tsv_table.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI::data {

namespace detail {

/// The keys of meta.tsv that are not taken yet.
class MetaKeys {
  public:
    explicit MetaKeys(const std::filesystem::path& file) : source_(file.string()) {
        GzipLines lines(file);
        std::string_view line;
        while (lines.next(line)) {
            const std::string place = "line " + std::to_string(lines.line_number());
            const std::size_t tab = line.find('\t');
            if (tab == 0 || tab == std::string_view::npos) {
                throw DataError(source_, place, in_quotes(line), "key TAB value");
            }
            if (!is_text(line.substr(0, tab)) || !is_text(line.substr(tab + 1))) {
                throw DataError(source_, place, in_quotes(line), "UTF-8 without control characters");
            }
            const std::string_view value = line.substr(tab + 1);
            const auto [entry, is_new] =
                values_.try_emplace(std::string(line.substr(0, tab)), Value{std::string(value), place});
            if (!is_new) {
                throw DataError(source_, place, "key " + in_quotes(entry->first) + " again", "each key once");
            }
        }
        if (values_.empty()) throw DataError(source_, "line 1", "an empty file", "key TAB value");
    }

    std::string text(const std::string& key) { return take(key).text; }

    /// \throws DataError unless the value is exactly `wanted`
    void exactly(const std::string& key, const std::string& wanted) {
        const Value value = take(key);
        if (value.text != wanted) fail(key, value, in_quotes(value.text), in_quotes(wanted));
    }

    /// \throws DataError unless the value is an integer from low to high
    std::int64_t integer(const std::string& key, std::int64_t low, std::int64_t high) {
        const Value value = take(key);
        return integer(key, value, value.text, low, high);
    }

    std::vector<std::string> names(const std::string& key) {
        const Value value = take(key);
        std::vector<std::string> out;
        for_each_entry(value.text, [&](std::string_view name) {
            if (name.empty()) {
                fail(key, value, "an empty name in " + in_quotes(value.text), "names with , between");
            }
            out.emplace_back(name);
        });
        if (const auto most = static_cast<std::size_t>(limits().columns); out.size() > most) {
            fail(key, value, std::to_string(out.size()) + " names",
                 "at most " + std::to_string(most) + ", or a larger limit: --max-columns");
        }
        return out;
    }

    std::vector<std::int32_t> sizes(const std::string& key, std::size_t fields) {
        const Value value = take(key);
        std::vector<std::int32_t> out;
        for_each_entry(value.text, [&](std::string_view size) {
            out.push_back(static_cast<std::int32_t>(integer(key, value, size, 1, max_vocabulary)));
        });
        if (out.size() != fields) {
            fail(key, value, std::to_string(out.size()) + " sizes", std::to_string(fields) + ", one per field");
        }
        return out;
    }

    std::map<std::string, std::string> rest() const {
        std::map<std::string, std::string> out;
        for (const auto& [key, value] : values_) out.emplace(key, value.text);
        return out;
    }

  private:
    struct Value {
        std::string text, place;
    };

    Value take(const std::string& key) {
        auto node = values_.extract(key);
        if (node.empty()) throw DataError(source_, "key " + key, "no such key", "one line with it");
        return std::move(node.mapped());
    }

    [[noreturn]] void fail(const std::string& key, const Value& value, std::string found, std::string wanted) const {
        throw DataError(source_, value.place + ", key " + key, std::move(found), std::move(wanted));
    }

    std::int64_t integer(const std::string& key, const Value& value, std::string_view text, std::int64_t low,
                         std::int64_t high) const {
        std::int64_t out = 0;
        if (!parse_integer(text, out) || out < low || out > high) {
            fail(key, value, in_quotes(text), "an integer from " + std::to_string(low) + " to " + std::to_string(high));
        }
        return out;
    }

    /// A set may have no fields of a kind: both an empty value and "-" say so.
    template <class Take>
    static void for_each_entry(std::string_view text, Take&& take) {
        if (!text.empty() && text != "-") for_each_part(text, ',', take);
    }

    std::string source_;
    std::map<std::string, Value> values_;
};

}  // namespace detail

/// Reads meta.tsv.
/// \throws DataError if it is missing, of another format or version, lacks a key or has a malformed value
inline Meta read_meta(const std::filesystem::path& file) {
    detail::MetaKeys keys(file);
    keys.exactly("format", "psad-lists-1");
    Meta meta;
    meta.name = keys.text("name");
    meta.users = static_cast<std::size_t>(keys.integer("users", 1, max_vocabulary));
    meta.items = static_cast<std::size_t>(keys.integer("items", 1, max_vocabulary));
    meta.user_fields = keys.names("user_fields");
    meta.item_fields = keys.names("item_fields");
    meta.context_fields = keys.names("ctx_fields");
    meta.user_vocab = keys.sizes("user_vocab", meta.user_fields.size());
    meta.item_vocab = keys.sizes("item_vocab", meta.item_fields.size());
    meta.context_vocab = keys.sizes("ctx_vocab", meta.context_fields.size());
    meta.valid_from = keys.integer("valid_from", -max_time, max_time);
    meta.test_from = keys.integer("test_from", meta.valid_from, max_time);
    meta.notes = keys.rest();
    return meta;
}

}  // namespace psad::data
