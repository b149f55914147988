/// \file world.hpp
/// A world of users and items whose truth is known (docs/world.md). Everything is a function of the seed and
/// the number of the request: the same bits in any order, on any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/rng.hpp"
#include "psad/features/request.hpp"
#include "psad/simulator/list_utility.hpp"
#include "psad/simulator/world_settings.hpp"

namespace psad::inline PSAD_ABI::simulator {

inline constexpr int dimension = 16;
using Vector = std::array<double, dimension>;

namespace detail {

inline double dot(const Vector& a, const Vector& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}
/// a + weight b
inline Vector add(Vector a, double weight, const Vector& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += weight * b[i];
    return a;
}
/// Length 1; the zero vector stays.
inline Vector unit(Vector a) {
    const double length = std::sqrt(dot(a, a));
    for (double& x : a) x = length > 0 ? x / length : 0;
    return a;
}
inline Vector gaussian(rng::Stream& draw) {
    Vector out;
    for (double& x : out) x = draw.normal();
    return out;
}

}  // namespace detail

/// One request: what a log shows of it, and what only the world knows.
struct Session {
    static constexpr std::size_t traits = 4;
    static constexpr int trait_levels = 8;

    std::array<std::int32_t, traits + 1> user_fields{};  ///< 1 + level of each trait, 1 + favourite topic
    std::int64_t time = 0;                               ///< unix seconds
    std::vector<std::int32_t> history_items;
    std::vector<std::int64_t> history_times;     ///< ascending, before `time`
    std::vector<std::int32_t> history_feedback;  ///< all 1
    std::vector<std::int32_t> items;             ///< candidates in initial order: best score first
    std::vector<float> scores;                   ///< a noisy guess of quality that knows nothing of the user

    double fading = 0;            ///< lambda, per day: hidden, as all that follows
    double variety = 0;           ///< gamma, the preference for diversity
    Vector long_term_interest{};  ///< theta
    Vector current_interest{};    ///< of the moment
    ListUtility utility{{}, {}};

    /// The request that a model is given; valid as long as the session does not change.
    Request request() const {
        Request r;
        r.user_fields = user_fields;
        r.time = time;
        r.history_items = history_items;
        r.history_times = history_times;
        r.history_feedback = history_feedback;
        r.items = items;
        r.scores = scores;
        return r;
    }
};

class World {
  public:
    /// Throws SettingError for settings out of range.
    explicit World(const WorldSettings& settings) : settings_(settings) {
        check(settings);
        const std::uint64_t key = rng::derive(settings.seed, 0x1D1E);
        rng::Stream draw(key);
        for (int z = 0; z < settings.topics; ++z) centers_.push_back(detail::unit(detail::gaussian(draw)));
        for (int s = 0; s < settings.styles; ++s) styles_.push_back(detail::unit(detail::gaussian(draw)));
        for (int i = 0; i < settings.items; ++i) {
            const auto topic = static_cast<int>(draw.below(static_cast<std::uint32_t>(settings.topics)));
            const auto style = static_cast<int>(draw.below(static_cast<std::uint32_t>(settings.styles)));
            const Vector like_others = detail::add(centers_[static_cast<std::size_t>(topic)], style_weight,
                                                   styles_[static_cast<std::size_t>(style)]);
            items_.push_back({topic, style, near(like_others, item_spread, draw), 0.3 * draw.normal()});
            of_topic_.resize(centers_.size());
            of_topic_[static_cast<std::size_t>(topic)].push_back(i);
        }
        for (auto& members : of_topic_) {  // no topic without an item
            if (members.empty()) members.push_back(0);
        }
    }

    struct Item {
        int topic, style;  ///< visible
        Vector vector;
        double quality;
    };

    const WorldSettings& settings() const { return settings_; }
    const std::vector<Item>& items() const { return items_; }

    /// Whether an item of topic `z` complements one of topic `before`.
    bool complements(int z, int before) const { return z == (before + 1) % settings_.topics; }

    /// When request number `index` is made: later than all before it.
    static std::int64_t time_of(std::uint64_t index) {
        return first_time + static_cast<std::int64_t>(index) * seconds_between;
    }

    /// Request number `index`.
    Session session(std::uint64_t index) const {
        rng::Stream draw(rng::derive(rng::derive(settings_.seed, 0x5E55), index));
        Session s;
        s.time = time_of(index);
        std::array<double, Session::traits> x{};
        for (std::size_t k = 0; k < x.size(); ++k) {
            const auto level = static_cast<std::int32_t>(draw.below(Session::trait_levels));
            s.user_fields[k] = 1 + level;
            x[k] = 2.0 * level / (Session::trait_levels - 1) - 1;
        }
        s.fading = (std::min)(1.0, (std::max)(1.0 / 30, 0.18 * std::exp(1.4 * x[0] - 1.0 * x[1] + 0.4 * x[2])));
        s.variety = settings_.variety * softplus(1.0 + 0.9 * x[3] - 0.5 * x[0]) / mean_variety;
        const int favourite = topic(draw);
        s.user_fields[Session::traits] = 1 + favourite;
        s.long_term_interest = near(centers_[static_cast<std::size_t>(favourite)], interest_spread, draw);
        const int today = add_history(s, favourite, draw);

        s.current_interest = current_interest(s, s.fading);
        add_candidates(s, favourite, today, draw);
        s.utility = utility(s, s.current_interest);
        return s;
    }

