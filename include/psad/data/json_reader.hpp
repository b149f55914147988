/// \file json_reader.hpp
/// JSON Lines, gzip or plain: one object a line, with lists of objects within.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/data/parse_number.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/features/id_map.hpp"

namespace psad::inline PSAD_ABI::data {

/// Hands the objects of JSON lines to a sink. A member of an object within is named by its path, as in "user.age". What
/// is not read is checked all the same: a line is JSON as a whole, or a fault.
class JsonReader final : public Where {
  public:
    explicit JsonReader(std::string source) : source_(std::move(source)) {}

    /// Reads a file, after others of that size. Returns the size of all. \throws DataError for a line that is no JSON
    /// object, and for what the sink refuses
    InputSize read(const std::filesystem::path& file, RecordSink& sink, InputSize before = {}) {
        GzipLines& lines = lines_.emplace(file, before);
        values_ = before.values;
        row_ = 0;
        begin(sink);
        std::string_view line;
        while (sink.wants_more() && lines.next_filled(line, " \t\r")) {
            row_ = lines.line_number();
            if (sink.wants_row()) take_line(line, sink);
        }
        if (row_ == 0 && sink.wants_more()) fail("", "an empty file", "a JSON object in each line");
        sink.end_file();
        InputSize all = lines.size();
        all.values = values_;
        lines_.reset();
        return all;
    }

    void begin(RecordSink& sink) {
        levels_.clear();
        sink.begin_file(*this, std::numeric_limits<double>::quiet_NaN());
    }
    /// Takes one line.
    void take_line(std::string_view line, RecordSink& sink) {
        must_have_memory(line.size());
        padded_.resize(line.size() + simdjson::SIMDJSON_PADDING);
        std::memcpy(padded_.data(), line.data(), line.size());
        std::memset(padded_.data() + line.size(), 0, simdjson::SIMDJSON_PADDING);
        list_.clear();
        if (!lines_) request_size_ = static_cast<long long>(line.size()), values_ = 0;
        try {
            simdjson::ondemand::document document = parser_.iterate(padded_.data(), line.size(), padded_.size());
            sink_ = &sink;
            if (document.type() != Type::object) fail("", name_of(document.type()), "a JSON object");
            take_row(document.get_object(), 0);
            const char* behind = nullptr;
            if (document.current_location().get(behind) == simdjson::SUCCESS)
                fail("", "text behind the object", "one JSON object a line");
        } catch (const simdjson::simdjson_error& e) {
            if (e.error() == simdjson::MEMALLOC) {
                parser_ = simdjson::ondemand::parser();  // it would read on with what it did not get
                throw std::bad_alloc();
            }
            for (const std::string_view word : {"NaN", "Infinity"}) {  // as Python writes them
                if (line.find(word) != std::string_view::npos)
                    fail("", std::string(word) + ", which JSON does not have", "null for what is missing");
            }
            fail("", std::string("text that is not JSON (") + e.what() + ")", "a JSON object");
        }
    }
    /// Of the next line, where the lines do not come from a file.
    void set_row(std::size_t row) { row_ = row; }

    const std::string& source() const override { return source_; }
    InputLimits most() const override { return lines_ ? lines_->most() : limits().of_request(request_size_); }
    std::size_t row() const override { return row_; }
    std::string place_of(std::size_t row, std::string_view column) const override {
        std::string out = row > 0 ? "line " + std::to_string(row) : "";  // a text that is no line of a file
        const auto add = [&](const char* between, const std::string& text) {
            out += (out.empty() ? "" : between) + text;
        };
        if (!list_.empty()) add(", ", printable(list_) + "[" + std::to_string(index_) + "]");
        if (!column.empty()) add(list_.empty() ? ", " : ".", printable(column));
        return out;
    }

  private:
    using Array = simdjson::ondemand::array;
    using Object = simdjson::ondemand::object;
    using Value = simdjson::ondemand::value;
    using Type = simdjson::ondemand::json_type;
    static constexpr int deepest = 16, unresolved = -2;
    static constexpr std::size_t longest_key = 250;  // all keys are kept

    /// What a key of a row is: a column, a list of rows, or neither.
    struct Key {
        std::string raw;  ///< with the path before it, as it stands between the quotes
        std::string name;
        int column = unresolved, list = unresolved;
        bool only_nulls = true;  ///< so far
        std::uint64_t last_row = 0;
    };
    /// Keys of the rows of one level, in the order in which they were first seen; rows mostly keep to it.
    struct Level {
        std::vector<Key> keys;
        IdMap by_raw, names;  ///< numbers of the keys
        std::size_t next = 0;
        std::uint64_t rows = 0;
    };

