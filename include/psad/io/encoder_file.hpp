/// \file encoder_file.hpp
/// The encoder's share of a model file: schema, statistics and vocabulary as JSON metadata, the catalog as
/// tensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "psad/input/check_catalog.hpp"
#include "psad/input/encoder.hpp"
#include "psad/io/strict_json.hpp"
#include "psad/io/tensor.hpp"

namespace psad::io {

namespace detail {

inline nlohmann::json fields_json(const std::vector<FieldSchema>& fields) {
    nlohmann::json out = nlohmann::json::array();
    for (const FieldSchema& f : fields) out.push_back({{"name", f.name}, {"vocabulary", f.vocabulary}});
    return out;
}

/// Reads metadata written by add_encoder; each failure names the key.
class MetadataReader {
  public:
    MetadataReader(const TensorFile& file, const std::string& key) : file_(file), key_(key) {
        const auto found = file.metadata.find(key);
        if (found == file.metadata.end()) fail("no such key", "a model file of psad");
        try {
            json_ = parse_strictly(found->second, 4);
        } catch (const JsonFault& fault) {
            fail(fault.found, fault.wanted);
        }
    }

    const nlohmann::json& json() const { return json_; }

    /// The number or string at `name`, with numbers checked against [least, most].
    template <class V>
    V get(const nlohmann::json& in, const char* name, double least = std::numeric_limits<double>::lowest(),
          double most = (std::numeric_limits<double>::max)()) const {
        if (!in.is_object() || !in.contains(name)) fail(std::string("no ") + name, name);
        const nlohmann::json& value = in[name];
        if constexpr (std::is_same_v<V, std::string>) {
            if (!value.is_string()) fail(shown(value.dump()), std::string("text for ") + name);
        } else {
            if constexpr (std::is_floating_point_v<V>) {  // what does not fit V would become infinite
                least = (std::max)(least, static_cast<double>(std::numeric_limits<V>::lowest()));
                most = (std::min)(most, static_cast<double>((std::numeric_limits<V>::max)()));
            }
            const bool fits = std::is_integral_v<V> ? value.is_number_integer() : value.is_number();
            if (!fits || value.get<double>() < least || value.get<double>() > most) {
                fail(std::string(name) + " = " + shown(value.dump()),
                     "a number from " + nlohmann::json(least).dump() + " to " + nlohmann::json(most).dump());
            }
        }
        return value.get<V>();
    }

    const nlohmann::json& array(const nlohmann::json& in, const char* name) const {
        if (!in.is_object() || !in.contains(name) || !in[name].is_array())
            fail(std::string("no list ") + name, name);
        return in[name];
    }

    [[noreturn]] void fail(const std::string& found, const std::string& wanted) const {
        throw ModelFileError(file_.source, "metadata " + key_, found, wanted);
    }

