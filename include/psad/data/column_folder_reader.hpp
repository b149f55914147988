/// \file column_folder_reader.hpp
/// Requests out of a folder in the format psad-columns-1: seen where the file lies, but for ids of another model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
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

    const NamedData& data() const { return data_; }
    const Catalog& catalog() const { return catalog_; }

    /// The requests with the ids of `names`, which has the same columns: values that it does not know are unknown,
    /// items that it does not know stay themselves. Null: with the ids of the folder itself. \throws ModelFileError
    Source source(Names* names = nullptr) const {
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
        if (names != nullptr) {
            const std::vector<std::int32_t> of_items = item_ids(*names),
                                            of_kinds =
                                                ids_by(data_.ids.kinds, [&](auto name) { return names->kind(name); });
            items = own->translated(items, [&](std::int32_t id) { return id < 0 ? id : of_items[std::size_t(id)]; });
            event_items =
                own->translated(event_items, [&](std::int32_t id) { return id < 0 ? id : of_items[std::size_t(id)]; });
            kinds = own->translated(kinds, [&](std::int32_t id) {
                return std::size_t(id) < of_kinds.size() ? of_kinds[std::size_t(id)] : max_feedback_kinds;
            });
            own->new_items = names->new_items();
        } else {
            own->new_items.fields.resize(catalog_.fields.size());
        }
        Source out;
        out.begin_file(file_->source());
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
            r.new_items = &own->new_items;
            out.add(r, lists.name(i), i + 1);
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
    /// Items that are not known there are added to its new ones, with what the folder knows of them.
    std::vector<std::int32_t> item_ids(Names& names) const {
        std::vector<std::vector<std::int32_t>> values;
        for (std::size_t f = 0; f < catalog_.fields.size(); ++f)
            values.push_back(
                ids_elsewhere(Group::item, f, data_.ids.item_fields[f], data_.schema.of_item.fields[f].hash, names));
        std::vector<std::int32_t> out;
        GroupRows row(data_.schema.of_item);
        for (std::size_t i = 0; i < catalog_.items; ++i) {
            const std::int32_t id = names.item(data_.ids.items.name(static_cast<std::int32_t>(i)));
            out.push_back(id);
            row.clear();
            row.begin_row(0);
            for (std::size_t f = 0; f < values.size(); ++f) {
                row.ids(f).clear();
                for (const std::int32_t v : catalog_.fields[f][i])
                    row.ids(f).push_back(values[f].empty() ? v : values[f][std::size_t(v)]);
            }
            for (std::size_t d = 0; d < row.features(); ++d) row.number(d) = catalog_.dense[i * row.features() + d];
            row.end_row();
            names.say(id, row);
        }
        return out;
    }

    const IdMap& map_of(Group of, std::size_t field) const {
        switch (of) {
            case Group::user:
                return data_.ids.user_fields[field];
            case Group::context:
                return data_.ids.context_fields[field];
            case Group::candidate:
                return data_.ids.candidate_fields[field];
            default:
                return data_.ids.event_fields[field];
        }
    }

    detail::GroupTensors group(const std::string& name, Group of, std::size_t rows, Names* names, Owned& own) const {
        const ColumnGroup& columns = columns_of(data_.schema, of);
        detail::GroupTensors out;
        out.features = columns.dense.size(), out.width = columns.fields.size();
        if (out.features > 0) out.numbers = file_->values<double>(name + ".dense", rows * out.features);
        if (out.width == 0) return out;
        out.ids = file_->values<std::int32_t>(name + ".ids");
        out.offsets = detail::rising(*file_, name + ".offsets", rows * out.width + 1, out.ids.size());
        std::vector<std::vector<std::int32_t>> to(out.width);
        std::vector<std::size_t> sizes;
        for (std::size_t f = 0; f < out.width; ++f) {
            const int hash = columns.fields[f].hash;
            sizes.push_back(1 + (hash > 0 ? static_cast<std::size_t>(hash) : map_of(of, f).size()));
            if (names != nullptr) to[f] = ids_elsewhere(of, f, map_of(of, f), hash, *names);
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
};

}  // namespace psad::data
