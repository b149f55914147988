/// \file data_schema_json.hpp
/// A DataSchema as JSON, in a file of its own and in model files:
///
///     {"format": "psad-schema-1",
///      "request": {"id": "request_id", "user": "user_id", "time": "ts", "weight": "weight"},
///      "user": {"fields": ["region"]},
///      "context": {"dense": ["hour"], "fields": ["device"]},
///      "candidate": {"list": "candidates", "item": "sku", "dense": ["ctr", {"name": "price", "along_list": true}]},
///      "item": {"fields": ["brand", {"name": "shop", "hash": 1000}, {"name": "tags", "split": "|"}]},
///      "event": {"list": "history", "item": "sku", "time": "ts", "kind": "type"},
///      "label": {"grade": "label"}}
///
/// Instead of a grade, "label" may name a "gain", or "kinds" of feedback with their worth, {"click": 1, "buy": 5}. An
/// empty "list" of candidates says that a row holds one candidate; "ordered": false, that the order of candidates says
/// nothing; "absent": 0, that a number that a candidate leaves out is 0, and not missing. "unread" lists columns that
/// are known and not wanted. All but the format may be left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/features/data_schema.hpp"
#include "psad/model_file/json_value.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::inline PSAD_ABI::model_file {

namespace detail {

/// Calls visit(section, key, name) for each column that has one name.
template <class Visit, class Self>
void for_each_named_column(Self& s, Visit&& visit) {
    visit("request", "id", s.id);
    visit("request", "user", s.user);
    visit("request", "time", s.time);
    visit("request", "weight", s.weight);
    visit("candidate", "list", s.candidates);
    visit("candidate", "item", s.item);
    visit("candidate", "position", s.position);
    visit("candidate", "propensity", s.propensity);
    visit("candidate", "teacher_score", s.teacher_score);
    visit("event", "list", s.history);
    visit("event", "item", s.event_item);
    visit("event", "time", s.event_time);
    visit("event", "kind", s.event_kind);
}
template <class Visit, class Self>
void for_each_group(Self& s, Visit&& visit) {
    visit("user", s.of_user);
    visit("context", s.of_context);
    visit("candidate", s.of_candidate);
    visit("item", s.of_item);
    visit("event", s.of_event);
}

/// Reads a schema; every failure names the source and the place.
class DataSchemaReader {
  public:
    DataSchemaReader(const JsonValue& json, const std::string& source) : json_(json), source_(source) {}

    DataSchema read() const {
        refuse_unknown(json_, "",
                       {"format", "request", "user", "context", "candidate", "item", "event", "label", "unread"});
        if (text(json_, "", "format") != "psad-schema-1")
            fail("format", printable(json_["format"].dump()), "\"psad-schema-1\"");
        const std::initializer_list<std::string_view> columns{"dense", "fields"};
        refuse_unknown(section("request"), "request", {"id", "user", "time", "weight"});
        for (const char* name : {"user", "context", "item"}) refuse_unknown(section(name), name, columns);
        refuse_unknown(
            section("candidate"), "candidate",
            {"list", "item", "position", "propensity", "teacher_score", "ordered", "absent", "dense", "fields"});
        refuse_unknown(section("event"), "event", {"list", "item", "time", "kind", "dense", "fields"});
        DataSchema out;
        for_each_named_column(out, [&](const char* of, const char* key, std::string& name) {
            if (section(of).contains(key)) name = text(section(of), of, key, &name == &out.candidates);
        });
        if (const auto& of = section("candidate"); of.contains("ordered")) {
            if (!of["ordered"].is_boolean())
                fail("candidate.ordered", printable(of["ordered"].dump()), "true or false");
            out.ordered = of["ordered"].get<bool>();
        }
        if (const auto& of = section("candidate"); of.contains("absent")) {
            if (!of["absent"].is_number_integer() || of["absent"].get<std::int64_t>() != 0)
                fail("candidate.absent", printable(of["absent"].dump()), "0, or no such key: then it is missing");
            out.absent_is_zero = true;
        }
        for_each_group(out, [&](const char* of, ColumnGroup& group) { group = read_group(section(of), of); });
        out.gain = read_gain(section("label"));
        if (json_.contains("unread")) {
            if (!json_["unread"].is_array()) fail("unread", printable(json_["unread"].dump()), "a list of columns");
            must_be_few("unread", json_["unread"].size());
            for (const auto& column : json_["unread"].elements()) out.unread.push_back(name(column, "unread"));
        }
        check_data_schema(out, source_);
        return out;
    }