  private:
    const TensorFile& file_;
    std::string key_;
    nlohmann::json json_;
};

/// The values with a row of their own, in the order of their rows from 1 on.
inline nlohmann::json known(const Vocabulary& v) {
    std::vector<std::int32_t> values(static_cast<std::size_t>(v.rows - 1));
    for (std::size_t i = 0; i < v.row_of.size(); ++i) {
        if (v.row_of[i] > 0) values[static_cast<std::size_t>(v.row_of[i] - 1)] = static_cast<std::int32_t>(i);
    }
    return values;
}
inline nlohmann::json known(const std::vector<Vocabulary>& vocabularies) {
    nlohmann::json out = nlohmann::json::array();
    for (const Vocabulary& v : vocabularies) out.push_back(known(v));
    return out;
}

inline Vocabulary read_vocabulary(const MetadataReader& reader, const nlohmann::json& values,
                                  std::size_t size) {
    if (!values.is_array()) reader.fail(shown(values.dump()), "a list of values");
    Vocabulary out;
    for (const auto& value : values) {
        const auto v = value.is_number_integer() ? value.get<std::int64_t>() : -1;
        const auto at = static_cast<std::size_t>(v);
        if (v < 0 || at >= size || (at < out.row_of.size() && out.row_of[at] != 0)) {
            reader.fail(shown(value.dump()), "each value below " + std::to_string(size) + " once");
        }
        if (at >= out.row_of.size()) out.row_of.resize(at + 1, 0);  // no memory on the word of `size` alone
        out.row_of[at] = out.rows++;
    }
    return out;
}

inline std::vector<FieldSchema> read_fields(const MetadataReader& reader, const char* name) {
    std::vector<FieldSchema> out;
    for (const auto& f : reader.array(reader.json(), name)) {
        out.push_back({reader.get<std::string>(f, "name"), reader.get<int>(f, "vocabulary", 1, most_values)});
    }
    return out;
}

}  // namespace detail

/// Adds all that read_encoder needs.
inline void add_encoder(TensorFile& file, const Encoder& encoder) {
    const Schema& schema = encoder.schema();
    const Statistics& s = encoder.statistics();
    const Catalog& catalog = encoder.catalog();
    const nlohmann::json schema_json{{"user_fields", detail::fields_json(schema.user_fields)},
                                     {"context_fields", detail::fields_json(schema.context_fields)},
                                     {"item_fields", detail::fields_json(schema.item_fields)},
                                     {"max_history", encoder.max_history()}};
    file.metadata["psad.schema"] = schema_json.dump();
    const auto scaling = [](const Scaling& x) { return nlohmann::json{{"mean", x.mean}, {"rate", x.rate}}; };
    file.metadata["psad.statistics"] = nlohmann::json{
        {"tau0", s.tau0},
        {"score", scaling(s.score)},
        {"log_aux", scaling(s.log_aux)},
        {"dense_rate", s.dense_rate},
        {"match_rate", s.match_rate}}.dump();
    nlohmann::json vocabulary{{"items", catalog.items}, {"known", detail::known(s.items)}};
    vocabulary["item_fields"] = detail::known(s.item_fields);
    vocabulary["profile_fields"] = detail::known(s.profile_fields);
    file.metadata["psad.vocabulary"] = vocabulary.dump();
    for (std::size_t f = 0; f < catalog.fields.size(); ++f) {
        const std::string name = "catalog." + std::to_string(f);
        const Catalog::Field& field = catalog.fields[f];
        file.tensors.push_back(
            tensor(name + ".offsets", {static_cast<std::int64_t>(field.offsets.size())}, field.offsets));
        file.tensors.push_back(
            tensor(name + ".ids", {static_cast<std::int64_t>(field.ids.size())}, field.ids));
    }
}

/// Throws ModelFileError where anything is missing, out of range or contradictory.
inline Encoder read_encoder(const TensorFile& file) {
    const detail::MetadataReader schema_reader(file, "psad.schema");
    Schema schema{detail::read_fields(schema_reader, "user_fields"),
                  detail::read_fields(schema_reader, "context_fields"),
                  detail::read_fields(schema_reader, "item_fields")};
    const int max_history =
        schema_reader.get<int>(schema_reader.json(), "max_history", 1, Encoder::most_history);

    const detail::MetadataReader numbers(file, "psad.statistics");
    Statistics s;
    s.tau0 = numbers.get<double>(numbers.json(), "tau0", 1e-9);
    const auto scaling = [&](const char* name) {
        if (!numbers.json().contains(name)) numbers.fail(std::string("no ") + name, name);
        return Scaling{numbers.get<float>(numbers.json()[name], "mean"),
                       numbers.get<float>(numbers.json()[name], "rate")};
    };
    s.score = scaling("score");
    s.log_aux = scaling("log_aux");
    const auto rates = [&](const char* name, int width, std::vector<float>& out) {
        const nlohmann::json& list = numbers.array(numbers.json(), name);
        if (!list.empty() && list.size() != static_cast<std::size_t>(width)) {
            numbers.fail(std::to_string(list.size()) + " numbers in " + name, std::to_string(width));
        }
        for (const auto& x : list) {
            if (!x.is_number() || !std::isfinite(x.get<float>())) {
                numbers.fail(detail::shown(x.dump()), std::string("numbers in ") + name);
            }
            out.push_back(x.get<float>());
        }
    };
    rates("dense_rate", dense_width, s.dense_rate);
    rates("match_rate", match_width, s.match_rate);

    const detail::MetadataReader vocabulary(file, "psad.vocabulary");
    Catalog catalog;
    catalog.items = vocabulary.get<std::size_t>(vocabulary.json(), "items", 0, most_values);
    for (std::size_t f = 0; f < schema.item_fields.size(); ++f) {
        const std::string name = "catalog." + std::to_string(f);
        const auto offsets =
            file.values<std::int64_t>(name + ".offsets", {static_cast<std::int64_t>(catalog.items + 1)});
        const auto ids = file.values<std::int32_t>(name + ".ids");
        catalog.fields.push_back({{offsets.begin(), offsets.end()}, {ids.begin(), ids.end()}});
    }
    try {
        check_catalog(catalog, schema);
    } catch (const SettingError& e) {
        throw ModelFileError(file.source, e.source() + ", " + e.place(), e.found(), e.wanted());
    }
    s.items =
        detail::read_vocabulary(vocabulary, vocabulary.array(vocabulary.json(), "known"), catalog.items);
    const auto read_all = [&](const char* name, const std::vector<FieldSchema>& fields,
                              std::vector<Vocabulary>& out) {
        const nlohmann::json& lists = vocabulary.array(vocabulary.json(), name);
        if (lists.size() != fields.size()) {
            vocabulary.fail(std::to_string(lists.size()) + " " + name, std::to_string(fields.size()));
        }
        for (std::size_t f = 0; f < fields.size(); ++f) {
            out.push_back(detail::read_vocabulary(vocabulary, lists[f],
                                                  static_cast<std::size_t>(fields[f].vocabulary)));
        }
    };
    read_all("item_fields", schema.item_fields, s.item_fields);
    std::vector<FieldSchema> profile = schema.user_fields;
    profile.insert(profile.end(), schema.context_fields.begin(), schema.context_fields.end());
    read_all("profile_fields", profile, s.profile_fields);

    return Encoder(std::move(schema), std::move(catalog), std::move(s), max_history);
}

}  // namespace psad::io
