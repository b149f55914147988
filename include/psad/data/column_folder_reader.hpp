/// \file column_folder_reader.hpp
/// Requests out of a folder in the format psad-columns-2: seen where the file lies, but for ids of another model.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/column_folder.hpp"
#include "psad/data/column_tensors.hpp"
#include "psad/data/names.hpp"
#include "psad/data/source.hpp"
#include "psad/model_file/mapped_tensors.hpp"
#include "psad/model_file/named_data_file.hpp"

namespace psad::inline PSAD_ABI::data {

/// One folder.
class ColumnFolder {
  public:
    /// \throws ModelFileError for a file that is no such set or whose columns do not fit each other
    explicit ColumnFolder(const std::filesystem::path& path)
        : file_(std::make_shared<model_file::MappedTensors>(path / columns_file)) {
        if (file_->metadata("psad.format") != columns_format)
            throw ModelFileError(file_->source(), "metadata psad.format", printable(file_->metadata("psad.format")),
                                 columns_format);
        data_.schema = model_file::parse_data_schema(file_->metadata("psad.data"), file_->source());
        data_.ids = NamedIds(data_.schema);
        NamedIds::for_each_map(
            [&](const std::string& name, IdMap& map) {
                const std::string place = "names." + name;
                map = model_file::to_id_map(file_->source(), place, file_->values<std::int8_t>(place + ".bytes"),
                                            file_->values<std::int64_t>(place + ".ends"));
            },
            data_.ids);
        read_catalog();
    }

    /// Requests.
    std::size_t size() const { return file_->values<std::int64_t>("list.time").size(); }
    const NamedData& data() const { return data_; }
    const Catalog& catalog() const { return catalog_; }

    /// Tells `names`, which learns items and has the same columns, what a table said of those that it does not know.
    /// \throws ModelFileError
    void add_table_items(Names& names) const {
        must_have_columns_of(names.schema());
        ItemsElsewhere elsewhere(*this, names);
        for (std::size_t i = 0; i < table_items_; ++i) {
            const bool is_known = names.knows_item(elsewhere.name(i));
            if (!is_known) names.add_row(names.item(elsewhere.name(i)), elsewhere.row(i));
        }
    }

    /// The requests with the ids of `names`, which has the same columns: values that it does not know are unknown,
    /// items that it does not know stay themselves, and are known where they are candidates. Requests from
    /// the time `before` on are left out, and items that stand in no other and in no table are not learned. Null: with
    /// the ids of the folder itself. \throws ModelFileError
    Source source(Names* names = nullptr, std::optional<std::int64_t> before = std::nullopt) const {
        if (names != nullptr) must_have_columns_of(names->schema());
        const auto own = std::make_shared<Owned>(Owned{file_, {}, {}});
        detail::ListTensors lists(*file_);
        const std::size_t events = lists.event_time.size();
        const auto user = group("user", Group::user, lists.lists, names, *own);
        const auto context = group("context", Group::context, lists.lists, names, *own);
        const auto candidate = group("candidate", Group::candidate, lists.candidates, names, *own);
        const auto event = group("event", Group::event, events, names, *own);
        auto items = detail::ids_of(*file_, "candidate.item", lists.candidates, -1, catalog_.items);
        auto event_items = detail::ids_of(*file_, "event.item", events, -1, catalog_.items);
        auto kinds = detail::ids_of(*file_, "event.kind", events, 0, kind_ids());
        std::span<const std::int32_t> new_rows;
        if (names != nullptr) {
            const std::vector<std::int32_t> of_kinds =
                ids_by(data_.ids.kinds, [&](auto name) { return names->kind(name); });
            std::vector<std::int32_t> of_items, rows_of_items;
            ItemsElsewhere elsewhere(*this, *names);
            const std::vector<char> wanted = items_before(before, lists, items, event_items);
            for (std::size_t i = 0; i < catalog_.items; ++i) {
                if (!wanted[i]) {
                    of_items.push_back(-1), rows_of_items.push_back(-1);
                    continue;
                }
                of_items.push_back(names->item(elsewhere.name(i)));
                rows_of_items.push_back(names->say(of_items.back(), elsewhere.row(i)));
            }
            new_rows =
                own->translated(items, [&](std::int32_t id) { return id < 0 ? id : rows_of_items[std::size_t(id)]; });
            items = own->translated(items, [&](std::int32_t id) { return id < 0 ? id : of_items[std::size_t(id)]; });
            event_items =
                own->translated(event_items, [&](std::int32_t id) { return id < 0 ? id : of_items[std::size_t(id)]; });
            kinds = own->translated(kinds, [&](std::int32_t id) {
                return std::size_t(id) < of_kinds.size() ? of_kinds[std::size_t(id)] : max_feedback_kinds;
            });
            own->new_items = names->new_items();
        }
        Source out;
        const std::uint32_t file = out.add_file(file_->source());
        for (std::size_t i = 0; i < lists.lists; ++i) {
            const detail::RowRange one{i, i + 1}, c = lists.candidates_of(i), e = lists.events_of(i);
            Request r;
            r.time = lists.time[i];
            r.weight = lists.weight[i];
            r.user_dense = user.dense(one), r.user_fields = user.fields(one);
            r.context_dense = context.dense(one), r.context = context.fields(one);
            r.candidate_dense = candidate.dense(c), r.candidate_fields = candidate.fields(c);
            r.history_dense = event.dense(e), r.history_fields = event.fields(e);
            r.items = items.subspan(c.begin, c.size());
            r.history_items = event_items.subspan(e.begin, e.size());
            r.history_times = lists.event_time.subspan(e.begin, e.size());
            r.history_feedback = kinds.subspan(e.begin, e.size());
            lists.take_labels(i, r);
            if (before && r.time >= *before) continue;
            if (own->new_items.items > 0)
                r.new_items = &own->new_items, r.new_item_rows = new_rows.subspan(c.begin, c.size());
            out.add(r, lists.name(i), file, i + 1);
        }
        out.keep(own);
        return out;
    }

