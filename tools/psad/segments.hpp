// Lists by the value of one of their categorical fields.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "inputs.hpp"
#include "psad/core/error.hpp"

namespace psad::cli {

struct Segments {
    std::vector<std::size_t> part;    ///< of each list with a positive
    std::vector<std::string> labels;  ///< of the parts, the largest first
};

/// By a field of the user or of the context: its values with the most lists, then all others. Throws SettingError for a
/// field that the model has not.
inline Segments segments_of(const std::string& field, const TestInputs& in) {
    constexpr std::size_t most = 20;
    const auto find = [&](const std::vector<FieldSchema>& fields) {
        return static_cast<std::size_t>(std::ranges::find(fields, field, &FieldSchema::name) - fields.begin());
    };
    const Schema& schema = in.schema;
    const std::size_t of_user = find(schema.user_fields), of_context = find(schema.context_fields);
    const bool is_user = of_user < schema.user_fields.size();
    if (!is_user && of_context == schema.context_fields.size()) {
        std::string names;
        for (const auto* fields : {&schema.user_fields, &schema.context_fields}) {
            for (const FieldSchema& f : *fields) names += (names.empty() ? "" : ", ") + f.name;
        }
        throw SettingError("--segment", "", field, names.empty() ? "none: users have no fields" : "one of " + names);
    }
    const auto value_of = [&](const Request& r) {
        const auto ids = is_user ? r.user_fields(0, of_user) : r.context(0, of_context);
        return ids.empty() ? 0 : ids.front();
    };
    std::map<std::int32_t, std::size_t> lists;
    for (const Request& r : in.lists) lists[value_of(r)] += r.has_positive() ? 1 : 0;
    std::vector<std::pair<std::int32_t, std::size_t>> order(lists.begin(), lists.end());
    std::ranges::stable_sort(order, std::ranges::greater(), &std::pair<std::int32_t, std::size_t>::second);

    const IdMap* names = !in.names ? nullptr
                         : is_user ? &in.names->ids.user_fields[of_user]
                                   : &in.names->ids.context_fields[of_context];
    const auto is_named = [&](std::int32_t value) {
        return names != nullptr && value > 0 && static_cast<std::size_t>(value) <= names->size();
    };
    // What is called by no name of the data must not be called like one.
    const auto own = [&](std::string label) {
        while (names != nullptr && names->find(label) >= 0) label = "(" + label + ")";
        return label;
    };
    Segments out;
    std::map<std::int32_t, std::size_t> part_of;
    for (const auto& [value, count] : order) {
        if (out.labels.size() == most) break;
        part_of[value] = out.labels.size();
        out.labels.push_back(is_named(value) ? std::string(names->name(value - 1))
                                             : own(value == 0 ? "(unknown)" : std::to_string(value)));
    }
    if (order.size() > most) out.labels.push_back(own("(others)"));
    for (const Request& r : in.lists) {
        if (!r.has_positive()) continue;
        const auto found = part_of.find(value_of(r));
        out.part.push_back(found == part_of.end() ? most : found->second);
    }
    return out;
}

}  // namespace psad::cli
