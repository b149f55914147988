/// \file weighed_gains.hpp
/// Gains as they would be if all candidates had been seen alike.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "psad/features/encoder.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::train {

/// Divides the gains of requests by propensities (inverse propensity scoring): those that a request brings, or else
/// what the encoder knows of the page they were shown on. A request without both keeps its own gains.
class WeighedGains {
  public:
    /// The request with its weighed gains, which lie here until the next call.
    Request operator()(const Encoder& encoder, Request r, double min_propensity) {
        std::span<const float> by = r.propensities;
        if (by.empty()) {
            if (encoder.exposure().empty()) return r;
            encoder.exposure().factors(encoder.catalog(), r, factors_);
            by = factors_;
        }
        gains_.resize(r.size());
        for (std::size_t i = 0; i < r.size(); ++i) {
            gains_[i] = static_cast<float>(static_cast<double>(r.gain(i)) /
                                           (std::max)(min_propensity, static_cast<double>(by[i])));
        }
        r.gains = gains_;
        return r;
    }

  private:
    std::vector<float> factors_, gains_;
};

/// Several requests with their weighed gains.
class WeighedLists {
  public:
    WeighedLists(const Encoder& encoder, std::span<const Request> requests, double min_propensity) {
        weighed_.resize(requests.size());
        for (std::size_t l = 0; l < requests.size(); ++l)
            lists_.push_back(weighed_[l](encoder, requests[l], min_propensity));
    }
    WeighedLists(const WeighedLists&) = delete;
    WeighedLists& operator=(const WeighedLists&) = delete;

    std::span<const Request> lists() const { return lists_; }

  private:
    std::vector<WeighedGains> weighed_;
    std::vector<Request> lists_;
};

}  // namespace psad::train
