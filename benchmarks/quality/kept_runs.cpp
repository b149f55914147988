#include "kept_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "output.hpp"
#include "psad/core/error.hpp"
#include "psad/core/rng.hpp"
#include "psad/core/version.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::quality {

namespace {

constexpr const char* wanted_run = "a run as psad-compare writes it";

/// Raised when a change alters what a method learns or how it is judged: figures of before and after do not belong in
/// one table.
constexpr int revision = 3;

/// Tells lists of one name from others.
std::string fingerprint(const Experiment& e) {
    std::uint64_t hash = 0;
    const auto add = [&](const auto& column) {
        hash = rng::derive(hash, std::size(column));
        for (const auto x : column) {
            if constexpr (std::is_floating_point_v<std::remove_const_t<decltype(x)>>)
                hash = rng::derive(hash, std::bit_cast<std::uint64_t>(static_cast<double>(x)));
            else
                hash = rng::derive(hash, static_cast<std::uint64_t>(x));
        }
    };
    for (const Catalog::Field& f : e.encoder.catalog().fields) add(f.offsets), add(f.ids);
    for (const auto* lists : {&e.train, &e.valid, &e.test}) {
        for (const Request& r : *lists) {
            for (const FieldRows* fields : {&r.user_fields, &r.context}) {
                for (std::size_t f = 0; f < fields->fields(); ++f) add((*fields)(0, f));
            }
            add(r.items), add(r.labels), add(r.shown), add(r.history_items);
            add(r.history_times), add(r.history_feedback), add(r.scores), add(r.aux);
            hash = rng::derive(hash, static_cast<std::uint64_t>(r.time));
        }
    }
    return fmt::format("{:016x}", hash);
}

json to_json(const Run& run) {
    json rows = json::array();
    for (const Row& r : run.rows) {
        rows.push_back({{"name", r.name},
                        {"metrics", r.metrics},
                        {"latency_us", {{"p50", r.latency.p50}, {"p99", r.latency.p99}}}});
    }
    return {{"rows", rows},
            {"train_seconds", run.train_seconds},
            {"losses", run.losses},
            {"valid", run.valid},
            {"date", run.date}};
}

Run run_of(const json& j) {
    Run run{{}, j.at("train_seconds"), j.at("losses"), j.at("valid"), j.at("date")};
    for (const json& r : j.at("rows").get_ref<const json::array_t&>()) {
        const json& latency = r.at("latency_us");
        run.rows.push_back(
            {r.at("name"), r.at("metrics").get<PerListMetrics>(), {latency.at("p50"), latency.at("p99")}});
    }
    return run;
}

/// Throws DataError unless the run is of the wanted source.
void check_source(const std::filesystem::path& path, const json& found, const json& wanted) {
    const auto compare = [&](const std::string& key) {
        const std::string other = found.contains(key) ? found[key].dump() : "nothing";
        if (other != wanted[key].dump()) {
            throw DataError(path.string(), key, other,
                            wanted[key].dump() + "; other lists or settings go to another --json");
        }
    };
    for (const auto& [key, value] : wanted.items()) {
        if (key != "fingerprint") compare(key);
    }
    compare("fingerprint");  // last: any other difference says more
}

bool is_date(const std::string& text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() == 10 && std::ranges::count_if(text, is_digit) == 8 && text[4] == '-' && text[7] == '-';
}

}  // namespace

void write_json(const std::filesystem::path& path, const json& report) {
    cli::write_text(path, report.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

json source_of(const Experiment& e) {
    json out{{"version", fmt::format("{}.{}.{}", PSAD_VERSION_MAJOR, PSAD_VERSION_MINOR, PSAD_VERSION_PATCH)},
             {"revision", revision},
             {"objective", e.objective()},
             {"epochs", e.settings.epochs},
             {"batch", e.settings.batch},
             {"shard", e.settings.shard},
             {"learning_rate", e.settings.learning_rate},
             {"dropout", e.settings.dropout},
             {"weight_decay", e.settings.weight_decay},
             {"patience", e.settings.patience},
             {"average", e.settings.average},
             {"unknown_rate", e.settings.unknown_rate},
             {"train_lists", e.train.size()},
             {"test_lists", e.test.size()},
             {"fingerprint", fingerprint(e)}};
    if (e.world)
        out["world"] = simulator::to_text(e.world->settings());
    else
        out["data"] = e.dataset.meta.name;
    return out;
}

KeptRuns::KeptRuns(const std::string& report, const Experiment& experiment)
    : folder_(report + ".runs"), experiment_(experiment), source_(source_of(experiment)) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) throw FileError(folder_.string(), "", error.message(), "a place for a folder");
    cli::check_writable(folder_ / "probe");
}

std::filesystem::path KeptRuns::path_of(const Method& method, std::uint64_t seed) const {
    return folder_ / fmt::format("{}-seed{}.json", method.name, seed);
}

bool KeptRuns::has(const Method& method, std::uint64_t seed) const {
    std::error_code ignored;  // whatever stands there will be read or refused, a dangling link too
    return std::filesystem::symlink_status(path_of(method, seed), ignored).type() !=
           std::filesystem::file_type::not_found;
}

Run KeptRuns::get(const Method& method, std::uint64_t seed, const std::function<Run()>& train) const {
    json source = source_;
    source["model"] = method.name;
    source["description"] = method.description;
    source["seed"] = seed;
    const auto path = path_of(method, seed);
    if (has(method, seed)) return read(path, source);
    Run run = train();
    write_json(path, {{"source", source}, {"run", to_json(run)}});
    return run;
}

Run KeptRuns::read(const std::filesystem::path& path, const json& source) const {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) throw DataError(path.string(), "", "no file", wanted_run);
    std::ifstream in(path);
    if (!in) throw DataError(path.string(), "", "a file that can't be read", wanted_run);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (const auto parsed = model_file::parse_strictly(text, 16); !parsed)
        throw DataError(path.string(), "", parsed.error().found, parsed.error().wanted);
    try {
        const json found = json::parse(text);
        check_source(path, found.at("source"), source);
        Run run = run_of(found.at("run"));
        if (!is_whole(run, source.at("model")))
            throw DataError(path.string(), "", "rows or figures that can't be", wanted_run);
        return run;
    } catch (const json::exception&) {
        throw DataError(path.string(), "", "JSON that is no run", wanted_run);
    }
}

/// Rows NAME and NAME/teacher, each once, with a figure per metric and judged list that is not negative, and times that
/// can be.
bool KeptRuns::is_whole(const Run& run, const std::string& name) const {
    const auto is_time = [](double x) { return x >= 0 && x < 1e9; };
    if (!is_time(run.train_seconds) || !is_date(run.date)) return false;
    std::vector<std::string> names, metrics = experiment_.metrics();
    std::ranges::sort(metrics);
    for (const Row& row : run.rows) {
        if (!is_time(row.latency.p50) || !is_time(row.latency.p99)) return false;
        if ((row.name != name && row.name != name + "/teacher") || std::ranges::count(names, row.name) > 0)
            return false;
        names.push_back(row.name);
        std::vector<std::string> found;
        for (const auto& [metric, values] : row.metrics) {
            found.push_back(metric);
            if (values.size() != experiment_.judged_lists() ||
                !std::ranges::all_of(values, [](double v) { return v >= 0 && v < 1e6; }))
                return false;
        }
        if (found != metrics) return false;
    }
    return !names.empty();
}

}  // namespace psad::quality
