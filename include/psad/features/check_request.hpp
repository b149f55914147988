/// \file check_request.hpp
/// Whether a request can be encoded: asked once of everything that comes from outside.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

inline constexpr int max_candidates = 4096;
/// Times lie within this many seconds of 1970, up to the year 5138: those of today in milliseconds lie beyond.
inline constexpr std::int64_t max_time = 99'999'999'999;

/// What the caller wants refused, or taken, of that which can be encoded either way.
struct RequestRules {
    bool refuse_unknown = false;      ///< items, values and kinds of events beyond those of the schema and the catalog
    bool refuse_late_events = false;  ///< events at or after the request, which are not read
    bool take_missing_columns = false;  ///< a column that all training lists had: all its values are missing
};

/// How many events of a request are looked at: all, or none, as readers look at each once, in its table.
inline constexpr std::size_t all_events = (std::numeric_limits<std::size_t>::max)(), no_events = 0;

namespace check_detail {

/// What is wrong, if anything is.
using Fault = std::optional<RequestError>;

/// Rows of something that are looked at: from `first` to below `last` of `all`.
struct Rows {
    Rows(std::size_t n) : last(n), all(n) {}
    Rows(std::size_t from, std::size_t to, std::size_t n) : first(from), last(to), all(n) {}
    std::size_t first = 0, last, all;
};

/// Kept out of the code of requests that are good.
[[gnu::noinline, gnu::cold]] inline RequestError refused(const std::string& place, const std::string& found,
                                                         const std::string& wanted) {
    return {"request", place, found, wanted};
}

inline std::string place(const char* what, std::size_t i) {
    return std::string(what) + "[" + std::to_string(i) + "]";
}

/// Fields of `rows` rows. `what` names a row, or all of them where there is one.
inline Fault fields(const FieldRows& found, const Rows& rows, const std::vector<FieldSchema>& schema, const char* what,
                    const RequestRules& rules) {
    if (found.fields() != schema.size() && (rows.all > 0 || found.rows() > 0)) {
        return refused(std::string(what) + " fields", std::to_string(found.fields()), std::to_string(schema.size()));
    }
    if (schema.empty()) return {};
    if (found.rows() != rows.all || !found.is_whole(rows.first, rows.last))
        return refused(std::string(what) + " fields", std::to_string(found.rows()) + " rows", std::to_string(rows.all));
    for (std::size_t r = rows.first; r < rows.last; ++r) {
        for (std::size_t f = 0; f < schema.size(); ++f) {
            for (const std::int32_t id : found(r, f)) {
                if (id >= 0 && (id < schema[f].vocabulary || !rules.refuse_unknown)) continue;
                return refused(
                    (rows.all > 1 ? place(what, r) : what) + std::string(" field ") + schema[f].name,
                    std::to_string(id),
                    rules.refuse_unknown ? "0.." + std::to_string(schema[f].vocabulary - 1) : "an id of 0 or more");
            }
        }
    }
    return {};
}

/// Whether a feature of a candidate may come as a column of its own.
inline bool has_column(const DenseFeature& f) {
    return f.name == "score" || f.name == "aux";
}

/// The first of the rows with an infinite number among its first columns; rows.last where there is none. Apart from
/// what makes errors, its loop stays a fast one.
[[gnu::noinline]] inline std::size_t first_infinite_row(const FeatureRows& found, const Rows& rows,
                                                        std::size_t columns) {
    for (std::size_t r = rows.first; r < rows.last; ++r) {
        const bool any = found.visit_row(r, [&](const auto* x) {
            bool infinite = false;
            for (std::size_t c = 0; c < columns; ++c)
                infinite |= std::isinf(x[static_cast<std::ptrdiff_t>(c) * found.column_stride()]);
            return infinite;
        });
        if (any) return r;
    }
    return rows.last;
}

/// Dense features of `rows` rows: NaN is a missing value. `columns`: some come as columns of their own.
inline Fault dense(const FeatureRows& found, const Rows& rows, const std::vector<DenseFeature>& schema,
                   const char* what, const RequestRules& rules, bool columns = false) {
    std::size_t wanted = 0;
    const DenseFeature* required = nullptr;
    for (const DenseFeature& f : schema) {
        if (columns && has_column(f)) continue;
        ++wanted;
        if (!f.optional) required = &f;
    }
    if (found.empty() && (rows.all == 0 || wanted == 0 || required == nullptr || rules.take_missing_columns)) return {};
    if (found.empty())
        return refused(std::string(what) + " feature " + required->name, "nothing",
                       "numbers, as in the training lists");
    if (found.rows() != rows.all || found.columns() != wanted) {
        return refused(std::string(what) + " features",
                       std::to_string(found.rows()) + " x " + std::to_string(found.columns()),
                       std::to_string(rows.all) + " x " + std::to_string(wanted));
    }
    if (const std::size_t r = first_infinite_row(found, rows, wanted); r < rows.last)
        return refused((rows.all > 1 ? place(what, r) : what) + std::string(" features"), "an infinite number",
                       "finite numbers, or NaN for missing ones");
    return {};
}

/// The column of a dense feature with a span of its own.
inline Fault column(const FeatureColumn& found, std::size_t n, const char* name,
                    const std::vector<DenseFeature>& schema, const RequestRules& rules) {
    const auto feature = std::ranges::find(schema, name, &DenseFeature::name);
    if (found.empty() && feature != schema.end() && !feature->optional && !rules.take_missing_columns)
        return refused(name, "nothing", "numbers, as in the training lists");
    if (!found.empty() && found.size() != n) {
        return refused(name, std::to_string(found.size()) + " numbers", std::to_string(n) + " or none");
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::isinf(found[i])) {
            return refused(place("candidates", i) + "." + name, std::to_string(found[i]),
                           "a finite number, or NaN for a missing one");
        }
    }
    return {};
}

