// Orders that another program made.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/data/gzip_lines.hpp"
#include "psad/eval/orders.hpp"
#include "psad/features/request.hpp"
#include "psad/model_file/strict_json.hpp"

namespace psad::cli {

/// A file of orders with the name that its rows get.
struct NamedOrders {
    std::string name, file;
};

/// Of words like NAME=FILE. Throws SettingError for others, and for a name that is in `taken`, or given twice.
inline std::vector<NamedOrders> named_orders(const std::vector<std::string>& given, std::vector<std::string> taken) {
    std::vector<NamedOrders> out;
    for (const std::string& word : given) {
        const std::size_t at = (std::min)(word.find('='), word.size());
        NamedOrders orders{word.substr(0, at), word.substr((std::min)(at + 1, word.size()))};
        if (orders.name.empty() || orders.file.empty() || !is_text(orders.name) ||
            orders.name.find('/') != std::string::npos || std::ranges::count(taken, orders.name) > 0) {
            throw SettingError("--orders", "", is_text(word) ? word : "text that can't be printed",
                               "NAME=FILE with a name of its own, without a /");
        }
        taken.push_back(orders.name);
        out.push_back(std::move(orders));
    }
    return out;
}

/// Orders of lists from a file of JSON lines, each with an "order" of positions, best first; what a
/// line leaves out keeps its initial order.
inline std::vector<eval::Order> read_orders(std::span<const Request> lists, const std::string& path) {
    if (std::filesystem::is_directory(path)) throw DataError(path, "", "a folder", "a file of orders");
    data::GzipLines lines_of_file(path);
    std::vector<eval::Order> out;
    for (std::string_view line; lines_of_file.next(line);) {
        const std::string place = fmt::format("line {}", out.size() + 1);
        if (out.size() == lists.size())
            throw DataError(path, place, "one line more", fmt::format("{} lines", lists.size()));
        const auto n = static_cast<int>(lists[out.size()].size());
        eval::Order order;
        std::vector<bool> placed(static_cast<std::size_t>(n));
        const auto parsed = model_file::parse_strictly(line, 8);
        if (!parsed) throw DataError(path, place, parsed.error().found, parsed.error().wanted);
        if (!parsed->contains("order")) throw DataError(path, place, "no order", R"({"order": [positions]})");
        const model_file::JsonValue& positions = (*parsed)["order"];
        if (!positions.is_array()) throw DataError(path, place, printable(positions.dump()), "an order as a list");
        for (const model_file::JsonValue& at : positions.elements()) {
            const double position = at.is_number_integer() ? at.get<double>() : -1;
            if (position < 0 || position >= n || placed[at.get<std::size_t>()])
                throw DataError(path, place, printable(at.dump()),
                                fmt::format("each position from 0 to {} once", n - 1));
            order.push_back(at.get<int>());
            placed[at.get<std::size_t>()] = true;
        }
        eval::complete(order, static_cast<std::size_t>(n));
        out.push_back(std::move(order));
    }
    if (out.size() != lists.size())
        throw DataError(path, "", fmt::format("{} lines", out.size()), fmt::format("{}, one per list", lists.size()));
    return out;
}

}  // namespace psad::cli
