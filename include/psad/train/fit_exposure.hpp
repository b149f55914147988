/// \file fit_exposure.hpp
/// How a page changes feedback, estimated from lists as they were shown.
///
/// A conditional logit (McFadden 1974) explains the share of a list's gain that each shown candidate has: by what is
/// known of it whatever its place (dense features, matches with the history, the rate of its item in other lists), by
/// its position, and by candidates with the same value of an item field shortly above. Both last parts are the page's
/// doing. Where a ranker knew more than these inputs do, a part of its knowledge counts as position.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "psad/features/encoder.hpp"
#include "psad/features/exposure.hpp"
#include "psad/train/settings.hpp"
#include "psad/train/symmetric_system.hpp"

namespace psad::inline PSAD_ABI::train {

namespace exposure_detail {

/// The logarithm of how much of its lists' gains each item has, against the mean of all items.
class ItemRates {
  public:
    explicit ItemRates(std::span<const Request> requests) {
        for (const Request& r : requests) {
            for_each_share(r, [&](std::size_t item, double share) {
                if (item >= shown_.size()) shown_.resize(item + 1), share_.resize(item + 1);
                ++shown_[item], ++all_shown_;
                share_[item] += share, all_share_ += share;
            });
        }
    }

    /// Of the other lists: without the candidate's own share.
    double without(const Request& r, std::size_t candidate, double own_share) const {
        constexpr double prior = 20;  // showings at the mean rate
        const double mean = all_share_ / all_shown_;
        if (r.items[candidate] < 0) return 0;
        const auto item = static_cast<std::size_t>(r.items[candidate]);
        return std::log((share_[item] - own_share + prior * mean) / (shown_[item] - 1 + prior) / mean);
    }

  private:
    template <class F>
    static void for_each_share(const Request& r, F f) {
        const ShownList shown(r);
        double gains = 0;
        for (std::size_t p = 0; p < shown.size(); ++p) gains += static_cast<double>(r.gain(shown[p]));
        for (std::size_t p = 0; p < shown.size() && gains > 0; ++p) {
            if (r.items[shown[p]] >= 0)
                f(static_cast<std::size_t>(r.items[shown[p]]), static_cast<double>(r.gain(shown[p])) / gains);
        }
    }

    std::vector<double> shown_, share_;
    double all_shown_ = 0, all_share_ = 0;
};

/// The positions between which the effect is linear, up to the last one.
inline std::vector<std::size_t> knots(std::size_t last) {
    std::vector<std::size_t> out;
    for (std::size_t knot = 1, step = 1; knot < last; knot += step) {
        out.push_back(knot);
        if (knot >= 4 * step) step *= 2;
    }
    if (last > 0) out.push_back(last);
    return out;
}

/// The explaining numbers of the shown candidates of a list, one row each: inputs, then position, then neighbours.
class Design {
  public:
    Design(const Encoder& encoder, std::span<const Request> requests)
        : encoder_(encoder), rates_(requests), dense_(encoder.candidates().unordered_columns()) {
        std::size_t longest = 1;
        for (const Request& r : requests) longest = (std::max)(longest, ShownList(r).size());
        knots_ = knots(longest - 1);
        for (std::size_t f = 0; f < encoder.schema().item_fields.size(); ++f) {
            if (encoder.schema().item_fields[f].vocabulary < 1 << 24) fields_.push_back(f);  // as a float tells apart
        }
        inputs_ = dense_.size() + static_cast<std::size_t>(encoder.input_sizes().match_columns) + 1;
    }

    std::size_t width() const { return inputs_ + knots_.size() + fields_.size() * Exposure::reach; }
    /// By what the square of each coefficient is multiplied: the less data, the nearer to no effect.
    std::vector<double> ridge() const {
        std::vector<double> out(width(), 1.0);
        std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(inputs_), knots_.size(), 10.0);
        return out;
    }

