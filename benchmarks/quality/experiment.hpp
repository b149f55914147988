// The one protocol under which `psad compare` trains and judges all models.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/error.hpp"
#include "psad/data/encoding.hpp"
#include "psad/eval/orders.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/train/trainer.hpp"
#include "psad/simulator/simulate.hpp"

namespace psad::cli {

using eval::Order;

/// Per metric one number per judged list.
using Judged = std::map<std::string, std::vector<double>>;

/// The lists of a data folder or of a world, how models learn from them, and how orders are judged.
struct Protocol {
    data::Dataset dataset;
    std::optional<simulator::World> world;
    std::vector<simulator::Session> sessions;  ///< of the test lists, in a world
    std::vector<simulator::Truth> truth;       ///< of the test lists, in a world
    std::vector<Request> train, valid, test;
    Encoder encoder;
    TrainSettings settings;

    /// The first is what comparisons are about.
    std::vector<std::string> metrics() const {
        if (world) return {"utility_share", "utility"};
        return {"ndcg@10", "map@10", "ndcg@5", "map@5"};
    }

    /// In a world all test lists, else those with a positive.
    bool judges(const Request& r) const { return world || r.has_positive(); }
    std::size_t judged_lists() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(test, [&](const Request& r) { return judges(r); }));
    }

    /// Throws Error for an order that is no permutation of its list.
    Judged judge(std::span<const Order> orders) const {
        for (std::size_t l = 0; l < orders.size(); ++l) {
            Order sorted = orders[l];
            std::ranges::sort(sorted);
            if (!std::ranges::equal(sorted, eval::initial_order(test[l])))
                throw Error("test lists", "list " + std::to_string(l),
                            "an order with a candidate twice or missing", "every candidate once");
        }
        Judged out;
        if (!world) {
            const auto q = eval::ranking_quality(test, orders);
            return {{"ndcg@10", q.ndcg10}, {"map@10", q.map10}, {"ndcg@5", q.ndcg5}, {"map@5", q.map5}};
        }
        const auto positions = static_cast<std::size_t>(world->settings().positions);
        for (std::size_t l = 0; l < orders.size(); ++l) {
            const double utility = sessions[l].utility(std::span<const int>(orders[l]).first(positions));
            out["utility"].push_back(utility);
            out["utility_share"].push_back(utility / truth[l].best.value);
        }
        return out;
    }

    /// What decides the epoch to keep. In a world nothing does, the last epoch stands: nobody could ask for
    /// the truth.
    double valid_score(std::span<const Order> orders) const {
        return eval::mean(eval::ranking_quality(valid, orders).ndcg10);
    }
};

/// One way to order lists that a trained model offers.
struct Row {
    std::string name;
    Judged judged;
    double p50 = 0, p99 = 0;  ///< microseconds a list, one list at a time
};

/// What one training gave.
struct Cell {
    std::vector<Row> rows;
    double train_seconds = 0;
    std::vector<double> losses;  ///< mean of each epoch
    std::vector<double> valid;   ///< of each epoch; none in a world
    std::string date;            ///< of the training, YYYY-MM-DD
};

/// A model of the comparison.
struct Contender {
    std::string name, words;
    Cell (*run)(const Protocol&, const std::string& name, std::uint64_t seed, int threads);
};

/// All of them, in the order of their training.
std::vector<Contender> contenders();
std::vector<Contender> generators();
std::vector<Contender> scorers();
std::vector<Contender> pairs();
std::vector<Contender> ablations();

}  // namespace psad::cli