  private:
    [[noreturn]] void fail(const std::string& place, const std::string& found, const std::string& wanted) const {
        throw DataError(source_, place, found, wanted);
    }

    void must_be_few(const std::string& place, std::size_t columns) const {
        if (columns > static_cast<std::size_t>(limits().columns))
            fail(place, std::to_string(columns) + " columns",
                 "at most " + std::to_string(limits().columns) + ", or a larger limit: --max-columns");
    }
    const JsonValue& section(const char* name) const {
        static const JsonValue none = JsonValue::object();
        if (!json_.contains(name)) return none;
        if (!json_[name].is_object()) fail(name, printable(json_[name].dump()), "an object");
        return json_[name];
    }
    void refuse_unknown(const JsonValue& object, const std::string& place,
                        std::initializer_list<std::string_view> known) const {
        if (!object.is_object()) fail(place, printable(object.dump()), "an object");
        object.for_each_member([&](const std::string& key, const JsonValue&) {
            if (std::ranges::find(known, key) != known.end()) return;
            std::string wanted;
            for (const std::string_view k : known) (wanted += wanted.empty() ? "" : ", ") += k;
            fail(place, "the unknown key \"" + printable(key) + "\"", wanted);
        });
    }
    std::string text(const JsonValue& object, const std::string& place, const char* key,
                     bool may_be_empty = false) const {
        const std::string at = place.empty() ? key : place + "." + key;
        if (!object.contains(key)) fail(at, "nothing", "a name");
        const JsonValue& value = object[key];
        const bool is_empty = value.is_string() && value.get<std::string>().empty();
        return may_be_empty && is_empty ? std::string() : name(value, at);
    }
    std::string name(const JsonValue& value, const std::string& place) const {
        if (!value.is_string() || value.get<std::string>().empty())
            fail(place, printable(value.dump()), "the name of a column");
        return value.get<std::string>();
    }

    ColumnGroup read_group(const JsonValue& of, const std::string& place) const {
        ColumnGroup out;
        std::set<std::string> names;
        const auto each = [&](const char* key, std::initializer_list<std::string_view> known, auto add) {
            if (!of.contains(key)) return;
            const std::string list = place + "." + key;
            if (!of[key].is_array()) fail(list, printable(of[key].dump()), "a list of columns");
            must_be_few(list, of[key].size());
            for (std::size_t i = 0; i < of[key].size(); ++i) {
                const JsonValue& column = of[key][i];
                const std::string at = list + "[" + std::to_string(i) + "]";
                if (column.is_object()) refuse_unknown(column, at, known);
                const std::string found = column.is_object() ? text(column, at, "name") : name(column, at);
                if (!names.insert(found).second) fail(at, "the column " + printable(found) + " twice", "each once");
                add(column, at, found);
            }
        };
        const auto flag = [&](const JsonValue& column, const std::string& at, const char* key, bool otherwise) {
            if (!column.is_object() || !column.contains(key)) return otherwise;
            if (!column[key].is_boolean()) fail(at + "." + key, printable(column[key].dump()), "true or false");
            return column[key].get<bool>();
        };
        each("dense", {"name", "along_list"}, [&](const JsonValue& column, const std::string& at, const auto& n) {
            out.dense.push_back({.name = n, .along_list = flag(column, at, "along_list", false)});
        });
        each("fields", {"name", "hash", "split", "match"},
             [&](const JsonValue& column, const std::string& at, const auto& n) {
                 if (column.is_object() && column.contains("match") && place != "item")
                     fail(at, "the key \"match\"", "it among the fields of items alone");
                 int hash = 0;
                 if (column.is_object() && column.contains("hash")) {
                     const JsonValue& value = column["hash"];
                     // Comparing JSON itself with numbers takes compilers two seconds.
                     const std::int64_t size = value.is_number_integer() ? value.template get<std::int64_t>() : 0;
                     if (size < 1 || size > max_vocabulary - 1)
                         fail(at + ".hash", printable(value.dump()), "1 to " + std::to_string(max_vocabulary - 1));
                     hash = static_cast<int>(size);
                 }
                 std::string split;
                 if (column.is_object() && column.contains("split")) {
                     split = text(column, at, "split");
                     if (split.size() != 1) fail(at + ".split", in_quotes(split), "one character");
                 }
                 out.fields.push_back({n, hash, split, flag(column, at, "match", true)});
             });
        return out;
    }

