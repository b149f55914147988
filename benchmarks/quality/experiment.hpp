// One experiment: the lists, and how methods learn from them and are judged. All methods of a comparison share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "psad/data/encoding.hpp"
#include "psad/eval/latency.hpp"
#include "psad/eval/orders.hpp"
#include "psad/simulator/simulate.hpp"
#include "psad/train/settings.hpp"

namespace psad::quality {

using eval::Order;

/// Per metric one value per judged list.
using PerListMetrics = std::map<std::string, std::vector<double>>;

/// Where the lists come from.
struct ExperimentOptions {
    std::string data, world;               ///< a folder, or settings of a world
    bool imitate = false;                  ///< generators learn the lists that a folder's log shows
    int lists = 20000, test_lists = 1000;  ///< of a world
    int threads = 0;
};

struct Experiment {
    data::Dataset dataset;
    std::optional<simulator::World> world;
    std::vector<simulator::Session> sessions;  ///< of the test lists, in a world
    std::vector<simulator::Truth> truth;       ///< of the test lists, in a world
    std::vector<Request> train, valid, test;
    Encoder encoder;
    train::Settings settings;
    bool imitates = false;  ///< the training lists say what was shown, and generators learn to write that

    /// What the methods learn, for reports. Click models and `listnet` read clicks whatever it says.
    std::string objective() const;

    /// The first is what comparisons are about.
    std::vector<std::string> metrics() const;

    /// In a world all test lists, else those with a positive.
    bool judges(const Request& r) const { return world || r.has_positive(); }
    std::size_t judged_lists() const;

    /// Orders of all test lists. Throws Error for one that is no permutation of its list.
    PerListMetrics evaluate(std::span<const Order> orders) const;
};

/// The training settings of an experiment before any flag: the defaults on a data folder. In a world small batches and
/// strong decay are better where lists are few: found in one world, confirmed in a world of another seed.
train::Settings default_settings(const ExperimentOptions& options);

/// Reads or simulates the lists. What a folder says of shown orders is read only when asked to: a file that is there
/// must not change what is learned. Throws DataError for a folder whose splits can't train, choose and test.
Experiment make_experiment(const ExperimentOptions& options, const train::Settings& settings);

/// One way to order lists that a trained method offers.
struct Row {
    std::string name;
    PerListMetrics metrics;
    eval::Latency latency{};  ///< one list at a time
};

/// What one training of a method gave.
struct Run {
    std::vector<Row> rows{};
    double train_seconds = 0;
    std::vector<double> losses{};  ///< mean of each epoch
    std::vector<double> valid{};   ///< of each epoch; none in a world
    std::string date{};            ///< of the training, YYYY-MM-DD
};

/// A method of the comparison.
struct Method {
    std::string name, description;
    Run (*run)(const Experiment&, const std::string& name, std::uint64_t seed, int threads);
};

std::vector<Method> pairs();       ///< teacher and student together
std::vector<Method> generators();  ///< teachers alone, which write lists block by block
std::vector<Method> scorers();     ///< students alone, and other networks in their place
std::vector<Method> ablations();   ///< of the pair

}  // namespace psad::quality
