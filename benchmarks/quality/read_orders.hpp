// Orders that another program made.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "experiment.hpp"
#include "psad/core/error.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::quality {

/// Orders of the test lists from a file of JSON lines, each with an "order" of positions, best first; what a
/// line leaves out keeps its initial order.
inline std::vector<Order> read_orders(const Experiment& e, const std::string& path) {
    std::ifstream in(path);
    if (!in || std::filesystem::is_directory(path))
        throw DataError(path, "", "no file that can be read", "a file of orders");
    std::vector<Order> out;
    for (std::string line; std::getline(in, line);) {
        const std::string place = fmt::format("line {}", out.size() + 1);
        if (out.size() == e.test.size())
            throw DataError(path, place, "one line more", fmt::format("{} lines", e.test.size()));
        const auto n = static_cast<int>(e.test[out.size()].size());
        Order order;
        try {
            const nlohmann::json parsed = model_file::parse_strictly(line, 8);
            if (!parsed.at("order").is_array())
                throw DataError(path, place, parsed.at("order").dump(), "an order as a list");
            for (const nlohmann::json& at : parsed.at("order")) {
                if (!at.is_number_integer() || at < 0 || at >= n || std::ranges::count(order, at.get<int>()) > 0)
                    throw DataError(path, place, at.dump(), fmt::format("each position from 0 to {} once", n - 1));
                order.push_back(at.get<int>());
            }
        } catch (const model_file::JsonFault& fault) {
            throw DataError(path, place, fault.found, fault.wanted);
        } catch (const nlohmann::json::exception&) {
            throw DataError(path, place, "no order", R"({"order": [positions]})");
        }
        eval::complete(order, static_cast<std::size_t>(n));
        out.push_back(std::move(order));
    }
    if (out.size() != e.test.size())
        throw DataError(path, "", fmt::format("{} lines", out.size()),
                        fmt::format("{}, one per test list", e.test.size()));
    return out;
}

}  // namespace psad::quality
