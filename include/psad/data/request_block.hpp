/// \file request_block.hpp
/// Columns of some requests, end to end, and the requests that look into them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "psad/data/group_rows.hpp"
#include "psad/data/side_tables.hpp"
#include "psad/data/source.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::data {

/// A request by where its columns lie.
struct RequestSpan {
    std::string id;
    std::uint32_t file = 0;  ///< of those of the source
    std::size_t line = 0;    ///< of its file
    std::int64_t time = 0;
    float weight = 1;
    bool has_labels = false, has_propensities = false, has_teacher_scores = false;
    std::size_t first = 0, candidates = 0;
    std::size_t first_event = 0, events = 0;  ///< in the block, or in the table of events
    std::size_t first_shown = 0, shown = 0;
};

/// Filled end to end; the columns stay where they are once the requests are made.
struct RequestBlock {
    GroupRows user, context, candidates, events;
    std::vector<std::int32_t> items, shown;
    std::vector<std::int32_t> new_item_rows;  ///< of each candidate: see Request
    std::vector<std::int8_t> grades;          ///< of each candidate, or none
    std::vector<float> gains;                 ///< of each candidate, or none
    std::vector<float> propensities;          ///< of each candidate, or none
    std::vector<float> teacher_scores;        ///< of each candidate, or none
    std::vector<std::int32_t> event_items, event_kinds;
    std::vector<std::int64_t> event_times;
    std::vector<RequestSpan> requests;

    explicit RequestBlock(const DataSchema& schema)
        : user(schema.of_user), context(schema.of_context), candidates(schema.of_candidate), events(schema.of_event) {}

    void add(const RequestSpan& request) { requests.push_back(request); }
    void add_shown(std::span<const std::int32_t> order, RequestSpan& request) {
        request.first_shown = shown.size();
        request.shown = order.size();
        shown.insert(shown.end(), order.begin(), order.end());
    }

    std::size_t bytes() const noexcept {
        return user.bytes() + context.bytes() + candidates.bytes() + events.bytes() +
               4 * (items.size() + new_item_rows.size() + shown.size() + gains.size() + propensities.size() +
                    teacher_scores.size()) +
               grades.size() + 16 * event_times.size() + sizeof(RequestSpan) * requests.size();
    }

    /// `table` may be null: then events lie in the block.
    void make_requests(Source& to, const EventTable* table, const Catalog* new_items) {
        for (GroupRows* rows : {&user, &context, &candidates, &events}) rows->shrink();
        const GroupRows& event_rows = table != nullptr ? table->rows : events;
        const auto event = [&](const auto& of_table, const auto& of_block, const RequestSpan& s) {
            return std::span(of_table != nullptr ? *of_table : of_block).subspan(s.first_event, s.events);
        };
        for (std::size_t i = 0; i < requests.size(); ++i) {
            const RequestSpan& s = requests[i];
            const auto of_candidates = [&](const auto& column) {
                return std::span(column).subspan(s.first, s.candidates);
            };
            Request r;
            r.user_fields = user.field_rows(i, 1);
            r.user_dense = user.feature_rows(i, 1);
            r.context = context.field_rows(i, 1);
            r.context_dense = context.feature_rows(i, 1);
            r.time = s.time;
            r.weight = s.weight;
            r.history_items = event(table ? &table->items : nullptr, event_items, s);
            r.history_times = event(table ? &table->times : nullptr, event_times, s);
            r.history_feedback = event(table ? &table->kinds : nullptr, event_kinds, s);
            r.history_fields = event_rows.field_rows(s.first_event, s.events);
            r.history_dense = event_rows.feature_rows(s.first_event, s.events);
            r.items = of_candidates(items);
            r.candidate_fields = candidates.field_rows(s.first, s.candidates);
            r.candidate_dense = candidates.feature_rows(s.first, s.candidates);
            if (s.has_labels && !grades.empty()) r.labels = of_candidates(grades);
            if (s.has_labels && grades.empty()) r.gains = of_candidates(gains);
            if (s.has_propensities) r.propensities = of_candidates(propensities);
            if (s.has_teacher_scores) r.teacher_scores = of_candidates(teacher_scores);
            r.shown = std::span(shown).subspan(s.first_shown, s.shown);
            const std::span<const std::int32_t> rows = of_candidates(new_item_rows);
            if (std::ranges::any_of(rows, [](std::int32_t row) { return row >= 0; }))
                r.new_items = new_items, r.new_item_rows = rows;
            to.add(r, s.id, s.file, s.line);
        }
        requests.clear();
        requests.shrink_to_fit();
    }
};

}  // namespace psad::data