/// The column beside dense features that hold it already.
inline Fault not_twice(const FeatureColumn& found, const char* name, const std::vector<DenseFeature>& schema) {
    if (!found.empty() && std::ranges::find(schema, name, &DenseFeature::name) != schema.end())
        return refused(name, "a column beside dense features that hold it", "one of the two");
    return {};
}

inline Fault length(std::size_t found, std::size_t wanted, const char* what) {
    if (found != 0 && found != wanted) {
        return refused(what, std::to_string(found) + " numbers", std::to_string(wanted) + " or none");
    }
    return {};
}
/// Items that are known, where others are refused. A history may name those that the request brings many times.
class KnownItems {
  public:
    KnownItems(const Catalog& catalog, const Request& r, const RequestRules& rules)
        : catalog_(&catalog), r_(&r), takes_all_(!rules.refuse_unknown) {
        for (std::size_t i = 0; i < r.new_item_rows.size() && !takes_all_ && r.new_items != nullptr; ++i) {
            if (r.new_item_rows[i] >= 0) brought_.push_back(r.items[i]);
        }
        std::ranges::sort(brought_);
    }

    Fault find_fault(std::int32_t id, const char* what, std::size_t i) const {
        if (id < -1) return refused(place(what, i), std::to_string(id), "an item id of 0 or more, or -1 for none");
        if (takes_all_ || id == -1 || contains(id)) return {};
        const std::size_t items = catalog_->items + (r_->new_items ? r_->new_items->items : 0);
        return refused(place(what, i), std::to_string(id), "an item below " + std::to_string(items));
    }

  private:
    bool contains(std::int32_t id) const {
        if (brought_.empty()) return bool(find_item(*catalog_, *r_, id));
        return static_cast<std::size_t>(id) < catalog_->items || std::ranges::binary_search(brought_, id);
    }

    const Catalog* catalog_;
    const Request* r_;
    bool takes_all_;
    std::vector<std::int32_t> brought_;  ///< with rows; sorted
};