    /// The current interest of a user whose history decays at a rate per day: 0 = not at all.
    Vector current_interest(const Session& s, double fading) const {
        Vector recent{};
        for (std::size_t h = 0; h < s.history_items.size(); ++h) {
            const double days = static_cast<double>(s.time - s.history_times[h]) / day;
            recent = detail::add(recent, std::exp(-fading * days), item(s.history_items[h]).vector);
        }
        return detail::unit(detail::add(detail::add({}, 0.3, s.long_term_interest), 0.7, detail::unit(recent)));
    }

    /// The utility of lists of the session's candidates for a user of the given interest.
    ListUtility utility(const Session& s, const Vector& interest) const {
        const std::size_t n = s.items.size();
        std::vector<double> appeal(n);
        Interaction between{std::vector<float>(n * n), std::vector<float>(n * n), s.variety, settings_.complement,
                            settings_.window};
        for (std::size_t i = 0; i < n; ++i) {
            const Item& a = item(s.items[i]);
            appeal[i] = base + interest_weight * detail::dot(interest, a.vector) + a.quality;
            for (std::size_t j = 0; j < n; ++j) {
                const Item& b = item(s.items[j]);
                between.similarity[i * n + j] = static_cast<float>((std::max)(0.0, detail::dot(a.vector, b.vector)));
                between.follows[i * n + j] = complements(a.topic, b.topic) ? 1.0f : 0.0f;
            }
        }
        return {std::move(appeal), std::move(between)};
    }

  private:
    static constexpr double day = 86400;
    static constexpr std::int64_t first_time = 1'700'000'000;
    static constexpr std::int64_t seconds_between = 30;
    static constexpr double style_weight = 1.0;     ///< of an item's style beside its topic
    static constexpr double item_spread = 0.3;      ///< length of an item's own offset
    static constexpr double interest_spread = 0.6;  ///< and of a long-term interest from its topic
    static constexpr double mean_variety = 1.36;    ///< of softplus(...) over the traits
    static constexpr double base = -2.2, interest_weight = 4.5;

    static double softplus(double x) { return std::log1p(std::exp(x)); }
    const Item& item(std::int32_t id) const { return items_[static_cast<std::size_t>(id)]; }
    int topic(rng::Stream& draw) const {
        return static_cast<int>(draw.below(static_cast<std::uint32_t>(settings_.topics)));
    }
    static Vector near(const Vector& center, double spread, rng::Stream& draw) {
        return detail::unit(detail::add(center, spread, detail::unit(detail::gaussian(draw))));
    }
    std::int32_t from_topic(int topic, rng::Stream& draw) const {
        const auto& members = of_topic_[static_cast<std::size_t>(topic)];
        return members[draw.below(static_cast<std::uint32_t>(members.size()))];
    }

    /// Events over 90 days; the topic of the moment switches at rate lambda / 2, a fifth is noise. Returns
    /// the topic of the moment at the request.
    int add_history(Session& s, int favourite, rng::Stream& draw) const {
        const std::size_t events =
            draw.uniform() < 0.1 ? 0 : static_cast<std::size_t>(std::exp(draw.uniform() * std::log(80.0)));
        std::vector<double> days_before(events);
        for (double& d : days_before) d = 90 * draw.uniform();
        std::sort(days_before.begin(), days_before.end(), std::greater<>());
        int now = draw.uniform() < 0.5 ? favourite : topic(draw);
        double last = 90;
        const auto pass = [&](double days) {
            if (draw.uniform() >= std::exp(-s.fading / 2 * days)) now = topic(draw);
        };
        for (const double d : days_before) {
            pass(last - d);
            last = d;
            const int of = draw.uniform() < 0.2 ? topic(draw) : now;
            s.history_items.push_back(from_topic(of, draw));
            s.history_feedback.push_back(1);
            s.history_times.push_back(s.time - 1 - static_cast<std::int64_t>(d * day));
        }
        pass(last);
        return now;
    }

    /// Mostly of four topics, so that lists can be too much of one thing: today's, the user's favourite and
    /// what complements them.
    void add_candidates(Session& s, int favourite, int today, rng::Stream& draw) const {
        const std::array<int, 4> topics{today, (today + 1) % settings_.topics, favourite,
                                        (favourite + 1) % settings_.topics};
        std::vector<std::pair<float, std::int32_t>> found;
        while (found.size() < static_cast<std::size_t>(settings_.candidates)) {
            const std::uint32_t which = draw.below(8);
            const std::int32_t id = from_topic(which < 4 ? topics[which] : topic(draw), draw);
            const auto same = [&](const auto& f) { return f.second == id; };
            if (std::any_of(found.begin(), found.end(), same)) continue;
            found.emplace_back(static_cast<float>(item(id).quality + 0.3 * draw.normal()), id);
        }
        std::sort(found.begin(), found.end(), std::greater<>());
        for (const auto& [score, id] : found) {
            s.scores.push_back(score);
            s.items.push_back(id);
        }
    }

    WorldSettings settings_;
    std::vector<Vector> centers_, styles_;
    std::vector<Item> items_;
    std::vector<std::vector<std::int32_t>> of_topic_;
};

}  // namespace psad::simulator
