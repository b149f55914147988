// Numbers, times and texts; JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "psad/data/cell.hpp"
#include "psad/data/parse_number.hpp"
#include "psad/model_file/data_schema_json.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::fuzz {

/// Cells of tables.
inline void texts(std::string_view bytes) {
    std::int64_t seconds = 0;
    if (data::parse_time(bytes, seconds)) must(seconds >= -max_time && seconds <= max_time, "times are within bounds");
    double x = 0;
    if (data::parse_cell(bytes, x)) must(!std::isinf(x), "cells are finite or missing");
    std::int32_t n = 0;
    if (data::parse_integer(bytes, n))
        must(std::to_string(n) == bytes || bytes[0] == '0' || bytes.starts_with("-0"), "an integer is the whole text");
    must(is_text(printable(bytes)) && printable(bytes).size() <= 123, "printable text is text");
    must(is_text(in_quotes(bytes)), "quoted text is text");
    must(!is_text(bytes) || is_utf8(bytes), "text is UTF-8");
    must(data::plain_name(bytes).size() <= std::max<std::size_t>(bytes.size(), 5),
         "a name grows by no more than a word");
}
inline Seeds texts_seeds() {
    return {"2026-11-28T09:30:00Z",
            "2026-11-28 09:30:00+02:00",
            "1700000000",
            "-1.5e-3",
            "nan",
            "true",
            "NULL",
            "\xc3\xa9\xf0\x9f\x98\x80",
            "20261128",
            "2026-02-29",
            "00012",
            "+7",
            "1e400",
            "3.0"};
}

/// What is taken is JSON, and reads back as the same.
inline void json(std::string_view bytes) {
    const auto taken = model_file::parse_strictly(bytes, 16);
    if (!taken) {
        must(is_text(taken.error().found) && taken.error().found.size() < 300, "a fault is one line");
        return;
    }
    must(nlohmann::json::accept(bytes), "what is taken is JSON");
    const std::string text = taken->dump();
    must(model_file::parse_strictly(text, 16)->dump() == text, "it reads back as the same");
    must(model_file::parse_strictly(taken->dump(2), 16)->dump() == text, "so it does with spaces");
}
inline Seeds json_seeds() {
    return {R"({"a":[1,-2,3.5,1e300,null,true,false,"\u00e9\n"],"b":{"c":{}}})",
            R"([18446744073709551615,-9223372036854775808])",
            R"({"a":1,"a":2})",
            "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
            "1e400",
            "\"\\ud83d\\ude00\""};
}

/// A schema that is taken means the same once it was written.
inline void schemas(std::string_view bytes) {
    try {
        const DataSchema schema = model_file::parse_data_schema(bytes, "schema");
        const std::string text = model_file::to_json(schema).dump();
        must(model_file::parse_data_schema(text, "schema") == schema, "a schema is written as it was read");
    } catch (const DataError& e) {
        must_be_a_line(e);
    }
}
inline Seeds schemas_seeds() {
    return {R"({"format":"psad-schema-1","request":{"id":"request_id","user":"user_id","time":"ts","weight":"w"},
"user":{"fields":["region"]},"context":{"dense":["hour"],"fields":["device"]},"candidate":{"list":"candidates","item":"sku",
"position":"pos","ordered":true,"dense":["ctr",{"name":"price","along_list":true}]},"item":{"fields":["brand",
{"name":"shop","hash":1000},{"name":"tags","split":"|","match":false}]},"event":{"list":"history","item":"sku","time":"ts",
"kind":"type"},"label":{"kinds":{"click":1,"buy":5}},"unread":["x"]})",
            R"({"format":"psad-schema-1","candidate":{"list":"","absent":0},"label":{"grade":"label"}})"};
}

}  // namespace psad::fuzz
