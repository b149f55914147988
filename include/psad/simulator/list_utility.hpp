/// \file list_utility.hpp
/// The exact utility of a list for one user: expected clicks under a dependent click model (Guo et al., WSDM
/// 2009) in which an item's appeal depends on what stands before it.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::simulator {

/// The probability that the next position is examined, after a click and after none.
struct Examination {
    double after_click = 0.7;
    double after_skip = 0.95;
};

/// How items influence each other: similarity [n x n], the cosine of two items and 0 where that is negative; follows
/// [n x n], 1 where item i complements item j that stands right before it (row i, column j).
struct Interaction {
    std::vector<float> similarity, follows;
    double variety = 0;     ///< gamma: logit that an item loses by similarity to one just before
    double complement = 0;  ///< eta: logit that it gains after one that it complements
    int window = 2;         ///< how many items back similarity counts
};

/// A list is positions of candidates, none twice. All logits are finite.
class ListUtility {
  public:
    /// `appeal` [n] is the logit of each candidate on its own.
    ListUtility(std::vector<double> appeal, Interaction interaction, Examination examination = {})
        : appeal_(std::move(appeal)), interaction_(std::move(interaction)), examination_(examination) {}

    std::size_t size() const { return appeal_.size(); }
    std::span<const double> appeal() const { return appeal_; }

    /// A user who reads a list from its top: expected clicks so far, and the probability that the next position is
    /// examined.
    struct BrowsingState {
        double clicks = 0;
        double examined = 1;
    };

    /// The probability of a click on `item`, read after `before` (first to last).
    double click(std::span<const int> before, int item) const {
        const auto i = static_cast<std::size_t>(item);
        double logit = appeal_[i];
        const std::size_t count = before.size();
        const auto window = static_cast<std::size_t>(interaction_.window);
        if (count > 0) {
            const std::size_t row = i * appeal_.size();
            float most_similar = 0;
            for (std::size_t t = count > window ? count - window : 0; t < count; ++t) {
                const float x = interaction_.similarity[row + static_cast<std::size_t>(before[t])];
                most_similar = x > most_similar ? x : most_similar;
            }
            const float follows = interaction_.follows[row + static_cast<std::size_t>(before[count - 1])];
            logit += interaction_.complement * static_cast<double>(follows) -
                     interaction_.variety * static_cast<double>(most_similar);
        }
        return 1.0 / (1.0 + std::exp(-logit));
    }

    BrowsingState read(const BrowsingState& so_far, std::span<const int> before, int item) const {
        const double a = click(before, item);
        return {so_far.clicks + so_far.examined * a,
                so_far.examined * (a * examination_.after_click + (1 - a) * examination_.after_skip)};
    }

    /// Expected clicks of a whole list.
    double operator()(std::span<const int> list) const {
        BrowsingState state;
        for (std::size_t t = 0; t < list.size(); ++t) state = read(state, list.first(t), list[t]);
        return state.clicks;
    }

    /// Clicks drawn for a list: `uniform()` gives numbers in [0, 1), two per position read. One entry per position.
    template <class Uniform>
    std::vector<bool> draw_clicks(std::span<const int> list, Uniform&& uniform) const {
        std::vector<bool> clicked(list.size(), false);
        for (std::size_t t = 0; t < list.size(); ++t) {
            clicked[t] = uniform() < click(list.first(t), list[t]);
            if (uniform() >= (clicked[t] ? examination_.after_click : examination_.after_skip)) break;
        }
        return clicked;
    }

  private:
    std::vector<double> appeal_;
    Interaction interaction_;
    Examination examination_;
};

}  // namespace psad::simulator
