/// \file bootstrap.hpp
/// 95 % percentile intervals by resampling lists, the same on every platform.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/rng.hpp"

namespace psad::inline PSAD_ABI::eval {

/// A mean over lists and where it lies with 95 % confidence.
struct Interval {
    double value, low, high;
};

/// Draws lists: SplitMix64, two from each output. The standard distributions differ
/// between platforms, this does not.
class ResamplePositions {
  public:
    /// Positions below `lists`, which must be below 2^32: the bias of scaling is then at most lists / 2^32.
    ResamplePositions(std::uint64_t seed, std::size_t lists) : state_(seed), lists_(lists) {}

    struct Pair {
        std::size_t first, second;
    };

    Pair next() noexcept {
        const std::uint64_t z = rng::mix(state_);
        state_ += 0x9e3779b97f4a7c15U;
        return {scaled(z >> 32), scaled(z & 0xffffffffU)};
    }

  private:
    std::size_t scaled(std::uint64_t half) const noexcept { return static_cast<std::size_t>((half * lists_) >> 32); }

    std::uint64_t state_, lists_;
};

inline constexpr std::uint64_t default_bootstrap_seed = 20'090'913;

/// The mean over lists with its 95 % percentile interval. Equal seeds and sizes draw equal resamples,
/// whatever the metric. No lists give NaN throughout; lists without a value (NaN) must be left out before.
/// \throws SettingError if resamples < 1
inline Interval bootstrap_mean(std::span<const double> per_list, int resamples = 1000,
                               std::uint64_t seed = default_bootstrap_seed) {
    if (resamples < 1) throw SettingError("resamples", "", std::to_string(resamples), "1 or more");
    if (per_list.empty()) {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        return {none, none, none};
    }
    const std::size_t lists = per_list.size();
    const auto count = static_cast<double>(lists);
    double total = 0;
    for (const double value : per_list) total += value;

    ResamplePositions positions(seed, lists);
    std::vector<double> means(static_cast<std::size_t>(resamples));
    for (double& mean : means) {
        double first = 0, second = 0;
        for (std::size_t i = 0; i + 1 < lists; i += 2) {
            const auto pair = positions.next();
            first += per_list[pair.first];
            second += per_list[pair.second];
        }
        if (lists % 2 == 1) first += per_list[positions.next().first];
        mean = (first + second) / count;
    }
    // Order statistics, without interpolation: a fused multiply-add would differ between machines.
    std::sort(means.begin(), means.end());
    const std::size_t tail = means.size() / 40;
    return {total / count, means[tail], means[means.size() - 1 - tail]};
}

/// A statistic of sums over lists, such as a ratio, with its 95 % percentile interval. `rows` [lists, width] holds what
/// each list adds to the sums; statistic(sums) takes a span of `width` sums over as many lists as there are. NaN
/// throughout without lists.
/// \throws SettingError if resamples < 1
template <class Statistic>
Interval bootstrap_of_sums(std::span<const double> rows, std::size_t width, Statistic statistic, int resamples = 1000,
                           std::uint64_t seed = default_bootstrap_seed) {
    if (resamples < 1) throw SettingError("resamples", "", std::to_string(resamples), "1 or more");
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (rows.empty()) return {none, none, none};
    const std::size_t lists = rows.size() / width;
    std::vector<double> sums(width), drawn(static_cast<std::size_t>(resamples));
    const auto add = [&](std::size_t list) {
        for (std::size_t c = 0; c < width; ++c) sums[c] += rows[list * width + c];
    };
    ResamplePositions positions(seed, lists);
    for (double& value : drawn) {
        std::ranges::fill(sums, 0.0);
        for (std::size_t l = 0; l < lists; l += 2) {
            const auto pair = positions.next();
            add(pair.first);
            if (l + 1 < lists) add(pair.second);
        }
        value = statistic(std::span<const double>(sums));
    }
    std::ranges::fill(sums, 0.0);
    for (std::size_t l = 0; l < lists; ++l) add(l);
    const double value = statistic(std::span<const double>(sums));
    std::erase_if(drawn, [](double x) { return x != x; });
    if (drawn.empty()) return {value, none, none};
    std::ranges::sort(drawn);
    const std::size_t tail = drawn.size() / 40;
    return {value, drawn[tail], drawn[drawn.size() - 1 - tail]};
}

/// bootstrap_mean() of a - b, list by list: the lists of a and b must be the same in the same order.
/// \throws SettingError if the sizes differ or resamples < 1
inline Interval paired_difference(std::span<const double> a, std::span<const double> b, int resamples = 1000,
                                  std::uint64_t seed = default_bootstrap_seed) {
    if (a.size() != b.size()) {
        throw SettingError("paired_difference", "", std::to_string(b.size()) + " lists in b",
                           std::to_string(a.size()) + ", as many as in a");
    }
    std::vector<double> difference(a.size());
    std::transform(a.begin(), a.end(), b.begin(), difference.begin(), [](double x, double y) { return x - y; });
    return bootstrap_mean(difference, resamples, seed);
}

}  // namespace psad::eval
