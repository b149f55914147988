// What a comparison says: the runs of one row over the seeds, and two rows list by list.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiment.hpp"

namespace psad::quality {

using nlohmann::json;

/// The runs of one row over the seeds, put together.
struct Summary {
    std::string name;
    PerListMetrics metrics{};                              ///< per list the mean over the seeds
    std::map<std::string, std::vector<double>> of_seed{};  ///< per metric the mean of each seed
    std::vector<double> p50{}, p99{}, train_seconds{};
    std::vector<double> losses{}, valid{};  ///< of the first seed

    void add(const Row& row, const Run& run, int seeds);
};

/// Summaries by name, in the order of their first row.
class Summaries {
  public:
    /// Adds each row of one of `seeds` runs to the summary of its name.
    void add(const Run& run, int seeds);
    const std::vector<Summary>& all() const { return all_; }

  private:
    std::vector<Summary> all_;
};

/// Prints a table, best first by the first metric.
void print_table(const Experiment& experiment, std::vector<Summary> summaries);

/// "models" and "paired": every row, and every two rows list by list. The intervals are 95 %, by bootstrap.
void add_figures(const Experiment& experiment, const std::vector<Summary>& summaries, int threads, json& to);

}  // namespace psad::quality