/// What a request says of an item that the catalog lacks.
inline Fault new_item(const Catalog& catalog, std::size_t row) {
    const auto fail = [&](const std::string& found, const char* wanted) {
        return refused(place("new items", row), found, wanted);
    };
    for (const Catalog::Field& f : catalog.fields) {
        const std::int64_t begin = f.offsets[row], end = f.offsets[row + 1];
        if (begin < 0 || begin > end || end > static_cast<std::int64_t>(f.ids.size()))
            return fail("offsets that do not rise, or go beyond the ids", "rising ones");
        for (std::int64_t k = begin; k < end; ++k) {
            if (f.ids[static_cast<std::size_t>(k)] < 0)
                return fail("id " + std::to_string(f.ids[static_cast<std::size_t>(k)]), "ids of 0 or more");
        }
    }
    if (catalog.values(row) > static_cast<std::size_t>(limits().values))
        return fail(std::to_string(catalog.values(row)) + " values", "no more than limits() say: --max-values");
    const std::size_t width = catalog.dense.size() / catalog.items;
    for (std::size_t c = 0; c < width; ++c) {
        if (std::isinf(catalog.dense[row * width + c]))
            return fail("an infinite number", "finite numbers, or NaN for missing ones");
    }
    return {};
}

/// The items that a request brings have the columns of the schema. Where candidates name their rows, other rows are not
/// looked at: many requests may share them.
inline Fault new_items(const Catalog& catalog, const Request& r, const Schema& schema) {
    const auto wrong = [](const char* what, std::size_t found, std::size_t wanted) {
        return refused(std::string("new items, ") + what, std::to_string(found), std::to_string(wanted));
    };
    if (catalog.fields.size() != schema.item_fields.size())
        return wrong("fields", catalog.fields.size(), schema.item_fields.size());
    if (catalog.dense.size() != catalog.items * schema.item_dense.size())
        return wrong("dense features", catalog.dense.size(), catalog.items * schema.item_dense.size());
    for (const Catalog::Field& f : catalog.fields) {
        if (f.offsets.size() != catalog.items + 1) return wrong("offsets", f.offsets.size(), catalog.items + 1);
    }
    if (r.new_item_rows.empty()) {
        for (std::size_t row = 0; row < catalog.items; ++row) {
            if (auto fault = new_item(catalog, row)) return fault;
        }
        return {};
    }
    if (auto fault = length(r.new_item_rows.size(), r.size(), "new item rows")) return fault;
    for (std::size_t i = 0; i < r.new_item_rows.size(); ++i) {
        const std::int32_t row = r.new_item_rows[i];
        if (row < -1 || row >= static_cast<std::int64_t>(catalog.items))
            return refused(place("new item rows", i), std::to_string(row),
                           "-1 or a row below " + std::to_string(catalog.items));
        if (row < 0) continue;
        if (auto fault = new_item(catalog, static_cast<std::size_t>(row))) return fault;
    }
    return {};
}

inline Fault time(std::int64_t t, const std::string& where) {
    if (t < -max_time || t > max_time) {
        return refused(where, std::to_string(t),
                       "unix seconds from -" + std::to_string(max_time) + " to " + std::to_string(max_time));
    }
    return {};
}
inline Fault no_duplicates(std::span<const std::int32_t> items) {
    const auto fail = [](std::int32_t id) {
        return refused("candidates", "item " + std::to_string(id) + " twice", "each item once");
    };
    if (items.size() <= 128) {  // faster than sorting, and allocates nothing
        for (std::size_t i = 1; i < items.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (items[j] == items[i] && items[i] >= 0) return fail(items[i]);
            }
        }
        return {};
    }
    std::vector<std::int32_t> sorted(items.begin(), items.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(std::ranges::lower_bound(sorted, 0), sorted.end());
    return twice != sorted.end() ? Fault(fail(*twice)) : Fault();
}

