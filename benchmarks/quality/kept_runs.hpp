// The runs of a comparison on disk, one file per method and seed: what is trained once is not trained again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "experiment.hpp"

namespace psad::quality {

using nlohmann::json;

/// What a run depends on besides its method and seed: the lists and the settings.
json source_of(const Experiment& experiment);

/// Writes a report as a whole or not at all.
void write_json(const std::filesystem::path& path, const json& report);

class KeptRuns {
  public:
    /// `report` is the JSON of the comparison; the runs stand in a folder beside it. Throws FileError if there can be
    /// none.
    KeptRuns(const std::string& report, const Experiment& experiment);

    const std::filesystem::path& folder() const { return folder_; }

    /// Whether there is a file for the run, readable or not.
    bool has(const Method& method, std::uint64_t seed) const;

    /// The kept run, else what `train()` gives, which is then kept. Throws DataError for a file that is no whole run,
    /// or one of other lists or settings.
    Run get(const Method& method, std::uint64_t seed, const std::function<Run()>& train) const;

  private:
    std::filesystem::path path_of(const Method& method, std::uint64_t seed) const;
    Run read(const std::filesystem::path& path, const json& source) const;
    bool is_whole(const Run& run, const std::string& name) const;

    std::filesystem::path folder_;
    const Experiment& experiment_;
    json source_;
};

}  // namespace psad::quality