    /// Throws std::bad_alloc unless there is as much as the parser takes for a longer line than before, which does not
    /// look at what it got.
    void must_have_memory(std::size_t bytes) const {
        if (bytes <= parser_.capacity()) return;
        constexpr std::size_t per_byte = 8, besides = std::size_t{1} << 16;
        ::operator delete(::operator new(per_byte* bytes + besides));
    }

    static std::string name_of(Type type) {
        switch (type) {
            case Type::array:
                return "a list";
            case Type::object:
                return "an object";
            case Type::string:
                return "a text";
            case Type::boolean:
                return "true or false";
            case Type::null:
                return "null";
            default:
                return "a number";
        }
    }

    Level& level(int number) {
        if (static_cast<std::size_t>(number) >= levels_.size()) levels_.resize(static_cast<std::size_t>(number) + 1);
        return levels_[static_cast<std::size_t>(number)];
    }

    void take_row(Object object, int number) {
        Level& l = level(number);
        ++l.rows;
        l.next = 0;
        sink_->begin_row(number);
        take_members(object, number, {}, 1);
        sink_->end_row(number);
    }

    void take_members(Object object, int number, const std::string& prefix, int depth) {
        if (depth > deepest) fail("", "objects nested more than 16 deep", "fewer");
        for (auto field : object) {
            const std::size_t at = find_key(number, prefix, field);
            Value value = field.value();
            const Type type = value.type();
            const Key& key = level(number).keys[at];
            if (key.name.empty()) {  // as a column without a name
                take_value(value, key.raw, RecordSink::not_read, depth);
                continue;
            }
            if (number == 0 && type != Type::array && type != Type::null && sink_->is_list(key.name))
                fail(key.raw, name_of(type), "a list of objects");
            const bool only_nulls = key.only_nulls;
            if (type != Type::null) level(number).keys[at].only_nulls = false;
            if (type == Type::object && (key.column < 0 || only_nulls))
                take_members(value.get_object(), number, std::string(key.raw) + ".", depth + 1);
            else if (type == Type::array)
                take_array(value.get_array(), number, at, depth + 1);
            else
                take_value(value, key.raw, column_of(number, at), depth);
        }
    }

    /// The column of a key: asked for once a value stands there.
    int column_of(int number, std::size_t at) {
        Key& key = level(number).keys[at];
        if (key.column == unresolved) key.column = sink_->column(number, key.name);
        return key.column;
    }
    int list_of(int number, std::size_t at) {
        Key& key = level(number).keys[at];
        if (key.list == unresolved) key.list = number == 0 ? sink_->list(key.name) : RecordSink::not_read;
        return key.list;
    }

    /// The number of a member's key in its level. Each key stands once in a row.
    template <class Field>
    std::size_t find_key(int number, const std::string& prefix, Field& field) {
        const simdjson::ondemand::raw_json_string raw = field.key();
        Level& l = level(number);
        const auto is_it = [&](const Key& k) {
            return k.raw.starts_with(prefix) && raw.unsafe_is_equal(std::string_view(k.raw).substr(prefix.size()));
        };
        std::size_t at = l.next;
        if (at >= l.keys.size() || !is_it(l.keys[at])) {
            const char* end = raw.raw();
            for (; *end != '"'; ++end) end += *end == '\\' ? 1 : 0;
            if (prefix.size() + static_cast<std::size_t>(end - raw.raw()) > longest_key) {
                fail("", "a key of more than " + std::to_string(longest_key) + " bytes, with those around it",
                     "shorter ones");
            }
            std::string path = prefix + std::string(raw.raw(), end);
            const std::int32_t known = l.by_raw.find(path);
            at = known >= 0 ? static_cast<std::size_t>(known) : add_key(l, std::move(path), prefix, field);
        }
        Key& key = l.keys[at];
        if (key.last_row == l.rows) fail(key.raw, "the key twice", "each key once");
        key.last_row = l.rows;
        l.next = at + 1;
        return at;
    }
    /// A key that no row had.
    template <class Field>
    std::size_t add_key(Level& l, std::string path, const std::string& prefix, Field& field) {
        if (l.keys.size() >= static_cast<std::size_t>(limits().columns))
            fail("", "more than " + std::to_string(limits().columns) + " different keys",
                 "rows of the same columns, or a larger limit: --max-columns");
        std::string name = prefix + std::string(std::string_view(field.unescaped_key()));
        if (!is_text(name)) fail("", "a key named " + in_quotes(name), "UTF-8 without control characters");
        if (l.names.find(name) >= 0) fail(path, "a key in another spelling", "escapes where they are needed alone");
        l.names.add(name);
        l.by_raw.add(path);
        l.keys.push_back({std::move(path), std::move(name)});
        return l.keys.size() - 1;
    }