    /// One list, its rows into `x`, the shares of its gain into `share`. False where nothing can be learned of it.
    struct Rows {
        std::vector<double> x, share;
    };
    bool read(const Request& r, Batch<float>& scratch, Rows& out) const {
        const ShownList shown(r);
        double gains = 0;
        for (std::size_t p = 0; p < shown.size(); ++p) gains += static_cast<double>(r.gain(shown[p]));
        if (shown.size() < 2 || !(gains > 0)) return false;
        encoder_.encode({&r, 1}, 1, scratch);
        out.x.clear(), out.share.clear();
        for (std::size_t p = 0; p < shown.size(); ++p) {
            out.share.push_back(static_cast<double>(r.gain(shown[p])) / gains);
            add_inputs(r, shown[p], out.share.back(), scratch, out.x);
            for (std::size_t k = 0; k < knots_.size(); ++k) out.x.push_back(passed(k, p));
            for (const std::size_t f : fields_) {
                const std::int32_t value = only_value(encoder_.catalog(), r, shown[p], f);
                for (std::size_t above = 1; above <= Exposure::reach; ++above) {
                    const bool alike =
                        value != 0 && above <= p && value == only_value(encoder_.catalog(), r, shown[p - above], f);
                    out.x.push_back(alike ? 1.0 : 0.0);
                }
            }
        }
        return true;
    }

    /// The effects that coefficients say, of which `deviations` are the standard errors. A neighbour counts where it
    /// takes something off beyond doubt (three standard errors): what is liked for a reason that no input tells stands
    /// beside its like too, so an effect that is none, or adds, may be that.
    Exposure effects(std::span<const double> coefficients, std::span<const double> deviations) const {
        Exposure out;
        const std::size_t positions = knots_.empty() ? 1 : knots_.back() + 1;
        for (std::size_t p = 0; p < positions; ++p) {
            double sum = 0;
            for (std::size_t k = 0; k < knots_.size(); ++k) sum += coefficients[inputs_ + k] * passed(k, p);
            out.position.push_back(static_cast<float>(sum));
        }
        std::size_t at = inputs_ + knots_.size();
        std::vector<float> neighbours(encoder_.schema().item_fields.size() * Exposure::reach);
        bool some = false;
        for (const std::size_t f : fields_) {
            for (std::size_t k = 0; k < Exposure::reach; ++k, ++at) {
                if (coefficients[at] + 3 * deviations[at] >= 0) continue;
                neighbours[f * Exposure::reach + k] = static_cast<float>(coefficients[at]);
                some = true;
            }
        }
        if (some) out.neighbours = std::move(neighbours);
        return out;
    }

  private:
    void add_inputs(const Request& r, std::size_t candidate, double share, const Batch<float>& encoded,
                    std::vector<double>& to) const {
        const auto add = [&](const FeatureTable<float>& table, std::size_t column) {
            to.push_back(
                static_cast<double>(table.numbers[candidate * static_cast<std::size_t>(table.columns) + column]));
        };
        for (const std::size_t c : dense_) add(encoded.dense, c);
        for (std::size_t c = 0; c < static_cast<std::size_t>(encoded.match_dense.columns); ++c)
            add(encoded.match_dense, c);
        to.push_back(rates_.without(r, candidate, share));
    }

    /// How much of the way between knot k - 1 and knot k lies above a position.
    double passed(std::size_t k, std::size_t position) const {
        const auto from = static_cast<double>(k == 0 ? 0 : knots_[k - 1]), to = static_cast<double>(knots_[k]);
        return std::clamp((static_cast<double>(position) - from) / (to - from), 0.0, 1.0);
    }

    const Encoder& encoder_;
    ItemRates rates_;
    std::vector<std::size_t> dense_, knots_, fields_;
    std::size_t inputs_ = 0;
};

/// The log-likelihood of some lists and its derivatives.
struct Likelihood {
    double value = 0;
    std::vector<double> slope, curvature;  ///< [width], [width, width] lower half, of minus the second derivatives

    explicit Likelihood(std::size_t width) : slope(width), curvature(width * width) {}

    void add(const Design::Rows& list, double weight, std::span<const double> coefficients) {
        const std::size_t width = slope.size(), rows = list.share.size();
        std::vector<double> p(rows), mean(width);
        double largest = -INFINITY, sum = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            p[i] = std::inner_product(coefficients.begin(), coefficients.end(), list.x.data() + i * width, 0.0);
            largest = (std::max)(largest, p[i]);
        }
        for (double& s : p) sum += std::exp(s - largest);
        for (std::size_t i = 0; i < rows; ++i) {
            const double* const x = list.x.data() + i * width;
            value += weight * list.share[i] * (p[i] - largest - std::log(sum));
            p[i] = std::exp(p[i] - largest) / sum;
            for (std::size_t c = 0; c < width; ++c) {
                slope[c] += weight * (list.share[i] - p[i]) * x[c];
                mean[c] += p[i] * x[c];
            }
            add_product(x, weight * p[i]);
        }
        add_product(mean.data(), -weight);
    }
    void add(const Likelihood& other) {
        value += other.value;
        std::ranges::transform(slope, other.slope, slope.begin(), std::plus<>{});
        std::ranges::transform(curvature, other.curvature, curvature.begin(), std::plus<>{});
    }
    /// Less half of the ridge times the squares of the coefficients.
    void add_ridge(std::span<const double> ridge, std::span<const double> coefficients) {
        for (std::size_t c = 0; c < slope.size(); ++c) {
            value -= ridge[c] / 2 * coefficients[c] * coefficients[c];
            slope[c] -= ridge[c] * coefficients[c];
            curvature[c * slope.size() + c] += ridge[c];
        }
    }

