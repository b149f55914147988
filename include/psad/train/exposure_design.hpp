/// \file exposure_design.hpp
/// What may explain which candidates of a page had feedback: the numbers that fit_exposure is fitted to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "psad/features/encoder.hpp"
#include "psad/features/exposure.hpp"

namespace psad::inline PSAD_ABI::train::exposure_detail {

/// The sum of the gains of what was shown.
inline double shown_gains(const Request& r) {
    double out = 0;
    for (const std::int32_t i : r.shown) out += static_cast<double>(r.gain(static_cast<std::size_t>(i)));
    return out;
}

/// The logarithm of the share of its lists' gains that a value (an item, a brand) has, against the mean of all.
class Rates {
  public:
    void add(std::int32_t value, double share) {
        auto& [shown, sum] = of_value_[value];
        ++shown, sum += share, ++shown_, share_ += share;
    }
    /// Of the other showings: without one of that share. 0, as of the mean, for a value that was never shown.
    double without(std::int32_t value, double share) const {
        constexpr double prior = 20;  // showings at the mean rate
        const auto found = of_value_.find(value);
        if (found == of_value_.end() || !(share_ > 0)) return 0;
        const double mean = share_ / shown_;
        return std::log((found->second.second - share + prior * mean) / (found->second.first - 1 + prior) / mean);
    }

  private:
    std::unordered_map<std::int32_t, std::pair<double, double>> of_value_;  ///< showings, sum of shares
    double shown_ = 0, share_ = 0;
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

/// Rows of explaining numbers, one for each shown candidate: inputs, then position, then neighbours. Inputs are dense
/// features (at most 64 of them, those that go with gains most), matches with the history, and the rates of the item
/// and of each of its values in other lists.
class Design {
  public:
    /// All of `requests` were shown, and have a positive among others.
    Design(const Encoder& encoder, std::span<const Request* const> requests)
        : encoder_(encoder), dense_(encoder.candidates().unordered_columns()) {
        const auto& fields = encoder.schema().item_fields;
        std::vector<double> alike(fields.size());
        of_field_.resize(fields.size());
        std::size_t longest = 1;
        double pairs = 0;
        for (const Request* r : requests) {
            const std::size_t n = r->shown.size();
            const double gains = shown_gains(*r);
            longest = (std::max)(longest, n);
            for (std::size_t p = 0; p < n; ++p) {
                const double share = share_of(*r, p, gains);
                if (item(*r, p) >= 0) of_item_.add(item(*r, p), share);
                for (std::size_t f = 0; f < fields.size(); ++f) {
                    if (const std::int32_t v = value(*r, p, f); v != 0) of_field_[f].add(v, share);
                    alike[f] += p > 0 && value(*r, p, f) != 0 && value(*r, p, f) == value(*r, p - 1, f) ? 1 : 0;
                }
            }
            pairs += static_cast<double>(n - 1);
        }
        knots_ = knots(longest - 1);
        for (std::size_t f = 0; f < fields.size() && fields_.size() < most_fields; ++f) {
            // As a float a value tells apart; where nearly all are alike, neighbours are only positions once more.
            if (fields[f].vocabulary < 1 << 24 && alike[f] > 0 && alike[f] < 0.98 * pairs) fields_.push_back(f);
        }
        for (const std::size_t f : fields_) {
            for (std::size_t above = 1; above <= Exposure::reach; ++above) neighbours_.push_back({f, above});
        }
        if (dense_.size() > most_dense) screen(requests);
    }

    std::size_t width() const {
        return dense_.size() + static_cast<std::size_t>(encoder_.input_sizes().match_columns) + 1 + fields_.size() +
               knots_.size() + neighbours_.size();
    }
    /// By what the square of each coefficient is multiplied: the less data, the nearer to no effect.
    std::vector<double> ridge() const {
        std::vector<double> out(width(), 1.0);
        std::fill(out.end() - static_cast<std::ptrdiff_t>(neighbours_.size() + knots_.size()), out.end(), 10.0);
        return out;
    }

    struct Rows {
        std::vector<double> x, share;  ///< [rows, width], [rows] of the list's gain
    };
    void read(const Request& r, Batch<float>& scratch, Rows& out) const {
        encoder_.encode({&r, 1}, 1, scratch);
        const double gains = shown_gains(r);
        out.x.clear(), out.share.clear();
        for (std::size_t p = 0; p < r.shown.size(); ++p) {
            const double share = share_of(r, p, gains);
            out.share.push_back(share);
            const auto candidate = static_cast<std::size_t>(r.shown[p]);
            for (const std::size_t c : dense_) out.x.push_back(number(scratch.dense, candidate, c));
            for (std::size_t c = 0; c < static_cast<std::size_t>(scratch.match_dense.columns); ++c)
                out.x.push_back(number(scratch.match_dense, candidate, c));
            out.x.push_back(of_item_.without(item(r, p), share));
            for (const std::size_t f : fields_) out.x.push_back(of_field_[f].without(value(r, p, f), share));
            for (std::size_t k = 0; k < knots_.size(); ++k) out.x.push_back(passed(k, p));
            for (const auto& [field, above] : neighbours_) {
                const bool alike =
                    above <= p && value(r, p, field) != 0 && value(r, p, field) == value(r, p - above, field);
                out.x.push_back(alike ? 1.0 : 0.0);
            }
        }
    }

