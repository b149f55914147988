/// \file simulate.hpp
/// Logs of a simulated world as a data set, and the truth about each of its lists.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "psad/data/columns.hpp"
#include "psad/data/dataset.hpp"
#include "psad/simulator/best_list.hpp"
#include "psad/simulator/logging_policy.hpp"
#include "psad/simulator/world.hpp"

namespace psad::inline PSAD_ABI::simulator {

/// Lists per split. Requests are numbered through: training, then validation, then test.
struct LogSizes {
    int train = 10000;
    int valid = 1000;
    int test = 1000;

    int all() const { return train + valid + test; }
};

/// What only the world knows of one logged list.
struct Truth {
    double shown = 0;  ///< utility of the list that was shown
    BestList best;
};

struct Logs {
    data::Dataset dataset;
    std::vector<Truth> truth;  ///< per request, in the order of their numbers
};

namespace detail {

/// One request as it was logged.
struct LoggedRequest {
    Session session{};
    std::vector<int> shown;
    std::vector<bool> clicked;
    Truth truth;
};

inline LoggedRequest log_request(const World& world, std::uint64_t index, bool with_best) {
    LoggedRequest out{world.session(index), {}, {}, {}};
    const WorldSettings& s = world.settings();
    rng::Stream draw(rng::derive(rng::derive(s.seed, 0x10C), index));
    out.shown = logged_list(s, out.session.utility, draw);
    out.clicked = out.session.utility.draw_clicks(out.shown, [&] { return draw.uniform(); });
    out.truth.shown = out.session.utility(out.shown);
    if (with_best) {
        out.truth.best = best_list(out.session.utility, s.positions, rng::derive(rng::derive(s.seed, 0xBE57), index));
        if (out.truth.shown > out.truth.best.value) out.truth.best = {out.shown, out.truth.shown, false};
    }
    return out;
}

/// The lists of a split, growing.
struct SplitColumns {
    std::vector<std::int32_t> user, history_length, items, shown;
    std::vector<std::int64_t> time, offsets{0}, shown_offsets{0};
    std::vector<double> scores;
    std::vector<std::int8_t> labels;

    void add(const LoggedRequest& r, std::int32_t by) {
        const Session& s = r.session;
        user.push_back(by);
        time.push_back(s.time);
        history_length.push_back(static_cast<std::int32_t>(s.history_items.size()));
        items.insert(items.end(), s.items.begin(), s.items.end());
        for (const float x : s.scores) scores.push_back(std::round(1e6 * static_cast<double>(x)) / 1e6);
        shown.insert(shown.end(), r.shown.begin(), r.shown.end());
        const std::size_t first = labels.size();
        labels.resize(items.size(), 0);
        for (std::size_t t = 0; t < r.shown.size(); ++t)
            labels[first + static_cast<std::size_t>(r.shown[t])] = r.clicked[t] ? 1 : 0;
        offsets.push_back(static_cast<std::int64_t>(items.size()));
        shown_offsets.push_back(static_cast<std::int64_t>(shown.size()));
    }

    data::ListColumns columns() const {
        using data::to_column;
        data::ListColumns out;
        out.user = to_column(user);
        out.time = to_column(time);
        out.history_length = to_column(history_length);
        out.context = data::to_rows({}, user.size(), 0);
        out.offsets = to_column(offsets);
        out.items = to_column(items);
        out.scores = to_column(scores);
        out.labels = to_column(labels);
        out.shown = {to_column(shown_offsets), to_column(shown)};
        return out;
    }
};

inline data::Meta meta_of(const World& world, const LogSizes& sizes) {
    const WorldSettings& s = world.settings();
    data::Meta m;
    m.name = "world";
    m.users = static_cast<std::size_t>(sizes.all());
    m.items = world.items().size();
    for (std::size_t k = 0; k < Session::traits; ++k) {
        m.user_fields.push_back("trait" + std::to_string(k + 1));
        m.user_vocab.push_back(1 + Session::trait_levels);
    }
    m.user_fields.push_back("favourite");
    m.user_vocab.push_back(1 + s.topics);
    m.item_fields = {"topic", "style"};
    m.item_vocab = {1 + s.topics, 1 + s.styles};
    m.valid_from = World::time_of(static_cast<std::uint64_t>(sizes.train));
    m.test_from = World::time_of(static_cast<std::uint64_t>(sizes.train + sizes.valid));
    m.notes = {{"scores", "a noisy guess of quality that knows nothing of the user"},
               {"feedback", "1 = click"},
               {"world", to_text(s)}};
    return m;
}

}  // namespace detail

/// The truth of one logged request, computed again from its number.
inline Truth truth_of(const World& world, std::uint64_t index) {
    return detail::log_request(world, index, true).truth;
}

/// Logs of a world; `backend.parallel` shares out the work. Best lists are searched only where `with_best`.
/// `progress(done)` is called now and then with the number of lists made. Throws SettingError for sizes out of range.
template <class B>
Logs simulate(const B& backend, const World& world, const LogSizes& sizes, bool with_best = true,
              const std::function<void(int)>& progress = {}) {
    for (const int size : {sizes.train, sizes.valid, sizes.test}) {
        if (size < 0 || size > 100'000'000)
            throw SettingError("log sizes", "", std::to_string(size), "0 to 100000000 lists a split");
    }
    Logs out;
    data::Dataset& d = out.dataset;
    d.meta = detail::meta_of(world, sizes);
    std::vector<std::int32_t> user_fields, event_item, event_feedback, topics, styles;
    std::vector<std::int64_t> event_time, event_offsets{0}, one_each{0};
    for (const World::Item& item : world.items()) {
        topics.push_back(1 + item.topic);
        styles.push_back(1 + item.style);
        one_each.push_back(static_cast<std::int64_t>(topics.size()));
    }
    std::vector<detail::LoggedRequest> chunk;
    int next = 0;
    const auto split = [&](int size) {
        constexpr int largest_chunk = 512;
        detail::SplitColumns columns;
        for (const int end = next + size; next < end;) {
            const int count = (std::min)(largest_chunk, end - next);
            chunk.assign(static_cast<std::size_t>(count), {});
            backend.parallel(count, [&](int i) {
                chunk[static_cast<std::size_t>(i)] =
                    detail::log_request(world, static_cast<std::uint64_t>(next + i), with_best);
            });
            for (const detail::LoggedRequest& r : chunk) {
                const Session& s = r.session;
                columns.add(r, next++);
                user_fields.insert(user_fields.end(), s.user_fields.begin(), s.user_fields.end());
                event_item.insert(event_item.end(), s.history_items.begin(), s.history_items.end());
                event_time.insert(event_time.end(), s.history_times.begin(), s.history_times.end());
                event_feedback.insert(event_feedback.end(), s.history_feedback.begin(), s.history_feedback.end());
                event_offsets.push_back(static_cast<std::int64_t>(event_item.size()));
                out.truth.push_back(r.truth);
            }
            if (progress) progress(next);
        }
        return columns.columns();
    };
    d.train = split(sizes.train);
    d.valid = split(sizes.valid);
    d.test = split(sizes.test);
    d.user_fields = data::to_rows(user_fields, d.meta.users, Session::traits + 1);
    d.item_fields = {{data::to_column(one_each), data::to_column(topics)},
                     {data::to_column(one_each), data::to_column(styles)}};
    d.events = {data::to_column(event_offsets), data::to_column(event_time), data::to_column(event_item),
                data::to_column(event_feedback)};
    return out;
}

}  // namespace psad::simulator
