// Many models under one protocol; a model and a seed once trained are never trained again.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cells.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "protocol.hpp"
#include "psad/core/text.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/model/spec.hpp"
#include "read_orders.hpp"
#include "summary.hpp"

namespace psad::cli {

std::vector<Contender> contenders() {
    std::vector<Contender> all;
    for (const auto& group : {pairs(), generators(), scorers(), ablations()})
        all.insert(all.end(), group.begin(), group.end());
    return all;
}

namespace {

/// How models learn: as always from a folder; in a world few lists want small batches and strong decay. Tried
/// in one world, and again in a world of another seed.
TrainSettings settings_of(const CompareOptions& o) {
    TrainSettings s;
    if (o.data.empty()) {
        s.epochs = std::clamp(500'000 / o.lists, 5, 10);
        s.batch = o.lists < 10'000 ? 32 : 64;
        s.adam.rate = 3e-3;
        s.adam.weight_decay = std::clamp(1e4 / o.lists, 0.1, 0.5);
        s.dropout = 0;
        s.patience = 0;
    }
    o.learning.apply_to(s);
    return s;
}

/// Simulates the lists of a world, and what is true of those for the test.
void simulate_into(Protocol& p, const CompareOptions& o) {
    const backend::Cpu<float> cpu(o.threads);
    p.world.emplace(simulator::world_settings(o.world));
    if (p.world->settings().positions > Spec{}.positions) {
        throw SettingError("--world", "positions", std::to_string(p.world->settings().positions),
                           "at most " + std::to_string(Spec{}.positions) + ", the places that models fill");
    }
    Progress progress;
    p.dataset = simulator::simulate(cpu, *p.world, {o.lists, 0, o.test_lists}, false, [&](int made) {
                    progress.show(made, o.lists + o.test_lists, fmt::format("{} lists of the world", made));
                }).dataset;
    progress.clear();
    const auto count = static_cast<std::size_t>(o.test_lists);
    p.sessions.resize(count);
    p.truth.resize(count);
    cpu.parallel(o.test_lists, [&](int l) {
        const auto number = static_cast<std::uint64_t>(o.lists + l);
        p.sessions[static_cast<std::size_t>(l)] = p.world->session(number);
        p.truth[static_cast<std::size_t>(l)] = simulator::truth_of(*p.world, number);
    });
}

Protocol protocol_of(const CompareOptions& o) {
    Protocol p;
    p.settings = settings_of(o);
    if (o.data.empty())
        simulate_into(p, o);
    else
        p.dataset = data::read_lists(o.data);
    p.train = data::requests_of(p.dataset, p.dataset.train);
    p.valid = data::requests_of(p.dataset, p.dataset.valid);
    p.test = data::requests_of(p.dataset, p.dataset.test);
    if (!p.world) {
        for (const auto& [name, lists] :
             {std::pair("train", &p.train), std::pair("valid", &p.valid), std::pair("test", &p.test)}) {
            if (lists->empty())
                throw DataError(o.data, name, "no lists", "lists to train, to choose and to test");
            if (std::ranges::none_of(*lists, &Request::has_positive))
                throw DataError(o.data, name, "lists without a positive", "at least one");
        }
    }
    p.encoder = data::fit_encoder(p.dataset);
    return p;
}

/// Tells lists of one name from others: cells of the ones are no cells of the others.
std::string fingerprint(const Protocol& p) {
    std::uint64_t hash = 0;
    const auto add = [&](const auto& column) {
        hash = rng::derive(hash, std::size(column));
        for (const auto x : column) {
            if constexpr (std::is_floating_point_v<std::remove_const_t<decltype(x)>>)
                hash = rng::derive(hash, std::bit_cast<std::uint32_t>(x));
            else
                hash = rng::derive(hash, static_cast<std::uint64_t>(x));
        }
    };
    for (const Catalog::Field& f : p.encoder.catalog().fields) add(f.offsets), add(f.ids);
    for (const auto* lists : {&p.train, &p.valid, &p.test}) {
        for (const Request& r : *lists) {
            add(r.user_fields), add(r.context), add(r.items), add(r.labels), add(r.shown),
                add(r.history_items);
            add(r.history_times), add(r.history_feedback), add(r.scores), add(r.aux);
            hash = rng::derive(hash, static_cast<std::uint64_t>(r.time));
        }
    }
    return fmt::format("{:016x}", hash);
}

/// Raised when a change alters what a model learns or how it is judged: figures of before and after do not
/// belong into one table.
constexpr int revision = 2;

/// What a cell depends on besides its model and seed.
json source_of(const Protocol& p) {
    json out{{"version", version},
             {"revision", revision},
             {"epochs", p.settings.epochs},
             {"batch", p.settings.batch},
             {"shard", p.settings.shard},
             {"rate", p.settings.adam.rate},
             {"dropout", p.settings.dropout},
             {"weight_decay", p.settings.adam.weight_decay},
             {"patience", p.settings.patience},
             {"train_lists", p.train.size()},
             {"test_lists", p.test.size()}};
    if (p.world)
        out["world"] = simulator::to_text(p.world->settings());
    else
        out["data"] = p.dataset.meta.name;
    out["fingerprint"] = fingerprint(p);
    return out;
}

/// The orders that are there without training; `described` gets their words.
Cell rules(const Protocol& p, json& described) {
    Cell cell;
    const auto add = [&](const char* name, const char* words, auto order) {
        described[name] = words;
        std::vector<Order> orders;
        for (std::size_t l = 0; l < p.test.size(); ++l) orders.push_back(order(l));
        cell.rows.push_back({name, p.judge(orders), 0, 0});
    };
    add("initial", "the order of the scores that came with the candidates",
        [&](std::size_t l) { return eval::initial_order(p.test[l]); });
    if (p.world) {
        add("logger", "the list that was shown", [&](std::size_t l) {
            Order order;
            target::detail::for_each_shown(p.test[l], [&](int i) { order.push_back(i); });
            return order;
        });
        return cell;
    }
    add("history-first", "candidates that the history holds first, the latest before",
        [&](std::size_t l) { return eval::history_first(p.test[l]); });
    if (const auto direction = eval::aux_direction(p.valid); direction && eval::has_aux(p.test)) {
        add("by-aux", "sorted by aux, in the direction that is better on the validation lists",
            [&](std::size_t l) { return eval::by_aux(p.test[l], *direction); });
    }
    return cell;
}

/// Runs the script that draws, and waits for it.
void draw(const CompareOptions& o, std::string what) {
    std::string words[] = {"python3", PSAD_REPORT_SCRIPT, std::move(what), o.report};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> told(std::tmpfile(), std::fclose);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (told) posix_spawn_file_actions_adddup2(&actions, fileno(told.get()), STDERR_FILENO);
    pid_t child = 0;
    int status = 0;
    const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0 && waitpid(child, &status, 0) == child && status == 0) return;
    std::string reason = failed != 0 ? "python3 did not start" : "compare_report.py failed";
    std::string line;  // the last one that the script wrote says why
    if (told) std::rewind(told.get());
    for (int c = 0; told && (c = std::fgetc(told.get())) != EOF;) {
        if (c != '\n') {
            line += static_cast<char>(c);
            continue;
        }
        if (!line.empty() && is_text(line)) reason = line;
        line.clear();
    }
    throw Error(o.report, "", "no report (" + reason + ")", "python3 with matplotlib and a writable folder");
}

/// An order file with the name that its rows get.
struct NamedOrders {
    std::string name, file;
};

std::vector<NamedOrders> named_orders(const CompareOptions& o) {
    std::vector<std::string> taken{"initial", "logger", "history-first", "by-aux"};
    for (const Contender& c : contenders()) taken.push_back(c.name);
    std::vector<NamedOrders> out;
    for (const std::string& word : o.orders) {
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

void print_table(const Protocol& p, std::vector<Summary> summaries) {
    const std::string first = p.metrics()[0];
    std::stable_sort(summaries.begin(), summaries.end(), [&](const Summary& a, const Summary& b) {
        return eval::mean(a.judged.at(first)) > eval::mean(b.judged.at(first));
    });
    std::size_t widest = 0;
    for (const Summary& s : summaries) widest = (std::max)(widest, s.name.size());
    fmt::print("\n{:<{}}", "model", widest);
    for (const std::string& metric : p.metrics()) fmt::print(" {:>24}", metric);
    fmt::print(" {:>8} {:>9} {:>9}\n", "seeds +-", "p50 us", "train s");
    for (const Summary& s : summaries) {
        fmt::print("{:<{}}", s.name, widest);
        for (const std::string& metric : p.metrics()) {
            const auto x = eval::bootstrap_mean(s.judged.at(metric));
            fmt::print(" {:>24}", fmt::format("{:.4f} [{:.4f}, {:.4f}]", x.value, x.low, x.high));
        }
        const auto& seeds = s.of_seed.at(first);
        const auto spent = [](double x) { return x > 0 ? fmt::format("{:.1f}", x) : "-"; };
        fmt::print(" {:>8} {:>9} {:>9}\n", seeds.size() > 1 ? fmt::format("{:.4f}", deviation(seeds)) : "-",
                   spent(eval::mean(s.p50)), spent(eval::mean(s.train_seconds)));
    }
}

std::vector<Contender> chosen(const CompareOptions& o) {
    const std::vector<Contender> all = contenders();
    if (o.models.empty()) return all;
    std::vector<Contender> out;
    for (const std::string& name : o.models) {
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Contender& c) { return c.name == name; });
        if (found == all.end()) {
            std::string names;
            for (const Contender& c : all) names += (names.empty() ? "" : ", ") + c.name;
            throw SettingError("--models", "", is_text(name) ? name : "text that can't be printed",
                               "some of " + names);
        }
        if (std::ranges::count(out, found->name, &Contender::name) > 0)
            throw SettingError("--models", "", name + " twice", "each name once");
        out.push_back(*found);
    }
    return out;
}

}  // namespace

void compare(const CompareOptions& o) {
    const std::vector<Contender> models = chosen(o);
    const std::vector<NamedOrders> orders = named_orders(o);
    check_writable(o.json);
    if (!o.report.empty()) draw(o, "--check");
    const Protocol p = protocol_of(o);
    std::vector<Summary> summaries;
    json described;
    const auto summary = [&](const std::string& name) -> Summary& {
        for (Summary& s : summaries) {
            if (s.name == name) return s;
        }
        summaries.push_back({.name = name});
        return summaries.back();
    };
    {
        const Cell cell = rules(p, described);
        for (const Row& row : cell.rows) summary(row.name).add(row, cell, 1);
    }
    for (const NamedOrders& x : orders) {
        const Cell cell{{{x.name, p.judge(read_orders(p, x.file)), 0, 0}}, 0, {}, {}, {}};
        described[x.name] = "orders of another program, from a file";
        summary(x.name).add(cell.rows[0], cell, 1);
    }
    Cells cells(o.json, p, source_of(p));
    const std::size_t all = models.size() * static_cast<std::size_t>(o.seeds);
    std::size_t done = 0;
    std::string first_day = "9999", last_day;
    Progress progress;
    for (const Contender& c : models) {
        std::size_t parts = 0;
        for (int seed = 1; seed <= o.seeds; ++seed) {
            bool kept = true;
            const Cell cell = cells.get(c, static_cast<std::uint64_t>(seed), [&] {
                kept = false;
                progress.show(static_cast<std::int64_t>(done), static_cast<std::int64_t>(all),
                              fmt::format("training {}, seed {}", c.name, seed));
                try {
                    return c.run(p, c.name, static_cast<std::uint64_t>(seed), o.threads);
                } catch (const Error& e) {
                    throw Error(fmt::format("{}, seed {}", c.name, seed),
                                e.source() + (e.place().empty() ? "" : ", " + e.place()), e.found(),
                                e.wanted());
                }
            });
            if (seed == 1) parts = cell.rows.size();
            if (cell.rows.size() != parts) {
                throw DataError(o.json + ".cells", fmt::format("{}, seed {}", c.name, seed),
                                fmt::format("{} rows", cell.rows.size()),
                                fmt::format("{}, as seed 1 has", parts));
            }
            first_day = (std::min)(first_day, cell.date), last_day = (std::max)(last_day, cell.date);
            progress.clear();
            fmt::print("[{}/{}] {} seed {}{}:", ++done, all, c.name, seed, kept ? " (kept)" : "");
            for (const Row& row : cell.rows) {
                summary(row.name).add(row, cell, o.seeds);
                fmt::print("  {} {:.4f}", row.name, eval::mean(row.judged.at(p.metrics()[0])));
            }
            fmt::print("  {:.0f} s\n", cell.train_seconds);
            std::fflush(stdout);
        }
    }
    print_table(p, summaries);

    json out = source_of(p);
    for (const Contender& c : models) described[c.name] = c.words;
    for (const Summary& x : summaries) {
        const std::size_t at = x.name.find('/');
        if (at != std::string::npos) described[x.name] = "the teacher of " + x.name.substr(0, at);
    }
    out["described"] = described;
    out["metric"] = p.metrics()[0];
    for (std::size_t b = 0; b < eval::history_buckets; ++b)
        out["buckets"].push_back(eval::history_bucket_label(b));
    out["seeds"] = o.seeds;
    out["trained"] = {first_day, last_day};
    for (const Summary& s : summaries) out["models"][s.name] = summary_json(p, s);
    struct Pair {
        std::size_t a, b;
        std::string metric;
    };
    std::vector<Pair> pairs;
    for (std::size_t a = 0; a < summaries.size(); ++a) {
        for (std::size_t b = a + 1; b < summaries.size(); ++b) {
            for (const std::string& metric : p.metrics()) pairs.push_back({a, b, metric});
        }
    }
    std::vector<json> paired(pairs.size());
    backend::Cpu<float>(o.threads).parallel(static_cast<int>(pairs.size()), [&](int i) {
        const Pair& x = pairs[static_cast<std::size_t>(i)];
        paired[static_cast<std::size_t>(i)] = pair_json(p, x.metric, summaries[x.a], summaries[x.b]);
    });
    out["paired"] = paired;
    write_json(o.json, out);
    if (o.report.empty()) return;
    draw(o, o.json);
    fmt::print("wrote {}/report.html\n", o.report);
}

}  // namespace psad::cli
