// What the orders of rankings earn beside the gain that models learn: by each kind of feedback, by a column such as a
// price, and as it is estimated from clicks with position bias.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "inputs.hpp"
#include "options.hpp"
#include "output.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/counterfactual.hpp"
#include "psad/eval/dense_column.hpp"
#include "psad/eval/metrics.hpp"
#include "rankings.hpp"

namespace psad::cli {

/// The heading of a table with a column for each text.
template <class Texts>
void print_heading(const std::string& title, const Texts& columns, int width) {
    print("\n{}\n{:<15}", title, "order");
    for (const auto& text : columns) print(" {:>{}}", text, width);
    print("\n");
}

/// Amounts may have any unit: "6.389e+07 [4.84e+07, 7.93e+07]".
inline constexpr int amount_width = 34;
inline void print_amount(const eval::Interval& x, bool with_sign = false) {
    const std::string text = std::isnan(x.value) ? "-"
                             : with_sign         ? fmt::format("{:+.5g} [{:+.4g}, {:+.4g}]", x.value, x.low, x.high)
                                                 : fmt::format("{:.5g} [{:.4g}, {:.4g}]", x.value, x.low, x.high);
    print(" {:>{}}", text, amount_width);
}

/// Figures where a column of labels alone counts.
inline model_file::JsonValue print_label(const data::LabelColumn& label, const TestInputs& in,
                                         const std::vector<Ranking>& rankings) {
    auto out = model_file::JsonValue::object();
    std::vector<const char*> names;
    for (const Metric& m : std::span(metrics).first(printed_metrics)) names.push_back(m.name);
    for (const Ranking& r : rankings) {
        eval::RankingQuality quality;
        for (std::size_t l = 0; l < in.lists.size(); ++l) quality.add(in.gains_by(label, l), r.orders[l]);
        const std::size_t counted = quality.ndcg10.size();
        if (out.size() == 0) {
            print_heading(fmt::format("by {} alone, {} lists with any", printable(label.name), counted), names, 22);
            out.set("lists", counted);
            out.set("left_out", quality.left_out);
        }
        print("{:<15}", r.name);
        for (const Metric& m : metrics) {
            const auto interval = eval::bootstrap_mean(quality.*m.values);
            if (counted > 0) out.object_at(r.key).set(m.name, interval_json(interval));
            if (is_printed(m)) print(" {:>22}", counted > 0 ? interval_text(interval) : "-");
        }
        print("\n");
    }
    return out;
}

/// The sum of a dense feature over the positives among the first 5 and 10, a mean over all lists: revenue by a price.
/// gain(l, i): that of candidate i of list l by `label`.
template <class Gain>
model_file::JsonValue print_revenue(const std::string& feature, const std::string& label, const TestInputs& in,
                                    Gain gain, const std::vector<Ranking>& rankings) {
    constexpr std::array<std::size_t, 2> lengths{5, 10};
    const eval::DenseColumn column(in.schema, feature);
    auto out = model_file::JsonValue::object("feature", feature);
    std::size_t missing = 0;
    std::vector<std::vector<double>> initial;
    std::vector<std::string> columns;
    for (const std::size_t k : lengths) columns.push_back(fmt::format("revenue@{}", k));
    for (const std::size_t k : lengths) columns.push_back(fmt::format("over initial@{}", k));
    print_heading(fmt::format("{} of positives by {}, summed", printable(feature), printable(label)), columns,
                  amount_width);
    for (const Ranking& r : rankings) {
        std::vector<std::vector<double>> earned(lengths.size());
        missing = 0;
        for (std::size_t l = 0; l < in.lists.size(); ++l) {
            const Request& request = in.lists[l];
            std::vector<float> gains;
            std::vector<double> prices;
            for (const int place : r.orders[l]) {
                const auto i = static_cast<std::size_t>(place);
                const double price = column(in.catalog, request, i);
                gains.push_back(gain(l, i));
                missing += gains.back() > 0 && std::isnan(price) ? 1 : 0;
                prices.push_back(std::isnan(price) ? 0 : price);
            }
            for (std::size_t k = 0; k < lengths.size(); ++k)
                earned[k].push_back(eval::revenue(gains, prices, lengths[k]));
        }
        if (initial.empty()) initial = earned;
        print("{:<15}", r.name);
        for (std::size_t k = 0; k < lengths.size(); ++k) {
            const auto interval = eval::bootstrap_mean(earned[k]);
            out.object_at(r.key).set(columns[k], interval_json(interval));
            print_amount(interval);
        }
        for (std::size_t k = 0; k < lengths.size(); ++k) {
            const auto d = eval::paired_difference(earned[k], initial[k]);
            out.object_at(r.key).set(columns[lengths.size() + k], interval_json(d));
            print_amount(d, true);
        }
        print("\n");
    }
    out.set("positives_without", missing);
    if (missing > 0) print("{} positives have no {}: they count as 0\n", missing, printable(feature));
    return out;
}

/// DCG@10 of relevance, estimated from lists that bring propensities.
inline model_file::JsonValue print_counterfactual(double min_propensity, const TestInputs& in,
                                                  const std::vector<Ranking>& rankings) {
    auto out = model_file::JsonValue::object("min_propensity", min_propensity);
    const auto with = std::ranges::count_if(in.lists, [](const Request& r) { return !r.propensities.empty(); });
    print_heading(fmt::format("DCG@10 without position bias, estimated from {} lists with propensities", with),
                  std::array{"IPS", "self-normalised share", "doubly robust"}, amount_width);
    std::size_t clipped = 0;
    for (const Ranking& r : rankings) {
        const auto figures = eval::counterfactual(in.lists, r.orders, 10, min_propensity);
        clipped = figures.clipped;
        out.set("lists", figures.lists);
        out.set("clipped", figures.clipped);
        print("{:<15}", r.name);
        for (const auto& [key, value] :
             {std::pair("ips", &figures.ips), std::pair("snips", &figures.snips), std::pair("dr", &figures.dr)}) {
            out.object_at(r.key).set(key, interval_json(*value));
            print_amount(*value);
        }
        print("\n");
    }
    if (clipped > 0) print("{} gains have a propensity below {}, and count with that\n", clipped, min_propensity);
    return out;
}

/// All that the options and the lists ask for, into `out`.
inline void add_outcomes(const EvaluateOptions& o, const TestInputs& in, const std::vector<Ranking>& rankings,
                         model_file::JsonValue& out) {
    const auto revenue = [&](const std::string& label, auto gain) {
        return print_revenue(o.revenue, label, in, gain, rankings);
    };
    const bool has_revenue = !o.revenue.empty();
    if (has_revenue)
        out.set("revenue", revenue("the label", [&](std::size_t l, std::size_t i) { return in.lists[l].gain(i); }));
    for (const data::LabelColumn& label : in.labels) {
        auto table = print_label(label, in, rankings);
        if (has_revenue)
            table.set("revenue",
                      revenue(label.name, [&](std::size_t l, std::size_t i) { return in.gains_by(label, l)[i]; }));
        out.object_at("labels").set(label.name, std::move(table));
    }
    if (std::ranges::any_of(in.lists, [](const Request& r) { return !r.propensities.empty(); }))
        out.set("counterfactual", print_counterfactual(o.min_propensity, in, rankings));
}

}  // namespace psad::cli
