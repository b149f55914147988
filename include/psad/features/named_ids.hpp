/// \file named_ids.hpp
/// The ids that stand for the names in somebody's data.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/features/data_schema.hpp"
#include "psad/features/id_map.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// A map of names for items, for kinds of events and for each field. An item's id is its number in the map; those of
/// kinds and values are one more, as 0 is the unknown.
struct NamedIds {
    IdMap items, kinds;
    std::vector<IdMap> user_fields, context_fields, item_fields, candidate_fields, event_fields;

    NamedIds() = default;
    explicit NamedIds(const DataSchema& schema)
        : user_fields(schema.of_user.fields.size()),
          context_fields(schema.of_context.fields.size()),
          item_fields(schema.of_item.fields.size()),
          candidate_fields(schema.of_candidate.fields.size()),
          event_fields(schema.of_event.fields.size()) {}

    /// Calls visit(name, map) for every map; those of fields are named by their group and number.
    template <class Visit, class Self>
    static void for_each_map(Visit&& visit, Self& self) {
        visit(std::string("items"), self.items);
        visit(std::string("kinds"), self.kinds);
        const auto each = [&](const char* group, auto& maps) {
            for (std::size_t f = 0; f < maps.size(); ++f) visit(group + std::string(".") + std::to_string(f), maps[f]);
        };
        each("user_fields", self.user_fields);
        each("context_fields", self.context_fields);
        each("item_fields", self.item_fields);
        each("candidate_fields", self.candidate_fields);
        each("event_fields", self.event_fields);
    }
};

/// What is needed to read somebody's files for a model: what their columns mean, and the ids of their names.
struct NamedData {
    DataSchema schema;
    NamedIds ids;
};

/// The id of a hashed value, 1 to `ids`: the same in every run.
inline std::int32_t hashed_id(std::string_view name, int ids) {
    return 1 + static_cast<std::int32_t>(IdMap::hash(name) % static_cast<std::uint64_t>(ids));
}

/// The schema of requests whose names have these ids.
inline Schema request_schema(const NamedData& data) {
    const auto fields = [](const ColumnGroup& group, const std::vector<IdMap>& maps) {
        std::vector<FieldSchema> out;
        for (std::size_t f = 0; f < group.fields.size(); ++f) {
            const FieldColumn& c = group.fields[f];
            out.push_back({c.name, 1 + (c.hash > 0 ? c.hash : static_cast<int>(maps[f].size())), c.match});
        }
        return out;
    };
    const DataSchema& s = data.schema;
    return {.user_fields = fields(s.of_user, data.ids.user_fields),
            .context_fields = fields(s.of_context, data.ids.context_fields),
            .item_fields = fields(s.of_item, data.ids.item_fields),
            .candidate_fields = fields(s.of_candidate, data.ids.candidate_fields),
            .event_fields = fields(s.of_event, data.ids.event_fields),
            .user_dense = s.of_user.dense,
            .context_dense = s.of_context.dense,
            .item_dense = s.of_item.dense,
            .candidate_dense = s.of_candidate.dense,
            .event_dense = s.of_event.dense,
            .feedback_kinds = 1 + static_cast<int>(data.ids.kinds.size()),
            .ordered = s.ordered};
}

}  // namespace psad
