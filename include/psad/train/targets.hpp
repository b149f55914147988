/// \file targets.hpp
/// The teacher's target (docs/method.md): a list to follow, a distribution over candidates per position, and a weight
/// per position.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "psad/core/rng.hpp"
#include "psad/features/request.hpp"
#include "psad/model/policy.hpp"

namespace psad::inline PSAD_ABI {

/// The weight of position t, from 0: the discount of NDCG.
inline double position_weight(int t) {
    return 1.0 / std::log2(t + 2.0);
}

namespace target {
struct kind_tag : policy_kind {};

/// Calls take(position) in shown order, then for the candidates that were not shown.
template <class Take>
void for_each_shown(const Request& r, Take&& take) {
    for (const std::int32_t i : r.shown) take(static_cast<int>(i));
    for (std::size_t i = 0; i < r.size(); ++i) {
        const auto position = static_cast<std::int32_t>(i);
        if (std::find(r.shown.begin(), r.shown.end(), position) == r.shown.end()) take(position);
    }
}
namespace detail {
inline float gain(const Request& r, int candidate) {
    return r.gain(static_cast<std::size_t>(candidate));
}
/// Appends the positions with or without a gain, in shown order.
inline void append(const Request& r, bool positive, std::vector<int>& order) {
    for_each_shown(r, [&](int i) {
        if ((r.gain(static_cast<std::size_t>(i)) > 0) == positive) order.push_back(i);
    });
}
/// The target of position t is what stands there.
template <class T>
void follow(const std::vector<int>& order, int positions, std::size_t n, T* target) {
    for (int t = 0; t < positions; ++t) {
        target[static_cast<std::size_t>(t) * n + static_cast<std::size_t>(order[static_cast<std::size_t>(t)])] = T(1);
    }
}
}  // namespace detail

// Each policy fills `order` (all n positions), `target` ([positions, n], zeroed by the caller) and `weight`
// ([positions], position_weight(t) on entry). `key` is fresh for every list and step.

/// In proportion to the gains that are left; the list that is followed holds the non-positives (Seq2Slate's set target)
/// in a random order, so that no position learns to lean on what was shown above.
struct Set {
    using kind = kind_tag;
    static constexpr const char* name = "set target";

    template <class T>
    static void build(const Request& r, int positions, std::uint64_t key, std::vector<int>& order, T* target,
                      T* weight) {
        const std::size_t n = r.size();
        detail::append(r, false, order);
        const std::size_t negatives = order.size();
        rng::shuffle(order, key);
        detail::append(r, true, order);
        for (int t = 0; t < positions; ++t) {
            const std::size_t first = (std::max)(negatives, static_cast<std::size_t>(t));  // positives still free
            if (first >= n) weight[t] = T(0);
            T left = 0;
            for (std::size_t j = first; j < n; ++j) left += static_cast<T>(detail::gain(r, order[j]));
            for (std::size_t j = first; j < n; ++j) {
                target[static_cast<std::size_t>(t) * n + static_cast<std::size_t>(order[j])] =
                    static_cast<T>(detail::gain(r, order[j])) / left;
            }
        }
    }
};

/// The positives, greater gains first and equal ones in shown order, then the rest.
struct PositivesFirst {
    using kind = kind_tag;
    static constexpr const char* name = "positives first";

    template <class T>
    static void build(const Request& r, int positions, std::uint64_t, std::vector<int>& order, T* target, T*) {
        detail::append(r, true, order);
        std::ranges::stable_sort(order, std::ranges::greater(), [&](int i) { return detail::gain(r, i); });
        detail::append(r, false, order);
        detail::follow(order, positions, r.size(), target);
    }
};

/// The list as it was shown: for logs of a good ranker.
struct Exposure {
    using kind = kind_tag;
    static constexpr const char* name = "exposure";

    template <class T>
    static void build(const Request& r, int positions, std::uint64_t, std::vector<int>& order, T* target, T* weight) {
        for_each_shown(r, [&](int i) { order.push_back(i); });
        const int shown = r.shown.empty() ? positions : (std::min)(positions, static_cast<int>(r.shown.size()));
        detail::follow(order, shown, r.size(), target);
        for (int t = shown; t < positions; ++t) weight[t] = T(0);  // nothing was shown there
    }
};

/// Exposure where the log says what was shown, else the set target: for a comparison over logs of both kinds.
struct ShownOrSet {
    using kind = kind_tag;
    static constexpr const char* name = "shown, or set target";

    template <class T>
    static void build(const Request& r, int positions, std::uint64_t key, std::vector<int>& order, T* target,
                      T* weight) {
        if (r.shown.empty())
            Set::build(r, positions, key, order, target, weight);
        else
            Exposure::build(r, positions, key, order, target, weight);
    }
};

/// The list as it was shown, its positives counting four times.
struct ClickWeightedExposure {
    using kind = kind_tag;
    static constexpr const char* name = "click-weighted exposure";

    template <class T>
    static void build(const Request& r, int positions, std::uint64_t key, std::vector<int>& order, T* target,
                      T* weight) {
        Exposure::build(r, positions, key, order, target, weight);
        for (int t = 0; t < positions; ++t) {
            if (detail::gain(r, order[static_cast<std::size_t>(t)]) > 0) weight[t] *= T(4);
        }
    }
};

}  // namespace target
}  // namespace psad
