// The cells of a comparison on disk, one file per model and seed.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "protocol.hpp"
#include "psad/core/error.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::cli {

using nlohmann::json;

inline json to_json(const Cell& cell) {
    json rows = json::array();
    for (const Row& r : cell.rows)
        rows.push_back(
            {{"name", r.name}, {"judged", r.judged}, {"latency_us", {{"p50", r.p50}, {"p99", r.p99}}}});
    return {{"rows", rows},
            {"train_seconds", cell.train_seconds},
            {"losses", cell.losses},
            {"valid", cell.valid},
            {"date", cell.date}};
}

inline Cell cell_of(const json& j) {
    Cell cell{{}, j.at("train_seconds"), j.at("losses"), j.at("valid"), j.at("date")};
    for (const json& r : j.at("rows").get_ref<const json::array_t&>()) {
        cell.rows.push_back({r.at("name"), r.at("judged").get<Judged>(), r.at("latency_us").at("p50"),
                             r.at("latency_us").at("p99")});
    }
    return cell;
}

/// The cells on disk, one file per model and seed.
class Cells {
  public:
    Cells(const std::string& report, const Protocol& protocol, json source)
        : folder_(report + ".cells"), protocol_(&protocol), source_(std::move(source)) {
        std::error_code error;
        std::filesystem::create_directories(folder_, error);
        if (error) throw DataError(folder_.string(), "", error.message(), "a place for a folder");
        check_writable(folder_ / "probe");
    }

    template <class Run>
    Cell get(const Contender& model, std::uint64_t seed, Run&& run) {
        std::string file_name = fmt::format("{}-seed{}.json", model.name, seed);
        std::replace(file_name.begin(), file_name.end(), '/', '_');
        const auto path = folder_ / file_name;
        json source = source_;
        source["model"] = model.name;
        source["words"] = model.words;
        source["seed"] = seed;
        std::error_code ignored;  // whatever stands there will be read or refused, a dangling link too
        if (std::filesystem::symlink_status(path, ignored).type() != std::filesystem::file_type::not_found)
            return read(path, source);
        const Cell cell = run();
        write_json(path, {{"source", source}, {"cell", to_json(cell)}});
        return cell;
    }

  private:
    Cell read(const std::filesystem::path& path, const json& source) const {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored))
            throw DataError(path.string(), "", "no file", "a cell as compare writes it");
        std::ifstream in(path);
        if (!in)
            throw DataError(path.string(), "", "a file that can't be read", "a cell as compare writes it");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        try {
            const json found = model_file::parse_strictly(text, 16);
            const json& other = found.at("source");
            const auto compare = [&](const std::string& key) {
                const std::string stood = other.contains(key) ? other[key].dump() : "nothing";
                if (stood != source[key].dump())
                    throw DataError(path.string(), key, stood,
                                    source[key].dump() + "; other settings go to another --json");
            };
            for (const auto& [key, wanted] : source.items()) {
                if (key != "fingerprint") compare(key);
            }
            compare("fingerprint");  // last: any other difference says more
            Cell cell = cell_of(found.at("cell"));
            if (!good(cell, source.at("model")))
                throw DataError(path.string(), "", "rows or figures that can't be",
                                "a cell as compare writes it");
            return cell;
        } catch (const model_file::JsonFault& fault) {
            throw DataError(path.string(), "", fault.found, fault.wanted);
        } catch (const json::exception&) {
            throw DataError(path.string(), "", "JSON that is no cell", "a cell as compare writes it");
        }
    }

    /// Rows NAME and NAME/teacher, each once, with a figure per metric and judged list that is not negative,
    /// and times that can be.
    bool good(const Cell& cell, const std::string& name) const {
        const auto spent = [](double x) { return x >= 0 && x < 1e9; };
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (!spent(cell.train_seconds) || cell.date.size() != 10 ||
            std::ranges::count_if(cell.date, is_digit) != 8 || cell.date[4] != '-' || cell.date[7] != '-')
            return false;
        const auto count = protocol_->judged_lists();
        std::vector<std::string> seen, metrics = protocol_->metrics();
        std::ranges::sort(metrics);
        for (const Row& row : cell.rows) {
            if (!spent(row.p50) || !spent(row.p99)) return false;
            if ((row.name != name && row.name != name + "/teacher") || std::ranges::count(seen, row.name) > 0)
                return false;
            seen.push_back(row.name);
            std::vector<std::string> mine;
            for (const auto& [metric, values] : row.judged) {
                mine.push_back(metric);
                if (values.size() != count ||
                    !std::ranges::all_of(values, [](double v) { return v >= 0 && v < 1e6; }))
                    return false;
            }
            if (mine != metrics) return false;
        }
        return !seen.empty();
    }

    std::filesystem::path folder_;
    const Protocol* protocol_;
    json source_;
};

}  // namespace psad::cli