  private:
    /// What requests look into.
    struct Owned {
        std::shared_ptr<const model_file::MappedTensors> file;
        std::deque<std::vector<std::int32_t>> ids;
        Catalog new_items;

        template <class To>
        std::span<const std::int32_t> translated(std::span<const std::int32_t> from, To to) {
            auto& out = ids.emplace_back();
            out.reserve(from.size());
            for (const std::int32_t id : from) out.push_back(to(id));
            return out;
        }
    };

    /// One more than the largest id of a kind. Kinds beyond a full table have the id max_feedback_kinds.
    std::size_t kind_ids() const {
        const std::size_t known = data_.ids.kinds.size() + 1;
        return known >= static_cast<std::size_t>(max_feedback_kinds) ? max_feedback_kinds + 1 : known;
    }
    /// Whether each item is one of a table, or stands in a request before that time.
    std::vector<char> items_before(std::optional<std::int64_t> before, const detail::ListTensors& lists,
                                   std::span<const std::int32_t> items, std::span<const std::int32_t> events) const {
        std::vector<char> out(catalog_.items, before ? 0 : 1);
        std::fill_n(out.begin(), table_items_, 1);
        if (!before) return out;
        std::vector<std::int32_t> histories(events.size() + 1);  // those that begin or, negative, end at an event
        const auto mark = [&](std::int32_t id) {
            if (id >= 0) out[static_cast<std::size_t>(id)] = 1;
        };
        for (std::size_t i = 0; i < lists.lists; ++i) {
            if (lists.time[i] >= *before) continue;
            const detail::RowRange c = lists.candidates_of(i), e = lists.events_of(i);
            std::ranges::for_each(items.subspan(c.begin, c.size()), mark);
            ++histories[e.begin], --histories[e.end];
        }
        std::int32_t open = 0;
        for (std::size_t e = 0; e < events.size(); ++e) {
            if ((open += histories[e]) > 0) mark(events[e]);
        }
        return out;
    }
    /// The ids of names elsewhere; 0 stays the unknown.
    template <class To>
    static std::vector<std::int32_t> ids_by(const IdMap& names, To to) {
        std::vector<std::int32_t> out{0};
        for (std::size_t i = 0; i < names.size(); ++i) out.push_back(to(names.name(static_cast<std::int32_t>(i))));
        return out;
    }
    /// Empty: they stay what they are.
    std::vector<std::int32_t> ids_elsewhere(Group of, std::size_t field, const IdMap& map, int hash,
                                            Names& names) const {
        if (hash == 0) return ids_by(map, [&](std::string_view name) { return names.value(of, field, name); });
        return {};  // the same everywhere
    }
    /// The folder's items by the ids of other names, and what it knows of them.
    class ItemsElsewhere {
      public:
        ItemsElsewhere(const ColumnFolder& folder, Names& names) : folder_(folder), row_(folder.data_.schema.of_item) {
            const auto& fields = folder.data_.schema.of_item.fields;
            for (std::size_t f = 0; f < fields.size(); ++f)
                values_.push_back(
                    folder.ids_elsewhere(Group::item, f, folder.data_.ids.item_fields[f], fields[f].hash, names));
        }
        std::string_view name(std::size_t i) const {
            return folder_.data_.ids.items.name(static_cast<std::int32_t>(i));
        }
        /// Valid until the next call.
        const GroupRows& row(std::size_t i) {
            row_.clear();
            row_.begin_row(0);
            for (std::size_t f = 0; f < values_.size(); ++f) {
                row_.ids(f).clear();
                for (const std::int32_t v : folder_.catalog_.fields[f][i])
                    row_.ids(f).push_back(values_[f].empty() ? v : values_[f][std::size_t(v)]);
            }
            for (std::size_t d = 0; d < row_.features(); ++d)
                row_.number(d) = folder_.catalog_.dense[i * row_.features() + d];
            row_.end_row();
            return row_;
        }

