/// \file column_tensors.hpp
/// The tensors of a folder of columns, checked against each other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/data/column_folder.hpp"
#include "psad/features/check_request.hpp"
#include "psad/features/request.hpp"
#include "psad/model_file/mapped_tensors.hpp"

namespace psad::inline PSAD_ABI::data {

namespace detail {

/// [begin, end) of the rows of something.
struct RowRange {
    std::size_t begin = 0, end = 0;
    std::size_t size() const { return end - begin; }
};

/// Numbers from `least` to below `size`, or a ModelFileError.
inline std::span<const std::int32_t> ids_of(const model_file::MappedTensors& file, const std::string& name,
                                            std::size_t count, std::int64_t least, std::size_t size) {
    const auto ids = file.values<std::int32_t>(name, count);
    for (const std::int32_t id : ids) {
        if (id < least || id >= static_cast<std::int64_t>(size))
            throw ModelFileError(file.source(), "tensor " + name, std::to_string(id),
                                 "ids from " + std::to_string(least) + " to below " + std::to_string(size));
    }
    return ids;
}
/// Numbers that rise from 0 or more to `last`, or a ModelFileError.
inline std::span<const std::int64_t> rising(const model_file::MappedTensors& file, const std::string& name,
                                            std::size_t count, std::size_t last) {
    const auto ends = file.values<std::int64_t>(name, count);
    if (!std::ranges::is_sorted(ends) || (count > 0 && ends.front() < 0) ||
        (count > 0 ? static_cast<std::size_t>(ends.back()) : 0) != last)
        throw ModelFileError(file.source(), "tensor " + name, "numbers that do not rise to the end",
                             "rising ones up to " + std::to_string(last));
    return ends;
}

/// What stands in the tensors of lists.
class ListTensors {
  public:
    explicit ListTensors(const model_file::MappedTensors& file)
        : file_(&file),
          time(file.values<std::int64_t>("list.time")),
          lists(time.size()),
          candidates(file.values<std::int32_t>("candidate.item").size()),
          event_time(file.values<std::int64_t>("event.time")),
          weight(file.values<float>("list.weight", lists)),
          has_(file.values<std::int8_t>("list.has", lists)),
          end_(rising(file, "list.end", lists, candidates)),
          shown_(file.values<std::int32_t>("candidate.shown")),
          shown_end_(rising(file, "list.shown_end", lists, shown_.size())),
          first_event_(file.values<std::int64_t>("list.first_event", lists)),
          last_event_(file.values<std::int64_t>("list.last_event", lists)),
          names_(file.values<std::int8_t>("list.names")),
          name_end_(rising(file, "list.name_end", lists, names_.size())),
          grades_(file.values<std::int8_t>("candidate.grade")),
          gains_(file.values<float>("candidate.gain")),
          propensities_(file.values<float>("candidate.propensity")),
          teacher_scores_(file.values<float>("candidate.teacher_score")) {
        for (std::size_t i = 0; i < lists; ++i) {
            if (first_event_[i] < 0 || last_event_[i] < first_event_[i] ||
                static_cast<std::size_t>(last_event_[i]) > event_time.size())
                throw ModelFileError(file.source(), "tensor list.last_event", std::to_string(last_event_[i]),
                                     "events within the " + std::to_string(event_time.size()));
        }
        check_event_times();
    }

    RowRange candidates_of(std::size_t i) const { return range(end_, i); }
    RowRange events_of(std::size_t i) const {
        return {static_cast<std::size_t>(first_event_[i]), static_cast<std::size_t>(last_event_[i])};
    }
    std::string_view name(std::size_t i) const {
        const RowRange r = range(name_end_, i);
        return std::string_view(reinterpret_cast<const char*>(names_.data()), names_.size()).substr(r.begin, r.size());
    }
    /// To be called for one list after the other.
    void take_labels(std::size_t i, Request& r) {
        const auto next = [&](auto column, std::size_t& at, int flag, const char* tensor) {
            if ((has_[i] & flag) == 0) return column.first(0);
            if (at + r.size() > column.size())
                throw ModelFileError(file_->source(), std::string("tensor ") + tensor, "too few numbers",
                                     "one for each candidate of the lists that have them");
            at += r.size();
            return column.subspan(at - r.size(), r.size());
        };
        r.labels = next(grades_, grades_at_, has_grades, "candidate.grade");
        r.gains = next(gains_, gains_at_, has_gains, "candidate.gain");
        r.propensities = next(propensities_, propensities_at_, has_propensities, "candidate.propensity");
        r.teacher_scores = next(teacher_scores_, teacher_scores_at_, has_teacher_scores, "candidate.teacher_score");
        const RowRange s = range(shown_end_, i);
        r.shown = shown_.subspan(s.begin, s.size());
    }

  private:
    /// Lists share events: each is looked at once.
    void check_event_times() const {
        const auto fail = [&](std::size_t event, const std::string& found, const std::string& wanted) {
            throw ModelFileError(file_->source(), "tensor event.time[" + std::to_string(event) + "]", found, wanted);
        };
        std::vector<std::size_t> earlier;  // than the event above
        for (std::size_t e = 0; e < event_time.size(); ++e) {
            if (event_time[e] < -max_time || event_time[e] > max_time)
                fail(e, std::to_string(event_time[e]), "unix seconds of at most " + std::to_string(max_time));
            if (e > 0 && event_time[e] < event_time[e - 1]) earlier.push_back(e);
        }
        for (std::size_t i = 0; i < lists; ++i) {
            const RowRange events = events_of(i);
            const auto e = std::ranges::upper_bound(earlier, events.begin);
            if (e != earlier.end() && *e < events.end)
                fail(*e, "a time before the event above", "oldest first, in each list");
        }
    }
    static RowRange range(std::span<const std::int64_t> ends, std::size_t i) {
        return {i == 0 ? 0 : static_cast<std::size_t>(ends[i - 1]), static_cast<std::size_t>(ends[i])};
    }

    const model_file::MappedTensors* file_;

  public:
    std::span<const std::int64_t> time;
    std::size_t lists, candidates;
    std::span<const std::int64_t> event_time;
    std::span<const float> weight;

  private:
    std::span<const std::int8_t> has_;
    std::span<const std::int64_t> end_;
    std::span<const std::int32_t> shown_;
    std::span<const std::int64_t> shown_end_, first_event_, last_event_;
    std::span<const std::int8_t> names_;
    std::span<const std::int64_t> name_end_;
    std::span<const std::int8_t> grades_;
    std::span<const float> gains_, propensities_, teacher_scores_;
    std::size_t grades_at_ = 0, gains_at_ = 0, propensities_at_ = 0, teacher_scores_at_ = 0;
};

/// The rows of one group.
struct GroupTensors {
    std::span<const double> numbers;
    std::span<const std::int64_t> offsets;
    std::span<const std::int32_t> ids;
    std::size_t features = 0, width = 0;

    FeatureRows dense(RowRange r) const {
        return features == 0 ? FeatureRows() : FeatureRows(numbers.data() + r.begin * features, r.size(), features);
    }
    FieldRows fields(RowRange r) const {
        if (width == 0) return {};
        return {ids, offsets.subspan(r.begin * width, r.size() * width + 1), r.size(), width};
    }
};

}  // namespace detail

}  // namespace psad::data