  private:
    void add_product(const double* x, double times) {
        for (std::size_t i = 0; i < slope.size(); ++i) {
            double* const row = curvature.data() + i * slope.size();
            const double by = times * x[i];
            if (by == 0) continue;
            for (std::size_t j = 0; j <= i; ++j) row[j] += by * x[j];
        }
    }
};

/// Of all lists, on the threads of the backend; parts of a fixed number are added in a fixed order.
template <class B>
Likelihood likelihood(const B& backend, const Design& design, std::span<const Request> requests, std::size_t step,
                      double mean_weight, std::span<const double> coefficients) {
    constexpr std::size_t parts = 16;
    std::vector<Likelihood> part(parts, Likelihood(design.width()));
    backend.parallel(static_cast<int>(parts), [&](int k) {
        Batch<float> scratch;
        Design::Rows rows;
        for (std::size_t i = static_cast<std::size_t>(k) * step; i < requests.size(); i += parts * step) {
            if (design.read(requests[i], scratch, rows))
                part[static_cast<std::size_t>(k)].add(rows, static_cast<double>(requests[i].weight) / mean_weight,
                                                      coefficients);
        }
    });
    for (std::size_t k = 1; k < parts; ++k) part[0].add(part[k]);
    return std::move(part[0]);
}

}  // namespace exposure_detail

/// Estimates the effects of a page by Newton's method, on up to 10,000 of the lists, fewer where inputs are many.
/// Nothing where no list has a positive among others.
template <class B>
Exposure fit_exposure(const B& backend, const Encoder& encoder, std::span<const Request> requests) {
    using namespace exposure_detail;
    const Design design(encoder, requests);
    double weight = 0, candidates = 0;
    for (const Request& r : requests)
        weight += static_cast<double>(r.weight), candidates += static_cast<double>(r.size());
    const auto lists = static_cast<double>(requests.size());
    if (!(weight > 0)) return {};
    const auto width = static_cast<double>(design.width());
    const double most = (std::min)(10'000.0, 4e9 / (width * width) / (candidates / lists));
    const auto step = static_cast<std::size_t>(std::ceil(lists / (std::max)(most, 1.0)));
    const std::vector<double> ridge = design.ridge();
    const auto at = [&](std::span<const double> coefficients) {
        Likelihood out = likelihood(backend, design, requests, step, weight / lists, coefficients);
        if (out.value < 0) out.add_ridge(ridge, coefficients);
        return out;
    };
    std::vector<double> coefficients(design.width());
    Likelihood now = at(coefficients);
    if (!(now.value < 0)) return {};
    for (int steps = 0; steps < 20; ++steps) {
        const std::vector<double> way = SymmetricSystem(now.curvature, design.width()).solve(now.slope);
        double length = 1, gained = 0;
        for (; length > 1e-3; length /= 2) {
            std::vector<double> next = coefficients;
            for (std::size_t c = 0; c < next.size(); ++c) next[c] += length * way[c];
            Likelihood there = at(next);
            gained = there.value - now.value;
            if (!(gained > 0)) continue;
            coefficients = std::move(next), now = std::move(there);
            break;
        }
        if (!(gained > 1e-3)) break;
    }
    return design.effects(coefficients, SymmetricSystem(now.curvature, design.width()).inverse_deviations());
}

/// What settings ask for of it: nothing where some lists bring propensities.
template <class B>
Exposure learned_exposure(const B& backend, const Encoder& encoder, std::span<const Request> requests,
                          const Settings& settings) {
    const bool wanted = settings.position_effects == 1 || settings.neighbour_effects == 1;
    if (!wanted || std::ranges::any_of(requests, [](const Request& r) { return !r.propensities.empty(); })) return {};
    Exposure out = fit_exposure(backend, encoder, requests);
    if (settings.position_effects == 0 && !out.empty()) out.position = {0};
    if (settings.neighbour_effects == 0) out.neighbours.clear();
    return out;
}

}  // namespace psad::train
