/// \file strict_json.hpp
/// JSON from outside: what other parsers accept in silence, and what would exhaust the stack, is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/result.hpp"
#include "psad/core/text.hpp"
#include "psad/core/version.hpp"
#include "psad/model_file/json_value.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// What is wrong with a text, for a message that also says where it came from.
struct JsonFault {
    std::string found, wanted;
};

namespace detail {

/// Builds a value from what nlohmann's parser meets, in time linear in the text. The names of the members are the
/// parser's.
class StrictBuilder {
  public:
    explicit StrictBuilder(int deepest) : deepest_(static_cast<std::size_t>(deepest)) {}

    JsonValue take() { return std::move(root_); }
    JsonFault fault;  ///< why a member returned false

    bool null() { return add(nullptr); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(std::int64_t value) { return add(value); }
    bool number_unsigned(std::uint64_t value) { return add(value); }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) { return add(std::move(value)); }
    bool binary(nlohmann::json::binary_t&) { return false; }
    bool start_object(std::size_t) { return open(JsonValue::object()); }
    bool start_array(std::size_t) { return open(JsonValue::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        if (open_.back()->contains(name)) {
            fault = {"the key \"" + printable(name, 40) + "\" twice", "each key once"};
            return false;
        }
        member_ = &open_.back()->set(name, nullptr);
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const nlohmann::json::exception& error) {
        if (error.id >= 400)  // 1e400
            fault = {"a number beyond all range", "numbers of 64 bits"};
        else
            fault = {"text that is not JSON at byte " + std::to_string(byte), "JSON"};
        return false;
    }

  private:
    /// Puts a value where the text has it; `added_` is its place.
    bool add(JsonValue value) {
        if (open_.empty())
            added_ = &(root_ = std::move(value));
        else if (open_.back()->is_object())
            added_ = &(*member_ = std::move(value));
        else
            added_ = &open_.back()->push_back(std::move(value));
        return true;
    }
    bool open(JsonValue container) {
        if (open_.size() >= deepest_) {
            fault = {"JSON nested more than " + std::to_string(deepest_) + " deep",
                     "at most " + std::to_string(deepest_)};
            return false;
        }
        add(std::move(container));
        open_.push_back(added_);
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::size_t deepest_;
    JsonValue root_;
    std::vector<JsonValue*> open_;  ///< the containers that are not at their end; the last one alone grows
    JsonValue* member_ = nullptr;   ///< of the object that is open: of the last key
    JsonValue* added_ = nullptr;
};

}  // namespace detail

/// The text as one JSON value; a fault for anything else, for a key given twice and for nesting deeper than `deepest`.
inline Result<JsonValue, JsonFault> parse_strictly(std::string_view text, int deepest) {
    // The parser takes a zero byte for the end of the text, whatever follows.
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) return JsonFault{"a zero byte at byte " + std::to_string(zero + 1), "JSON"};
    detail::StrictBuilder builder(deepest);
    if (!nlohmann::json::sax_parse(text, &builder)) return builder.fault;
    return builder.take();
}

}  // namespace psad::model_file
