/// \file column_folder.hpp
/// A set of requests as one binary folder that is mapped, not parsed: the format psad-columns-2 (docs/your-data.md).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "psad/core/atomic_folder.hpp"
#include "psad/data/side_tables.hpp"
#include "psad/data/source.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/named_ids.hpp"
#include "psad/model_file/data_schema_json.hpp"
#include "psad/model_file/write_safetensors.hpp"

namespace psad::inline PSAD_ABI::data {

inline constexpr const char* columns_format = "psad-columns-2";
inline constexpr const char* columns_file = "columns.safetensors";

inline bool is_column_folder(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(path / columns_file, ignored);
}

/// What a list has, in `list.has`.
inline constexpr int has_grades = 1, has_gains = 2, has_propensities = 4, has_teacher_scores = 8;

namespace detail {

inline std::span<const std::int8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::int8_t*>(text.data()), text.size()};
}

/// Gathers the tensors of a set of requests; their numbers are read when they are written.
class ColumnWriter {
  public:
    explicit ColumnWriter(const Source& source) : source_(&source) {}

    template <class T>
    void add(std::string name, std::vector<std::int64_t> shape,
             std::function<void(const std::function<void(std::span<const T>)>&)> pieces) {
        tensors_.push_back({std::move(name), std::string(model_file::detail::dtype_of<T>()), std::move(shape),
                            [pieces](const model_file::PiecewiseTensor::Take& take) {
                                pieces([&](std::span<const T> s) { take(s.data(), s.size_bytes()); });
                            }});
    }
    template <class T>
    void add(std::string name, std::span<const T> all) {
        add<T>(std::move(name), {static_cast<std::int64_t>(all.size())}, [all](const auto& take) { take(all); });
    }
    /// One value for each request.
    template <class T>
    void add_per_list(std::string name, std::function<T(const Request&)> value) {
        const Source* const source = source_;
        add<T>(std::move(name), {size()}, [source, value](const auto& take) {
            for (const Request& r : *source) {
                const T x = value(r);
                take(std::span<const T>(&x, 1));
            }
        });
    }
    /// Spans of requests, end to end.
    template <class T>
    void add_spans(std::string name, std::function<std::span<const T>(const Request&)> of) {
        std::int64_t count = 0;
        for (const Request& r : *source_) count += static_cast<std::int64_t>(of(r).size());
        const Source* const source = source_;
        add<T>(std::move(name), {count}, [source, of](const auto& take) {
            for (const Request& r : *source) take(of(r));
        });
    }
    /// Dense features [rows, features], and ids with the offsets of their cells. `rows_of(take)` calls
    /// take(feature rows, field rows, count) for each piece.
    using Rows = std::function<void(const std::function<void(const FeatureRows&, const FieldRows&, std::size_t)>&)>;
    void add_group(const std::string& name, const ColumnGroup& group, const Rows& rows_of) {
        std::int64_t rows = 0, ids = 0;
        const std::size_t features = group.dense.size(), fields = group.fields.size();
        rows_of([&](const FeatureRows&, const FieldRows& f, std::size_t n) {
            rows += static_cast<std::int64_t>(n);
            for (std::size_t r = 0; r < n; ++r) {
                for (std::size_t c = 0; c < fields; ++c) ids += static_cast<std::int64_t>(f(r, c).size());
            }
        });
        if (features > 0) {
            add<double>(name + ".dense", {rows, static_cast<std::int64_t>(features)},
                        [rows_of, features](const auto& take) {
                            std::vector<double> row(features);
                            rows_of([&](const FeatureRows& d, const FieldRows&, std::size_t n) {
                                for (std::size_t r = 0; r < n; ++r) {
                                    for (std::size_t c = 0; c < features; ++c) row[c] = d(r, c);
                                    take(std::span<const double>(row));
                                }
                            });
                        });
        }
        if (fields == 0) return;
        add<std::int64_t>(name + ".offsets", {rows * static_cast<std::int64_t>(fields) + 1},
                          [rows_of, fields](const auto& take) {
                              std::int64_t end = 0;
                              take(std::span<const std::int64_t>(&end, 1));
                              rows_of([&](const FeatureRows&, const FieldRows& f, std::size_t n) {
                                  for (std::size_t cell = 0; cell < n * fields; ++cell) {
                                      end += static_cast<std::int64_t>(f(cell / fields, cell % fields).size());
                                      take(std::span<const std::int64_t>(&end, 1));
                                  }
                              });
                          });
        add<std::int32_t>(name + ".ids", {ids}, [rows_of, fields](const auto& take) {
            rows_of([&](const FeatureRows&, const FieldRows& f, std::size_t n) {
                for (std::size_t cell = 0; cell < n * fields; ++cell) take(f(cell / fields, cell % fields));
            });
        });
    }
    void add_names(const std::string& name, const IdMap& map) {
        add<std::int8_t>(name + ".bytes", bytes_of(map.bytes()));
        add<std::int64_t>(name + ".ends", std::span<const std::int64_t>(map.ends()));
    }

    std::int64_t size() const { return static_cast<std::int64_t>(source_->size()); }
    const std::vector<model_file::PiecewiseTensor>& tensors() const { return tensors_; }

  private:
    const Source* source_;
    std::vector<model_file::PiecewiseTensor> tensors_;
};

/// Where the events of each request begin among all that are written, and how many there are in all.
struct EventPlaces {
    std::vector<std::int64_t> begin, end;
    std::int64_t count = 0;