    /// Leaves those neighbours alone, and their coefficients, that take something off beyond doubt, by three standard
    /// errors. What is liked for a reason that no input tells stands beside its like too, so an effect that is none, or
    /// adds, may be that. Returns whether any were left out.
    bool keep_neighbours(std::vector<double>& coefficients, std::span<const double> deviations) {
        const std::size_t first = width() - neighbours_.size();
        std::vector<Neighbour> kept;
        std::vector<double> all(coefficients.begin(), coefficients.begin() + static_cast<std::ptrdiff_t>(first));
        for (std::size_t k = 0; k < neighbours_.size(); ++k) {
            if (coefficients[first + k] + 3 * deviations[first + k] >= 0) continue;
            kept.push_back(neighbours_[k]);
            all.push_back(coefficients[first + k]);
        }
        coefficients = std::move(all);
        return std::exchange(neighbours_, kept).size() != kept.size();
    }
    void leave_out_neighbours() { neighbours_.clear(); }
    bool has_neighbours() const { return !neighbours_.empty(); }

    /// The effects that coefficients say.
    Exposure effects(std::span<const double> coefficients) const {
        Exposure out;
        const std::size_t first = width() - neighbours_.size(), at = first - knots_.size();
        for (std::size_t p = 0; p <= (knots_.empty() ? 0 : knots_.back()); ++p) {
            double sum = 0;
            for (std::size_t k = 0; k < knots_.size(); ++k) sum += coefficients[at + k] * passed(k, p);
            out.position.push_back(static_cast<float>(sum));
        }
        if (has_neighbours()) out.neighbours.resize(encoder_.schema().item_fields.size() * Exposure::reach);
        for (std::size_t k = 0; k < neighbours_.size(); ++k) {
            const auto& [field, above] = neighbours_[k];
            out.neighbours[field * Exposure::reach + above - 1] = static_cast<float>(coefficients[first + k]);
        }
        return out;
    }

  private:
    static constexpr std::size_t most_dense = 64, most_fields = 20;
    struct Neighbour {
        std::size_t field, above;
    };

    static double share_of(const Request& r, std::size_t position, double gains) {
        return static_cast<double>(r.gain(static_cast<std::size_t>(r.shown[position]))) / gains;
    }
    static std::int32_t item(const Request& r, std::size_t position) {
        return r.items[static_cast<std::size_t>(r.shown[position])];
    }
    std::int32_t value(const Request& r, std::size_t position, std::size_t field) const {
        return only_value(encoder_.catalog(), r, static_cast<std::size_t>(r.shown[position]), field);
    }
    static double number(const FeatureTable<float>& table, std::size_t row, std::size_t column) {
        return static_cast<double>(table.numbers[row * static_cast<std::size_t>(table.columns) + column]);
    }

    /// Leaves the dense columns alone that go with gains most: by their correlation, both less the mean of the list.
    void screen(std::span<const Request* const> requests) {
        std::vector<double> together(dense_.size()), squares(dense_.size(), 1e-30), mean(dense_.size());
        Batch<float> scratch;
        for (const Request* r : requests) {
            encoder_.encode({r, 1}, 1, scratch);
            const double gains = shown_gains(*r), n = static_cast<double>(r->shown.size());
            std::ranges::fill(mean, 0);
            for (const std::int32_t i : r->shown) {
                for (std::size_t c = 0; c < dense_.size(); ++c)
                    mean[c] += number(scratch.dense, static_cast<std::size_t>(i), dense_[c]) / n;
            }
            for (std::size_t p = 0; p < r->shown.size(); ++p) {
                for (std::size_t c = 0; c < dense_.size(); ++c) {
                    const double x = number(scratch.dense, static_cast<std::size_t>(r->shown[p]), dense_[c]) - mean[c];
                    together[c] += x * (share_of(*r, p, gains) - 1 / n);
                    squares[c] += x * x;
                }
            }
        }
        std::vector<std::size_t> order(dense_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, std::ranges::greater(),
                                 [&](std::size_t c) { return together[c] * together[c] / squares[c]; });
        order.resize(most_dense);
        std::ranges::sort(order);
        for (std::size_t& c : order) c = dense_[c];
        dense_ = std::move(order);
    }

    /// How much of the way between knot k - 1 and knot k lies above a position.
    double passed(std::size_t k, std::size_t position) const {
        const auto from = static_cast<double>(k == 0 ? 0 : knots_[k - 1]), to = static_cast<double>(knots_[k]);
        return std::clamp((static_cast<double>(position) - from) / (to - from), 0.0, 1.0);
    }

    const Encoder& encoder_;
    std::vector<std::size_t> dense_;  ///< columns of Batch::dense
    Rates of_item_;
    std::vector<Rates> of_field_;
    std::vector<std::size_t> knots_, fields_;
    std::vector<Neighbour> neighbours_;
};

}  // namespace psad::train::exposure_detail
