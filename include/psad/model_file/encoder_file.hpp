/// \file encoder_file.hpp
/// The encoder in a model file: schema and statistics as JSON metadata, the catalog as tensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "psad/core/text.hpp"
#include "psad/features/check_catalog.hpp"
#include "psad/features/encoder.hpp"
#include "psad/model_file/json_value.hpp"
#include "psad/model_file/strict_json.hpp"
#include "psad/model_file/tensor.hpp"

namespace psad::inline PSAD_ABI::model_file {

namespace detail {

inline JsonValue to_json(const std::vector<FieldSchema>& fields) {
    JsonValue out = JsonValue::array();
    for (const FieldSchema& f : fields)
        out.push_back(JsonValue::object("name", f.name, "vocabulary", f.vocabulary, "match", f.match));
    return out;
}
inline JsonValue to_json(const std::vector<DenseFeature>& features) {
    JsonValue out = JsonValue::array();
    for (const DenseFeature& f : features)
        out.push_back(JsonValue::object("name", f.name, "along_list", f.along_list, "optional", f.optional));
    return out;
}

/// Reads JSON of a file's metadata. The first failure stays, and names the key; what could not be read is empty or 0.
class MetadataReader {
  public:
    using Fault = std::optional<ModelFileError>;

    MetadataReader(const TensorFile& file, const std::string& key, Fault& fault)
        : file_(file), key_(key), fault_(fault) {
        const auto found = file.metadata.find(key);
        if (found == file.metadata.end())
            fail("no such key", "a model file of psad");
        else if (auto parsed = parse_strictly(found->second, 4))
            json_ = std::move(*parsed);
        else
            fail(parsed.error().found, parsed.error().wanted);
    }

    const JsonValue& json() const { return json_; }

    /// The number or string at `name`, with numbers checked against [min, max].
    template <class V>
    V get(const JsonValue& in, const char* name, double min = std::numeric_limits<double>::lowest(),
          double max = (std::numeric_limits<double>::max)()) const {
        if (!in.contains(name)) return fail(std::string("no ") + name, name), V();
        const JsonValue& value = in[name];
        if constexpr (std::is_same_v<V, std::string>) {
            if (!value.is_string()) return fail(printable(value.dump()), std::string("text for ") + name), V();
        } else if constexpr (std::is_same_v<V, bool>) {
            if (!value.is_boolean())
                return fail(printable(value.dump()), std::string("true or false for ") + name), V();
        } else {
            if constexpr (std::is_floating_point_v<V>) {  // what does not fit V would become infinite
                min = (std::max)(min, static_cast<double>(std::numeric_limits<V>::lowest()));
                max = (std::min)(max, static_cast<double>((std::numeric_limits<V>::max)()));
            }
            const bool fits = std::is_integral_v<V> ? value.is_number_integer() : value.is_number();
            if (!fits || value.get<double>() < min || value.get<double>() > max) {
                fail(std::string(name) + " = " + printable(value.dump()),
                     "a number from " + JsonValue(min).dump() + " to " + JsonValue(max).dump());
                return V();
            }
        }
        return value.get<V>();
    }

    const JsonValue& array(const JsonValue& in, const char* name) const {
        static const JsonValue none = JsonValue::array();
        if (in.contains(name) && in[name].is_array()) return in[name];
        fail(std::string("no list ") + name, name);
        return none;
    }

    void fail(const std::string& found, const std::string& wanted) const {
        if (!fault_) fault_.emplace(file_.source, "metadata " + key_, found, wanted);
    }

  private:
    const TensorFile& file_;
    std::string key_;
    Fault& fault_;
    JsonValue json_;
};

// How each kind of statistic stands in JSON, and how it is read.

inline JsonValue to_json(double x) {
    return x;
}
inline JsonValue to_json(const std::vector<float>& numbers) {
    return numbers;
}
/// An object per feature.
inline JsonValue to_json(const DenseTransforms& transforms) {
    JsonValue out = JsonValue::array();
    for (std::size_t f = 0; f < transforms.size(); ++f) {
        JsonValue& feature = out.push_back(JsonValue::object());
        DenseTransforms::for_each_column([&](const char* name, const auto& numbers) { feature.set(name, numbers[f]); },
                                         transforms);
    }
    return out;
}
inline JsonValue to_json(const Vocabulary& v) {
    return v.values();
}
inline JsonValue to_json(const std::vector<Vocabulary>& vocabularies) {
    JsonValue out = JsonValue::array();
    for (const Vocabulary& v : vocabularies) out.push_back(to_json(v));
    return out;
}

/// Reads the statistics of a schema; every failure names the key.
class StatisticsReader {
  public:
    StatisticsReader(const MetadataReader& reader, const Schema& schema, std::size_t items)
        : reader_(reader), schema_(schema), items_(items) {}