    EventPlaces(const Source& source, const EventTable* table) {
        for (const Request& r : source) {
            const auto n = static_cast<std::int64_t>(r.history_items.size());
            const std::int64_t first = table == nullptr ? count
                                       : n == 0         ? 0
                                                        : r.history_items.data() - table->items.data();
            begin.push_back(first);
            end.push_back(first + n);
            if (table == nullptr) count += n;
        }
        if (table != nullptr) count = static_cast<std::int64_t>(table->items.size());
    }
};

inline void add_events(ColumnWriter& w, const Source& source, const DataSchema& schema, const EventTable* table) {
    const Source* const lists = &source;
    if (table == nullptr) {
        w.add_spans<std::int64_t>("event.time", [](const Request& r) { return r.history_times; });
        w.add_spans<std::int32_t>("event.item", [](const Request& r) { return r.history_items; });
        w.add_spans<std::int32_t>("event.kind", [](const Request& r) { return r.history_feedback; });
        w.add_group("event", schema.of_event, [lists](const auto& take) {
            for (const Request& r : *lists) take(r.history_dense, r.history_fields, r.history_items.size());
        });
        return;
    }
    w.add<std::int64_t>("event.time", std::span<const std::int64_t>(table->times));
    w.add<std::int32_t>("event.item", std::span<const std::int32_t>(table->items));
    w.add<std::int32_t>("event.kind", std::span<const std::int32_t>(table->kinds));
    w.add_group("event", schema.of_event, [table](const auto& take) {
        const std::size_t n = table->rows.rows();
        take(table->rows.feature_rows(0, n), table->rows.field_rows(0, n), n);
    });
}

}  // namespace detail

/// Writes requests as a new folder, as a whole or not at all. The first `table_items` items are those of a table, the
/// others are known by their requests. `table`: that in which the events lie; null where requests have their own.
/// \throws FileError
inline void write_column_folder(const std::filesystem::path& path, const NamedData& data, const Catalog& catalog,
                                std::size_t table_items, const Source& source, const EventTable* table) {
    const Source* const lists = &source;
    detail::ColumnWriter w(source);
    const detail::EventPlaces events(source, table);
    std::vector<std::int64_t> ends, shown_ends, id_ends;
    std::string ids;
    for (std::size_t i = 0; i < source.size(); ++i) {
        const auto grown = [](std::vector<std::int64_t>& sums, std::size_t by) {
            sums.push_back((sums.empty() ? 0 : sums.back()) + static_cast<std::int64_t>(by));
        };
        grown(ends, source[i].size());
        grown(shown_ends, source[i].shown.size());
        grown(id_ends, source.id(i).size());
        ids += source.id(i);
    }
    w.add_per_list<std::int64_t>("list.time", [](const Request& r) { return r.time; });
    w.add_per_list<float>("list.weight", [](const Request& r) { return r.weight; });
    w.add_per_list<std::int8_t>("list.has", [](const Request& r) {
        return static_cast<std::int8_t>((r.labels.empty() ? 0 : has_grades) | (r.gains.empty() ? 0 : has_gains) |
                                        (r.propensities.empty() ? 0 : has_propensities) |
                                        (r.teacher_scores.empty() ? 0 : has_teacher_scores));
    });
    w.add<std::int64_t>("list.end", std::span<const std::int64_t>(ends));
    w.add<std::int64_t>("list.shown_end", std::span<const std::int64_t>(shown_ends));
    w.add<std::int64_t>("list.first_event", std::span<const std::int64_t>(events.begin));
    w.add<std::int64_t>("list.last_event", std::span<const std::int64_t>(events.end));
    w.add<std::int64_t>("list.name_end", std::span<const std::int64_t>(id_ends));
    w.add<std::int8_t>("list.names", detail::bytes_of(ids));
    w.add_spans<std::int32_t>("candidate.item", [](const Request& r) { return r.items; });
    w.add_spans<std::int32_t>("candidate.shown", [](const Request& r) { return r.shown; });
    w.add_spans<std::int8_t>("candidate.grade", [](const Request& r) { return r.labels; });
    w.add_spans<float>("candidate.gain", [](const Request& r) { return r.gains; });
    w.add_spans<float>("candidate.propensity", [](const Request& r) { return r.propensities; });
    w.add_spans<float>("candidate.teacher_score", [](const Request& r) { return r.teacher_scores; });
    const DataSchema& s = data.schema;
    w.add_group("user", s.of_user, [lists](const auto& take) {
        for (const Request& r : *lists) take(r.user_dense, r.user_fields, 1);
    });
    w.add_group("context", s.of_context, [lists](const auto& take) {
        for (const Request& r : *lists) take(r.context_dense, r.context, 1);
    });
    w.add_group("candidate", s.of_candidate, [lists](const auto& take) {
        for (const Request& r : *lists) take(r.candidate_dense, r.candidate_fields, r.size());
    });
    detail::add_events(w, source, s, table);
    for (std::size_t f = 0; f < catalog.fields.size(); ++f) {
        w.add<std::int64_t>("item." + std::to_string(f) + ".offsets",
                            std::span<const std::int64_t>(catalog.fields[f].offsets));
        w.add<std::int32_t>("item." + std::to_string(f) + ".ids", std::span<const std::int32_t>(catalog.fields[f].ids));
    }
    w.add<double>("item.dense", std::span<const double>(catalog.dense));
    NamedIds::for_each_map([&](const std::string& name, const IdMap& map) { w.add_names("names." + name, map); },
                           data.ids);

    AtomicFolder folder(path);
    model_file::write_safetensors(folder.path() / columns_file,
                                  {{"psad.format", columns_format},
                                   {"psad.data", model_file::to_json(s).dump()},
                                   {"psad.table_items", std::to_string(table_items)}},
                                  w.tensors());
    folder.commit();
}

}  // namespace psad::data