      private:
        const ColumnFolder& folder_;
        std::vector<std::vector<std::int32_t>> values_;  ///< of each field; empty: they stay what they are
        GroupRows row_;
    };

    detail::GroupTensors group(const std::string& name, Group of, std::size_t rows, Names* names, Owned& own) const {
        const ColumnGroup& columns = columns_of(data_.schema, of);
        const std::vector<IdMap>& maps = fields_of(data_.ids, of);
        detail::GroupTensors out;
        out.features = columns.dense.size(), out.width = columns.fields.size();
        if (out.features > 0) out.numbers = file_->values<double>(name + ".dense", rows * out.features);
        if (const auto bad = std::ranges::find_if(out.numbers, [](double x) { return std::isinf(x); });
            bad != out.numbers.end())
            throw ModelFileError(file_->source(), "tensor " + name + ".dense", number_text(*bad),
                                 "finite numbers, or NaN for missing ones");
        if (out.width == 0) return out;
        out.ids = file_->values<std::int32_t>(name + ".ids");
        out.offsets = detail::rising(*file_, name + ".offsets", rows * out.width + 1, out.ids.size());
        std::vector<std::vector<std::int32_t>> to(out.width);
        std::vector<std::size_t> sizes;
        for (std::size_t f = 0; f < out.width; ++f) {
            const int hash = columns.fields[f].hash;
            sizes.push_back(1 + (hash > 0 ? static_cast<std::size_t>(hash) : maps[f].size()));
            if (names != nullptr) to[f] = ids_elsewhere(of, f, maps[f], hash, *names);
        }
        std::vector<std::int32_t>* const mine =
            names != nullptr ? &own.ids.emplace_back(out.ids.begin(), out.ids.end()) : nullptr;
        for (std::size_t cell = 0; cell + 1 < out.offsets.size(); ++cell) {
            const std::size_t f = cell % out.width;
            for (auto i = static_cast<std::size_t>(out.offsets[cell]);
                 i < static_cast<std::size_t>(out.offsets[cell + 1]); ++i) {
                const auto id = static_cast<std::size_t>(out.ids[i]);
                if (id >= sizes[f])
                    throw ModelFileError(file_->source(), "tensor " + name + ".ids", std::to_string(out.ids[i]),
                                         "ids of 0 to below " + std::to_string(sizes[f]));
                if (mine != nullptr && !to[f].empty()) (*mine)[i] = to[f][id];
            }
        }
        if (mine != nullptr) out.ids = *mine;
        return out;
    }

    void read_catalog() {
        catalog_.items = data_.ids.items.size();
        const std::string from_table = file_->metadata("psad.table_items");
        const auto end = from_table.data() + from_table.size();
        const auto [rest, error] = std::from_chars(from_table.data(), end, table_items_);
        if (error != std::errc() || rest != end || table_items_ > catalog_.items)
            throw ModelFileError(file_->source(), "metadata psad.table_items", printable(from_table),
                                 "0 to " + std::to_string(catalog_.items));
        const ColumnGroup& columns = data_.schema.of_item;
        for (std::size_t f = 0; f < columns.fields.size(); ++f) {
            const std::string name = "item." + std::to_string(f);
            const std::size_t size = 1 + (columns.fields[f].hash > 0 ? static_cast<std::size_t>(columns.fields[f].hash)
                                                                     : data_.ids.item_fields[f].size());
            const auto count = file_->values<std::int32_t>(name + ".ids").size();
            const auto ids = detail::ids_of(*file_, name + ".ids", count, 0, size);
            const auto offsets = detail::rising(*file_, name + ".offsets", catalog_.items + 1, count);
            catalog_.fields.push_back({{offsets.begin(), offsets.end()}, {ids.begin(), ids.end()}});
        }
        const auto dense = file_->values<double>("item.dense", catalog_.items * columns.dense.size());
        catalog_.dense.assign(dense.begin(), dense.end());
    }

    void must_have_columns_of(const DataSchema& other) const {
        for (const Group g : {Group::user, Group::context, Group::candidate, Group::item, Group::event}) {
            if (columns_of(data_.schema, g) != columns_of(other, g))
                throw ModelFileError(file_->source(), "schema", "other columns, or in another order",
                                     "those of the training lists: convert both by one --schema");
        }
        const auto rules = [](const DataSchema& s) {
            std::vector<std::pair<std::string, double>> kinds = s.gain.kinds;
            std::ranges::sort(kinds);
            return std::tuple(s.gain.grade, s.gain.gain, kinds, s.ordered, s.absent_is_zero);
        };
        if (rules(data_.schema) != rules(other))
            throw ModelFileError(file_->source(), "schema", "other labels, or another meaning of order and absence",
                                 "those of the training lists: convert both by one --schema");
    }

    std::shared_ptr<const model_file::MappedTensors> file_;
    NamedData data_;
    Catalog catalog_;
    std::size_t table_items_ = 0;  ///< the first items
};

}  // namespace psad::data