    void operator()(const char* name, double& x) const { x = reader_.get<double>(reader_.json(), name, 1e-9); }
    void operator()(const char* name, DenseTransforms& transforms) const {
        const JsonValue& features = reader_.array(reader_.json(), name);
        std::size_t wanted = 0;
        for_each_dense(schema_, [&](const char* group, const auto& dense) {
            if (group == std::string(name)) wanted = dense.size();
        });
        if (features.size() != wanted)
            return reader_.fail(std::to_string(features.size()) + " features in " + name, std::to_string(wanted));
        for (const auto& feature : features.elements()) {
            DenseTransforms::for_each_column(
                [&](const char* part, auto& numbers) {
                    using V = typename std::remove_reference_t<decltype(numbers)>::value_type;
                    numbers.push_back(reader_.get<V>(feature, part));
                },
                transforms);
        }
    }
    /// Their number is checked against what the encoder derives.
    void operator()(const char* name, std::vector<float>& numbers) const {
        for (const auto& x : reader_.array(reader_.json(), name).elements()) {
            if (!x.is_number() || !std::isfinite(x.get<float>()))
                return reader_.fail(printable(x.dump()), std::string("numbers in ") + name);
            numbers.push_back(x.get<float>());
        }
    }
    void operator()(const char* name, Vocabulary& v) const {
        v = vocabulary(reader_.array(reader_.json(), name), items_);
    }
    void operator()(const char* name, std::vector<Vocabulary>& vocabularies) const {
        std::vector<FieldSchema> fields;
        for_each_fields(schema_, [&](const char* group, const auto& given) {
            const bool of_profile = group == std::string("user_fields") || group == std::string("context_fields");
            if (group == std::string(name) || (of_profile && name == std::string("profile_fields")))
                fields.insert(fields.end(), given.begin(), given.end());
        });
        const JsonValue& lists = reader_.array(reader_.json(), name);
        if (lists.size() != fields.size())
            return reader_.fail(std::to_string(lists.size()) + " " + name, std::to_string(fields.size()));
        for (std::size_t f = 0; f < fields.size(); ++f)
            vocabularies.push_back(vocabulary(lists[f], static_cast<std::size_t>(fields[f].vocabulary)));
    }

  private:
    Vocabulary vocabulary(const JsonValue& values, std::size_t size) const {
        if (!values.is_array()) return reader_.fail(printable(values.dump()), "a list of values"), Vocabulary();
        const auto fail = [&](const std::string& found) {
            reader_.fail(printable(found), "each value below " + std::to_string(size) + " once");
            return Vocabulary();
        };
        std::vector<std::int32_t> out;
        for (const auto& value : values.elements()) {
            const auto v = value.is_number_integer() ? value.get<std::int64_t>() : -1;
            if (v < 0 || v >= static_cast<std::int64_t>(size)) return fail(value.dump());
            out.push_back(static_cast<std::int32_t>(v));
        }
        std::vector<std::int32_t> sorted = out;
        std::ranges::sort(sorted);
        if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
            return fail(std::to_string(*twice) + " twice");
        return Vocabulary(out);
    }

