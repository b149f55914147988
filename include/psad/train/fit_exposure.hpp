/// \file fit_exposure.hpp
/// How a page changes feedback, estimated from lists as they were shown.
///
/// A conditional logit (McFadden 1974) explains the share of a list's gain that each shown candidate has: by what is
/// known of it whatever its place (dense features, matches with the history, the rates of its item and its values in
/// other lists), by its position, and by candidates with the same value of an item field shortly above. Both last parts
/// are the page's doing. Where a ranker knew more than these inputs do, a part of its knowledge counts as position.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "psad/core/symmetric_system.hpp"
#include "psad/features/encoder.hpp"
#include "psad/features/exposure.hpp"
#include "psad/train/exposure_design.hpp"
#include "psad/train/settings.hpp"

namespace psad::inline PSAD_ABI::train {

namespace exposure_detail {

/// The log-likelihood of some lists, and what follows of it at one place.
struct Likelihood {
    double value = 0;
    std::vector<double> slope;      ///< [width]
    std::vector<double> curvature;  ///< [width, width] lower half, minus the second derivatives
    std::vector<double> scatter;    ///< the same of the products of each list's slope with itself

    explicit Likelihood(std::size_t width) : slope(width), curvature(width * width), scatter(width * width) {}

    void add(const Design::Rows& list, double weight, std::span<const double> coefficients) {
        const std::size_t width = slope.size(), rows = list.share.size();
        std::vector<double> p(rows), mean(width), own(width);
        double largest = -INFINITY, sum = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            p[i] = std::inner_product(coefficients.begin(), coefficients.end(), list.x.data() + i * width, 0.0);
            largest = (std::max)(largest, p[i]);
        }
        for (const double s : p) sum += std::exp(s - largest);
        for (std::size_t i = 0; i < rows; ++i) {
            const double* const x = list.x.data() + i * width;
            value += weight * list.share[i] * (p[i] - largest - std::log(sum));
            p[i] = std::exp(p[i] - largest) / sum;
            for (std::size_t c = 0; c < width; ++c) {
                own[c] += weight * (list.share[i] - p[i]) * x[c];
                mean[c] += p[i] * x[c];
            }
            add_product(x, weight * p[i], curvature);
        }
        add_product(mean.data(), -weight, curvature);
        add_product(own.data(), 1, scatter);
        for (std::size_t c = 0; c < width; ++c) slope[c] += own[c];
    }
    void add(const Likelihood& other) {
        const auto sum = [](std::vector<double>& a, const std::vector<double>& b) {
            std::ranges::transform(a, b, a.begin(), std::plus<>{});
        };
        value += other.value;
        sum(slope, other.slope), sum(curvature, other.curvature), sum(scatter, other.scatter);
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
    static void add_product(const double* x, double times, std::vector<double>& to) {
        const auto width = static_cast<std::size_t>(std::sqrt(static_cast<double>(to.size())) + 0.5);
        for (std::size_t i = 0; i < width; ++i) {
            double* const row = to.data() + i * width;
            const double by = times * x[i];
            if (by == 0) continue;
            for (std::size_t j = 0; j <= i; ++j) row[j] += by * x[j];
        }
    }
};

/// The lists that tell something, of which parts of a fixed number are worked on by the threads of a backend and added
/// in a fixed order.
template <class B>
class Fit {
  public:
    Fit(const B& backend, const Encoder& encoder, std::vector<const Request*> requests)
        : backend_(backend), requests_(std::move(requests)), design_(encoder, requests_) {
        double weight = 0, squares = 0, rows = 0;
        for (const Request* r : requests_) {
            const auto w = static_cast<double>(r->weight);
            weight += w, squares += w * w, rows += static_cast<double>(r->shown.size());
        }
        const auto lists = static_cast<double>(requests_.size()), width = static_cast<double>(design_.width());
        mean_weight_ = weight / lists;
        const double most = (std::min)(20'000.0, 2e9 / (width * width) * lists / rows);
        step_ = static_cast<std::size_t>(std::ceil(lists / (std::max)(most, 1.0)));
        // Standard errors of fewer lists (of one weight) say little.
        if (weight / squares * weight < 2 * width * static_cast<double>(step_)) design_.leave_out_neighbours();
    }

    Exposure operator()(bool with_neighbours) {
        if (!with_neighbours) design_.leave_out_neighbours();
        coefficients_.assign(design_.width(), 0);
        climb();
        while (design_.has_neighbours()) {  // without those that say nothing the others and the positions say more
            const SymmetricSystem system(now_.curvature, design_.width());
            if (!design_.keep_neighbours(coefficients_, system.deviations(now_.scatter))) break;
            climb();
        }
        return design_.effects(coefficients_);
    }

  private:
    /// Newton's method.
    void climb() {
        now_ = at(coefficients_);
        for (int steps = 0; steps < 20; ++steps) {
            const std::vector<double> way = SymmetricSystem(now_.curvature, design_.width()).solve(now_.slope);
            double length = 1, gained = 0;
            for (; length > 1e-3; length /= 2) {
                std::vector<double> next = coefficients_;
                for (std::size_t c = 0; c < next.size(); ++c) next[c] += length * way[c];
                Likelihood there = at(next);
                gained = there.value - now_.value;
                if (!(gained > 0)) continue;
                coefficients_ = std::move(next), now_ = std::move(there);
                break;
            }
            if (!(gained > 1e-2)) break;
        }
    }

    Likelihood at(std::span<const double> coefficients) const {
        constexpr std::size_t parts = 16;
        std::vector<Likelihood> part(parts, Likelihood(design_.width()));
        backend_.parallel(static_cast<int>(parts), [&](int k) {
            Batch<float> scratch;
            Design::Rows rows;
            for (std::size_t i = static_cast<std::size_t>(k) * step_; i < requests_.size(); i += parts * step_) {
                design_.read(*requests_[i], scratch, rows);
                part[static_cast<std::size_t>(k)].add(rows, static_cast<double>(requests_[i]->weight) / mean_weight_,
                                                      coefficients);
            }
        });
        for (std::size_t k = 1; k < parts; ++k) part[0].add(part[k]);
        part[0].add_ridge(design_.ridge(), coefficients);
        return std::move(part[0]);
    }

    const B& backend_;
    std::vector<const Request*> requests_;
    Design design_;
    double mean_weight_ = 1;
    std::size_t step_ = 1;
    std::vector<double> coefficients_;
    Likelihood now_{0};
};

}  // namespace exposure_detail

/// Estimates the effects of a page on up to 20,000 of the lists that say what was shown (Request::shown) and have a
/// positive among others; nothing where there is none. Requests must pass Encoder::check and check_feedback.
template <class B>
Exposure fit_exposure(const B& backend, const Encoder& encoder, std::span<const Request> requests,
                      bool with_neighbours = true) {
    std::vector<const Request*> telling;
    for (const Request& r : requests) {
        if (r.shown.size() > 1 && r.weight > 0 && exposure_detail::shown_gains(r) > 0) telling.push_back(&r);
    }
    if (telling.empty()) return {};
    return exposure_detail::Fit<B>(backend, encoder, std::move(telling))(with_neighbours);
}

/// What settings ask for of it: nothing where some lists bring propensities. Throws RequestError for requests that
/// Encoder::check or check_feedback refuses.
template <class B>
Exposure learned_exposure(const B& backend, const Encoder& encoder, std::span<const Request> requests,
                          const Settings& settings) {
    const bool wanted = settings.position_effects == 1 || settings.neighbour_effects == 1;
    if (!wanted || std::ranges::any_of(requests, [](const Request& r) { return !r.propensities.empty(); })) return {};
    for (const Request& r : requests) {
        encoder.check_one_of_many(r);
        check_feedback(r);
    }
    Exposure out = fit_exposure(backend, encoder, requests, settings.neighbour_effects == 1);
    if (settings.position_effects == 1 || out.empty()) return out;
    if (out.neighbours.empty()) return {};
    out.position = {0};
    return out;
}

}  // namespace psad::train