/// The latest `events` before the request: many requests may share a long history, of which models read its end.
inline Fault history(const Schema& schema, const Request& r, const RequestRules& rules, const KnownItems& known,
                     std::size_t events) {
    const std::size_t all = r.history_items.size();
    if (r.history_times.size() != all)
        return refused("history", std::to_string(r.history_times.size()) + " times",
                       std::to_string(all) + ", one per event");
    if (auto fault = length(r.history_feedback.size(), all, "history feedback")) return fault;
    if (all > 0) {
        if (auto fault = time(r.history_times.front(), place("history", 0))) return fault;
        if (auto fault = time(r.history_times.back(), place("history", all - 1))) return fault;
    }
    if (rules.refuse_late_events && all > 0 && r.history_times.back() >= r.time)
        return refused(place("history", all - 1), "a time not before the request", "only earlier events");
    const std::size_t past = events == all_events ? all : r.past_events();
    const Rows read(past - (std::min)(past, events), past, all);
    if (auto fault = fields(r.history_fields, read, schema.event_fields, "history", rules)) return fault;
    if (auto fault = dense(r.history_dense, read, schema.event_dense, "history", rules)) return fault;
    for (std::size_t h = read.first; h < read.last; ++h) {
        if (auto fault = known.find_fault(r.history_items[h], "history", h)) return fault;
        if (h > read.first && r.history_times[h] < r.history_times[h - 1])
            return refused(place("history", h), "a time before the event above", "oldest first");
        if (rules.refuse_unknown && !r.history_feedback.empty() &&
            (r.history_feedback[h] < 0 || r.history_feedback[h] >= schema.feedback_kinds)) {
            return refused(place("history", h) + ".feedback", std::to_string(r.history_feedback[h]),
                           "0.." + std::to_string(schema.feedback_kinds - 1));
        }
    }
    return read.first < read.last ? time(r.history_times[read.first], place("history", read.first)) : std::nullopt;
}

}  // namespace check_detail

/// What is wrong with a request, if anything is. Columns must have the rows, features and fields of the schema, numbers
/// be finite or missing; there must be 1 to `max_candidates` candidates, each item once, and times within `max_time`
/// and in order. Of the history the latest `events` before the request are looked at. The one contract of what can be
/// encoded: readers and programs ask it too.
inline std::optional<RequestError> find_fault(const Schema& schema, const Catalog& catalog, const Request& r,
                                              const RequestRules& rules = {}, std::size_t events = all_events) {
    namespace detail = check_detail;
    if (auto fault = detail::fields(r.user_fields, 1, schema.user_fields, "user", rules)) return fault;
    if (auto fault = detail::fields(r.context, 1, schema.context_fields, "context", rules)) return fault;
    if (auto fault = detail::dense(r.user_dense, 1, schema.user_dense, "user", rules)) return fault;
    if (auto fault = detail::dense(r.context_dense, 1, schema.context_dense, "context", rules)) return fault;
    if (r.items.empty()) return detail::refused("candidates", "none", "at least one");
    if (r.items.size() > static_cast<std::size_t>(max_candidates)) {
        return detail::refused("candidates", std::to_string(r.items.size()),
                               "at most " + std::to_string(max_candidates));
    }
    if (r.new_items != nullptr) {
        if (auto fault = detail::new_items(*r.new_items, r, schema)) return fault;
    }
    const detail::KnownItems known(catalog, r, rules);
    for (std::size_t i = 0; i < r.items.size(); ++i) {
        if (auto fault = known.find_fault(r.items[i], "candidates", i)) return fault;
    }
    if (auto fault = detail::no_duplicates(r.items)) return fault;
    if (auto fault = detail::fields(r.candidate_fields, r.size(), schema.candidate_fields, "candidates", rules))
        return fault;
    const bool columns = r.candidate_dense.columns() != schema.candidate_dense.size();
    if (auto fault = detail::dense(r.candidate_dense, r.size(), schema.candidate_dense, "candidates", rules, columns))
        return fault;
    if (columns) {
        if (auto fault = detail::column(r.scores, r.size(), "score", schema.candidate_dense, rules)) return fault;
        if (auto fault = detail::column(r.aux, r.size(), "aux", schema.candidate_dense, rules)) return fault;
    } else if (!r.candidate_dense.empty()) {
        if (auto fault = detail::not_twice(r.scores, "score", schema.candidate_dense)) return fault;
        if (auto fault = detail::not_twice(r.aux, "aux", schema.candidate_dense)) return fault;
    }

    if (auto fault = detail::time(r.time, "ts")) return fault;
    return detail::history(schema, r, rules, known, events);
}

/// Throws what find_fault finds.
inline void check_request(const Schema& schema, const Catalog& catalog, const Request& r,
                          const RequestRules& rules = {}, std::size_t events = all_events) {
    if (const auto fault = find_fault(schema, catalog, r, rules, events)) raise(*fault);
}

}  // namespace psad
