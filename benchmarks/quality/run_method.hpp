// Trains one contender once and judges what it learned.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model/psad_model.hpp"

namespace psad::cli {

namespace cell_detail {

using Clock = std::chrono::steady_clock;
using Device = backend::Cpu<float>;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

inline Cell begun_today() {
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    const std::chrono::year_month_day d(today);
    Cell cell;
    cell.date = fmt::format("{:04}-{:02}-{:02}", int(d.year()), unsigned(d.month()), unsigned(d.day()));
    return cell;
}

/// Orders all test lists, then some of them one by one for the time that each takes.
template <class Orders>
Row judge(const Protocol& p, std::string name, const Device& device, Orders orders) {
    Row row{std::move(name), p.judge(orders(device, std::span<const Request>(p.test))), 0, 0};
    const Device one_thread;
    std::vector<double> times;
    for (std::size_t l = 0; l < (std::min)(p.test.size(), std::size_t{200}); ++l) {
        const auto start = Clock::now();
        orders(one_thread, std::span<const Request>(p.test).subspan(l, 1));
        times.push_back(1e6 * seconds_since(start));
    }
    std::sort(times.begin(), times.end());
    row.p50 = times[times.size() / 2];
    row.p99 = times[times.size() * 99 / 100];
    return row;
}

template <class Network>
void learn(const Protocol& p, const Device& device, Model<Network>& model, std::uint64_t seed, int epochs,
           Cell& cell) {
    TrainSettings settings = p.settings;
    settings.epochs = epochs;
    settings.seed = seed;
    int epoch = 0;
    const auto validate = [&](const Model<Network>& m) {
        ++epoch;
        if (p.world) return ValidationScore{double(epoch), double(epoch)};
        ValidationScore score;
        if constexpr (HasStudent<Network>)
            score.student = p.valid_score(eval::student_orders(device, m, p.valid));
        if constexpr (HasTeacher<Network>)
            score.teacher = p.valid_score(eval::teacher_orders(device, m, p.valid));
        return score;
    };
    const auto start = Clock::now();
    const TrainReport report = train(device, model, std::span<const Request>(p.train), settings, validate);
    cell.train_seconds += seconds_since(start);
    for (const EpochRecord& e : report.epochs) {
        cell.losses.push_back(e.loss);
        if (!p.world) cell.valid.push_back(HasStudent<Network> ? e.valid.student : e.valid.teacher);
    }
}

/// Rows NAME (the student, or a teacher alone) and NAME/teacher.
template <class Network>
void judge_parts(const Protocol& p, const Device& device, const Model<Network>& model,
                 const std::string& name, Cell& cell) {
    if constexpr (HasStudent<Network>) {
        cell.rows.push_back(judge(p, name, device, [&](const Device& d, std::span<const Request> lists) {
            return eval::student_orders(d, model, lists);
        }));
    }
    if constexpr (HasTeacher<Network>) {
        const std::string of_teacher = HasStudent<Network> ? name + "/teacher" : name;
        cell.rows.push_back(
            judge(p, of_teacher, device, [&](const Device& d, std::span<const Request> lists) {
                return eval::teacher_orders(d, model, lists);
            }));
    }
}

}  // namespace cell_detail

/// `times` as many passes as the protocol's: for what trains so much faster than a pair.
template <class Network, int times = 1>
Cell run_cell(const Protocol& p, const std::string& name, std::uint64_t seed, int threads) {
    const backend::Cpu<float> device(threads);
    Cell cell = cell_detail::begun_today();
    Model<Network> model(p.encoder, seed);
    cell_detail::learn(p, device, model, seed, times * p.settings.epochs, cell);
    cell_detail::judge_parts(p, device, model, name, cell);
    return cell;
}

/// `First`, then `Then` from what it learned, `times` as many passes. The rows are those of `Then`.
template <class First, class Then, int times = 1>
Cell run_in_turn(const Protocol& p, const std::string& name, std::uint64_t seed, int threads) {
    const backend::Cpu<float> device(threads);
    Cell cell = cell_detail::begun_today();
    Model<First> first(p.encoder, seed);
    cell_detail::learn(p, device, first, seed, p.settings.epochs, cell);
    Model<Then> then(p.encoder, seed);
    then.warm_start(first);
    cell_detail::learn(p, device, then, seed, times * p.settings.epochs, cell);
    cell_detail::judge_parts(p, device, then, name, cell);
    return cell;
}

/// The numbers of all contenders: the variant "small".
inline constexpr Spec compared{
    .width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64, .gate = 16};

constexpr Spec with_block(int block) {
    Spec s = compared;
    s.block = block;
    return s;
}

template <class... Policies>
using Compared = Psad<compared, target::ShownOrSet, Policies...>;
template <int Block, class... Policies>
using Writer = TeacherOf<Psad<with_block(Block), target::ShownOrSet, Policies...>>;

}  // namespace psad::cli
