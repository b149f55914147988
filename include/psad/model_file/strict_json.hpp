/// \file strict_json.hpp
/// JSON from outside: what other parsers accept in silence, and what would exhaust the stack, is refused.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// What is wrong with a text, for a message that also says where it came from.
struct JsonFault {
    std::string found, wanted;
};

/// The text as one JSON value. Throws JsonFault for anything else, for a key given twice and for nesting
/// deeper than `deepest`.
inline nlohmann::json parse_strictly(std::string_view text, int deepest) {
    using Json = nlohmann::json;
    // The parser takes a zero byte for the end of the text, whatever follows.
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) throw JsonFault{"a zero byte at byte " + std::to_string(zero + 1), "JSON"};
    std::vector<std::set<std::string>> keys;
    const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
        if (depth > deepest) {
            throw JsonFault{"JSON nested more than " + std::to_string(deepest) + " deep",
                            "at most " + std::to_string(deepest)};
        }
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
            const auto name = value.get<std::string>();
            throw JsonFault{"the key \"" + (name.size() > 40 ? name.substr(0, 40) + "..." : name) + "\" twice",
                            "each key once"};
        }
        return true;
    };
    try {
        return Json::parse(text, check);
    } catch (const Json::parse_error& error) {
        throw JsonFault{"text that is not JSON at byte " + std::to_string(error.byte), "JSON"};
    } catch (const Json::exception&) {  // 1e400
        throw JsonFault{"a number beyond all range", "numbers of 64 bits"};
    }
}

}  // namespace psad::model_file