    /// A list of rows, or of the values of one cell.
    void take_array(Array array, int number, std::size_t at, int depth) {
        if (depth > deepest) fail("", "lists nested more than 16 deep", "fewer");
        const std::string name = level(number).keys[at].raw;
        int rows = unresolved, column = RecordSink::not_read;  // of the first element
        std::size_t index = 0;
        for (auto element : array) {
            Value value = element.value();
            if (index == 0 && value.type() == Type::object) {
                rows = list_of(number, at);
            } else if (index == 0) {
                if (number == 0 && sink_->is_list(name)) {
                    list_ = name, index_ = 0;
                    fail("", name_of(value.type()), "an object");
                }
                column = column_of(number, at);
                if (column >= 0) sink_->begin_values(column);
            }
            if (rows >= 0) {
                take_listed_row(value, rows, name, index);
            } else {
                if (++values_ > most().cells / 4)
                    fail(name, "more than " + std::to_string(most().cells / 4) + " values in lists so far",
                         "fewer values, or a larger limit: --max-cells");
                take_element(value, name, column, depth);
            }
            ++index;
        }
        if (rows >= 0) list_.clear();
        if (column >= 0) sink_->end_values(column);
        if (index == 0 && level(number).keys[at].list == unresolved) {
            column = column_of(number, at);
            if (column >= 0) sink_->begin_values(column), sink_->end_values(column);
        }
    }
    void take_listed_row(Value value, int number, const std::string& name, std::size_t index) {
        list_ = name;
        index_ = index;
        if (value.type() != Type::object) fail("", name_of(value.type()), "an object");
        take_row(value.get_object(), number);
    }
    void take_element(Value value, const std::string& name, int column, int depth) {
        const Type type = value.type();
        const bool nested = type == Type::array || type == Type::object || type == Type::null;
        if (nested && column >= 0) fail(name, "a list that holds more than texts and numbers", "a list of those");
        take_value(value, name, column, depth);
    }

    void take_value(Value value, const std::string& name, int column, int depth) {
        switch (value.type()) {
            case Type::array:  // of an element that is not read
                if (depth > deepest) fail(name, "lists nested more than 16 deep", "fewer");
                for (auto element : value.get_array()) take_value(element.value(), name, column, depth + 1);
                return;
            case Type::object:
                if (column >= 0) fail(name, "an object", "one value");
                if (depth > deepest) fail(name, "objects nested more than 16 deep", "fewer");
                for (auto field : value.get_object()) {
                    static_cast<void>(std::string_view(field.unescaped_key()));
                    take_value(field.value(), name, column, depth + 1);
                }
                return;
            case Type::null:
                check_null(value);
                if (column >= 0) sink_->take_missing(column);
                return;
            default:
                return take_scalar(value, name, column);
        }
    }
    void take_scalar(Value value, const std::string& name, int column) {
        std::string_view text;
        if (value.type() == Type::string) {
            text = value.get_string();
            if (column >= 0) sink_->take_text(column, text);
            return;
        }
        if (value.type() == Type::boolean) {
            text = bool(value.get_bool()) ? "true" : "false";
        } else {
            text = value.raw_json_token();
            text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
            if (!is_json_number(text)) fail(name, in_quotes(text), "a JSON value");
        }
        if (column >= 0) sink_->take(column, text);
    }
    void check_null(Value value) const {
        if (!value.is_null()) fail("", "a word that begins with n", "null");
    }

    std::string source_;
    std::size_t row_ = 0;
    std::optional<GzipLines> lines_;  ///< of the file that is read
    long long request_size_ = 0;      ///< of a line that comes from no file
    long long values_ = 0;            ///< in lists, of the files so far or of this line
    std::string list_;                ///< that is read, or empty
    std::size_t index_ = 0;
    std::vector<Level> levels_;
    RecordSink* sink_ = nullptr;
    simdjson::ondemand::parser parser_;
    std::vector<char> padded_;
};

}  // namespace psad::data