    const MetadataReader& reader_;
    const Schema& schema_;
    std::size_t items_;
};

inline std::vector<FieldSchema> read_fields(const MetadataReader& reader, const char* name) {
    std::vector<FieldSchema> out;
    for (const auto& f : reader.array(reader.json(), name).elements()) {
        out.push_back({reader.get<std::string>(f, "name"), reader.get<int>(f, "vocabulary", 1, max_vocabulary),
                       reader.get<bool>(f, "match")});
    }
    return out;
}

inline std::vector<DenseFeature> read_dense(const MetadataReader& reader, const char* name) {
    std::vector<DenseFeature> out;
    for (const auto& f : reader.array(reader.json(), name).elements()) {
        out.push_back(
            {reader.get<std::string>(f, "name"), reader.get<bool>(f, "along_list"), reader.get<bool>(f, "optional")});
    }
    return out;
}

/// A failure unless there are as many numbers as wanted, or none.
inline void check_count(const MetadataReader& reader, const char* name, std::size_t found, std::size_t wanted) {
    if (found != 0 && found != wanted)
        reader.fail(std::to_string(found) + " numbers in " + name, std::to_string(wanted));
}

}  // namespace detail

/// Adds all that read_encoder needs.
inline void add_encoder(TensorFile& file, const Encoder& encoder) {
    const Schema& schema = encoder.schema();
    const Catalog& catalog = encoder.catalog();
    JsonValue schema_json = JsonValue::object("feedback_kinds", schema.feedback_kinds, "ordered", schema.ordered,
                                              "catalog_items", catalog.items, "max_history", encoder.max_history());
    for_each_fields(schema,
                    [&](const char* name, const auto& fields) { schema_json.set(name, detail::to_json(fields)); });
    for_each_dense(schema, [&](const char* name, const auto& dense) { schema_json.set(name, detail::to_json(dense)); });
    file.metadata["psad.schema"] = schema_json.dump();
    JsonValue statistics = JsonValue::object();
    Statistics::for_each_column(
        [&](const char* name, const auto& value) { statistics.set(name, detail::to_json(value)); },
        encoder.statistics());
    file.metadata["psad.statistics"] = statistics.dump();
    for (std::size_t f = 0; f < catalog.fields.size(); ++f) {
        const std::string name = "catalog." + std::to_string(f);
        const Catalog::Field& field = catalog.fields[f];
        file.tensors.push_back(
            tensor(name + ".offsets", {static_cast<std::int64_t>(field.offsets.size())}, field.offsets));
        file.tensors.push_back(tensor(name + ".ids", {static_cast<std::int64_t>(field.ids.size())}, field.ids));
    }
    if (!schema.item_dense.empty()) {
        file.tensors.push_back(
            tensor("catalog.dense",
                   {static_cast<std::int64_t>(catalog.items), static_cast<std::int64_t>(schema.item_dense.size())},
                   catalog.dense));
    }
}

/// An error where anything is missing, out of range or contradictory.
inline FromFile<Encoder> try_read_encoder(const TensorFile& file) {
    std::optional<ModelFileError> fault;
    const detail::MetadataReader schema_reader(file, "psad.schema", fault);
    const JsonValue& schema_json = schema_reader.json();
    Schema schema;
    for_each_fields(schema, [&](const char* name, auto& fields) { fields = detail::read_fields(schema_reader, name); });
    for_each_dense(schema, [&](const char* name, auto& dense) { dense = detail::read_dense(schema_reader, name); });
    schema.feedback_kinds = schema_reader.get<int>(schema_json, "feedback_kinds", 1, max_feedback_kinds);
    schema.ordered = schema_reader.get<bool>(schema_json, "ordered");
    const int max_history = schema_reader.get<int>(schema_json, "max_history", 1, Encoder::max_history_limit);
    Catalog catalog;
    catalog.items = schema_reader.get<std::size_t>(schema_json, "catalog_items", 0, max_vocabulary);
    if (fault) return *fault;
    const auto items = static_cast<std::int64_t>(catalog.items);
    for (std::size_t f = 0; f < schema.item_fields.size(); ++f) {
        const std::string name = "catalog." + std::to_string(f);
        const auto offsets = file.find<std::int64_t>(name + ".offsets", {items + 1});
        if (!offsets) return offsets.error();
        const auto ids = file.find<std::int32_t>(name + ".ids");
        if (!ids) return ids.error();
        catalog.fields.push_back({{offsets->begin(), offsets->end()}, {ids->begin(), ids->end()}});
    }
    if (!schema.item_dense.empty()) {
        const auto dense =
            file.find<double>("catalog.dense", {items, static_cast<std::int64_t>(schema.item_dense.size())});
        if (!dense) return dense.error();
        catalog.dense.assign(dense->begin(), dense->end());
    }
    if (const auto e = find_fault(catalog, schema))
        return ModelFileError(file.source, e->source() + ", " + e->place(), e->found(), e->wanted());

    const detail::MetadataReader statistics_reader(file, "psad.statistics", fault);
    Statistics statistics;
    Statistics::for_each_column(detail::StatisticsReader(statistics_reader, schema, catalog.items), statistics);
    if (const auto e = statistics.exposure.find_fault(schema.item_fields.size(), "statistics"))
        statistics_reader.fail(e->place() + ", " + e->found(), e->wanted());
    if (fault) return *fault;
    Encoder encoder(std::move(schema), std::move(catalog), std::move(statistics), max_history);
    const Statistics& read = encoder.statistics();
    detail::check_count(statistics_reader, "derived_inv_std", read.derived_inv_std.size(),
                        encoder.candidates().derived());
    detail::check_count(statistics_reader, "match_inv_std", read.match_inv_std.size(),
                        static_cast<std::size_t>(encoder.input_sizes().match_columns));
    if (fault) return *fault;
    return encoder;
}

/// The same, and throws the error.
inline Encoder read_encoder(const TensorFile& file) {
    return try_read_encoder(file).value();
}

}  // namespace psad::model_file
