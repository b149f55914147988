#include "experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "progress.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/error.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/features/whitening.hpp"
#include "psad/model/spec.hpp"

namespace psad::quality {

std::vector<std::string> Experiment::metrics() const {
    if (world) return {"utility_share", "utility"};
    return {"ndcg@10", "map@10", "ndcg@5", "map@5"};
}

std::string Experiment::objective() const {
    return imitates ? "the list that was shown" : "positives before the others";
}

std::size_t Experiment::judged_lists() const {
    return static_cast<std::size_t>(std::ranges::count_if(test, [&](const Request& r) { return judges(r); }));
}

PerListMetrics Experiment::evaluate(std::span<const Order> orders) const {
    for (std::size_t l = 0; l < orders.size(); ++l) {
        Order sorted = orders[l];
        std::ranges::sort(sorted);
        if (!std::ranges::equal(sorted, eval::initial_order(test[l]))) {
            throw Error("test lists", "list " + std::to_string(l), "an order with a candidate twice or missing",
                        "every candidate once");
        }
    }
    if (!world) {
        const auto q = eval::ranking_quality(test, orders);
        return {{"ndcg@10", q.ndcg10}, {"map@10", q.map10}, {"ndcg@5", q.ndcg5}, {"map@5", q.map5}};
    }
    PerListMetrics out;
    const auto positions = static_cast<std::size_t>(world->settings().positions);
    for (std::size_t l = 0; l < orders.size(); ++l) {
        const double utility = sessions[l].utility(std::span<const int>(orders[l]).first(positions));
        out["utility"].push_back(utility);
        out["utility_share"].push_back(utility / truth[l].best.value);
    }
    return out;
}

train::Settings default_settings(const ExperimentOptions& o) {
    train::Settings s;
    if (!o.data.empty()) return s;
    s.epochs = std::clamp(500'000 / o.lists, 5, 10);
    s.batch = o.lists < 10'000 ? 32 : 64;
    s.learning_rate = 3e-3;
    s.weight_decay = std::clamp(1e4 / o.lists, 0.1, 0.5);
    s.dropout = 0;
    s.patience = 0;
    s.average = 0;  // the last step is judged
    return s;
}

namespace {

/// Simulates the lists of a world, and what is true of those for the test.
void simulate_into(Experiment& e, const ExperimentOptions& o) {
    const backend::Cpu<float> cpu(o.threads);
    e.world.emplace(simulator::world_settings(o.world));
    if (e.world->settings().positions > Spec{}.positions) {
        throw SettingError("--world", "positions", std::to_string(e.world->settings().positions),
                           fmt::format("at most {}, as many as models fill", Spec{}.positions));
    }
    cli::Progress progress;
    const int all = o.lists + o.test_lists;
    e.dataset = simulator::simulate(cpu, *e.world, {o.lists, 0, o.test_lists}, false, [&](int done) {
                    progress.show(done, all, fmt::format("{} lists of the world", done));
                }).dataset;
    progress.clear();
    const auto count = static_cast<std::size_t>(o.test_lists);
    e.sessions.resize(count);
    e.truth.resize(count);
    cpu.parallel(o.test_lists, [&](int l) {
        const auto index = static_cast<std::uint64_t>(o.lists + l);
        e.sessions[static_cast<std::size_t>(l)] = e.world->session(index);
        e.truth[static_cast<std::size_t>(l)] = simulator::truth_of(*e.world, index);
    });
}

void check_splits(const Experiment& e, const std::string& folder) {
    for (const auto& [name, lists] :
         {std::pair("train", &e.train), std::pair("valid", &e.valid), std::pair("test", &e.test)}) {
        if (lists->empty()) throw DataError(folder, name, "no lists", "lists to train, to choose and to test");
        if (std::ranges::none_of(*lists, &Request::has_positive))
            throw DataError(folder, name, "lists without a positive", "at least one");
    }
}

}  // namespace

Experiment make_experiment(const ExperimentOptions& o, const train::Settings& settings) {
    Experiment e;
    if (o.data.empty())
        simulate_into(e, o);
    else
        e.dataset = data::read_lists(o.data);
    e.train = data::requests_of(e.dataset, e.dataset.train);
    e.settings = train::chosen(settings, e.train.size());
    e.valid = data::requests_of(e.dataset, e.dataset.valid);
    e.test = data::requests_of(e.dataset, e.dataset.test);
    if (!e.world) check_splits(e, o.data);
    const bool any_shown = std::ranges::any_of(e.train, [](const Request& r) { return !r.shown.empty(); });
    if (o.imitate && !any_shown)
        throw DataError(o.data, "shown_train", "no orders", "those that the log showed, for --imitate");
    e.imitates = e.world || o.imitate;
    if (!e.imitates) {
        for (Request& r : e.train) r.shown = {};
    }
    Schema schema = data::schema_of(e.dataset);
    if (e.world) {  // whose student loses by it: docs/decisions.md
        for (FieldSchema& f : schema.item_fields) f.match = false;
    }
    e.encoder = fit_encoder(std::move(schema), data::catalog_of(e.dataset), e.train);
    whiten(e.encoder, e.train);
    return e;
}

}  // namespace psad::quality
