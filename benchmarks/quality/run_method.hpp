// Trains one method once and judges what it learned.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "experiment.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/latency.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model/fold_whitening.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/train/fit.hpp"
#include "psad/train/trainer.hpp"

namespace psad::quality {

namespace run_detail {

using Device = backend::Cpu<float>;
using Requests = std::span<const Request>;

inline std::string today() {
    const std::chrono::year_month_day d(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
    return fmt::format("{:04}-{:02}-{:02}", int(d.year()), unsigned(d.month()), unsigned(d.day()));
}

/// Orders all test lists, then some of them one by one for the time that each takes. `orders(device, lists)` orders.
template <class Orders>
Row evaluate(const Experiment& e, std::string name, const Device& device, Orders orders) {
    const Requests test(e.test);
    Row row{std::move(name), e.evaluate(orders(device, test))};
    const Device one_thread;
    row.latency = eval::measure_latency((std::min)(test.size(), std::size_t{200}),
                                        [&](std::size_t l) { orders(one_thread, test.subspan(l, 1)); });
    return row;
}

template <class Network>
void learn(const Experiment& e, const Device& device, Model<Network>& model, std::uint64_t seed, int epochs, Run& run) {
    train::Settings settings = e.settings;
    settings.epochs = epochs;
    settings.seed = seed;
    double epoch = 0;
    const auto validate = [&](const Model<Network>& m) {
        ++epoch;  // in a world the last epoch is kept: no user could ask for the truth
        return e.world ? train::ValidationScore{epoch, epoch} : train::validation_score(device, m, Requests(e.valid));
    };
    const auto start = std::chrono::steady_clock::now();
    const train::Report report = train::train(device, model, Requests(e.train), settings, validate);
    run.train_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (const train::EpochRecord& record : report.epochs) {
        run.losses.push_back(record.mean.loss);
        if (!e.world) run.valid.push_back(HasStudent<Network> ? record.valid.student : record.valid.teacher);
    }
}

/// Rows NAME (the student, or a teacher alone) and NAME/teacher.
template <class Network>
void add_rows(const Experiment& e, const Device& device, const Model<Network>& model, const std::string& name,
              Run& run) {
    if constexpr (HasStudent<Network>) {
        run.rows.push_back(evaluate(
            e, name, device, [&](const Device& d, Requests lists) { return eval::student_orders(d, model, lists); }));
    }
    if constexpr (HasTeacher<Network>) {
        const std::string teacher = HasStudent<Network> ? name + "/teacher" : name;
        run.rows.push_back(evaluate(e, teacher, device, [&](const Device& d, Requests lists) {
            return eval::teacher_orders(d, model, lists);
        }));
    }
}

}  // namespace run_detail

/// Makes `times` as many epochs as the experiment's: for what trains so much faster than a pair.
template <class Network, int times = 1>
Run run_method(const Experiment& e, const std::string& name, std::uint64_t seed, int threads) {
    const backend::Cpu<float> device(threads);
    Run run{.date = run_detail::today()};
    Model<Network> model(e.encoder, seed);
    run_detail::learn(e, device, model, seed, times * e.settings.epochs, run);
    fold_whitening(model);
    run_detail::add_rows(e, device, model, name, run);
    return run;
}

/// Trains `First`, then `Then` from what it learned, in `times` as many epochs. The rows are those of `Then`.
template <class First, class Then, int times = 1>
Run run_in_turn(const Experiment& e, const std::string& name, std::uint64_t seed, int threads) {
    const backend::Cpu<float> device(threads);
    Run run{.date = run_detail::today()};
    Model<First> first(e.encoder, seed);
    run_detail::learn(e, device, first, seed, e.settings.epochs, run);
    Model<Then> then(e.encoder, seed);
    then.warm_start(first);
    run_detail::learn(e, device, then, seed, times * e.settings.epochs, run);
    fold_whitening(then);
    run_detail::add_rows(e, device, then, name, run);
    return run;
}

/// The numbers of all methods: those of the variant "small".
inline constexpr Spec method_spec{
    .width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64, .gate = 16};

constexpr Spec with_block(int block) {
    Spec s = method_spec;
    s.block = block;
    return s;
}

/// Teacher and student.
template <class... Policies>
using Pair = Psad<method_spec, target::ShownOrSet, Policies...>;
/// A student without a teacher.
template <class... Policies>
using Alone = StudentOf<Pair<Policies...>>;
/// A teacher without a student.
template <int Block, class... Policies>
using Generator = TeacherOf<Psad<with_block(Block), target::ShownOrSet, Policies...>>;

}  // namespace psad::quality