    GainRule read_gain(const JsonValue& label) const {
        refuse_unknown(label, "label", {"grade", "gain", "kinds"});
        if (label.size() > 1) fail("label", std::to_string(label.size()) + " rules", "one of grade, gain and kinds");
        GainRule out;
        if (label.contains("grade")) out.grade = text(label, "label", "grade");
        if (label.contains("gain")) out.gain = text(label, "label", "gain");
        if (!label.contains("kinds")) return out;
        if (!label["kinds"].is_object()) fail("label.kinds", printable(label["kinds"].dump()), "{\"click\": 1, ...}");
        must_be_few("label.kinds", label["kinds"].size());
        std::map<std::string, double> kinds;  // in the order of their names
        label["kinds"].for_each_member([&](const std::string& kind, const JsonValue& worth) {
            if (!worth.is_number() || !(worth.get<double>() >= 0))
                fail("label.kinds." + printable(kind), printable(worth.dump()), "a number of 0 or more");
            kinds.emplace(kind, worth.get<double>());
        });
        out.kinds.assign(kinds.begin(), kinds.end());
        return out;
    }

    const JsonValue& json_;
    const std::string& source_;
};

}  // namespace detail

/// Throws DataError, naming `source` and the place, for text that is no schema.
inline DataSchema parse_data_schema(std::string_view text, const std::string& source) {
    const auto json = parse_strictly(text, 4);
    if (!json) throw DataError(source, "", json.error().found, json.error().wanted);
    return detail::DataSchemaReader(*json, source).read();
}

/// As a person would write it: what is not there is left out.
inline JsonValue to_json(const DataSchema& schema) {
    JsonValue out = JsonValue::object("format", "psad-schema-1");
    detail::for_each_named_column(schema, [&](const char* of, const char* key, const std::string& name) {
        if (!name.empty() || &name == &schema.candidates) out.object_at(of).set(key, name);
    });
    if (!schema.ordered) out.object_at("candidate").set("ordered", false);
    if (schema.absent_is_zero) out.object_at("candidate").set("absent", 0);
    detail::for_each_group(schema, [&](const char* of, const ColumnGroup& group) {
        JsonValue dense = JsonValue::array(), fields = JsonValue::array();
        for (const DenseFeature& f : group.dense) {
            if (f.along_list)
                dense.push_back(JsonValue::object("name", f.name, "along_list", true));
            else
                dense.push_back(f.name);
        }
        for (const FieldColumn& f : group.fields) {
            JsonValue column = JsonValue::object("name", f.name);
            if (f.hash > 0) column.set("hash", f.hash);
            if (!f.split.empty()) column.set("split", f.split);
            if (!f.match) column.set("match", false);
            fields.push_back(column.size() > 1 ? column : JsonValue(f.name));
        }
        if (dense.size() > 0) out.object_at(of).set("dense", dense);
        if (fields.size() > 0) out.object_at(of).set("fields", fields);
    });
    if (!schema.gain.grade.empty()) out.object_at("label").set("grade", schema.gain.grade);
    if (!schema.gain.gain.empty()) out.object_at("label").set("gain", schema.gain.gain);
    for (const auto& [kind, worth] : schema.gain.kinds) out.object_at("label").object_at("kinds").set(kind, worth);
    if (!schema.unread.empty()) out.set("unread", schema.unread);
    return out;
}

}  // namespace psad::model_file
