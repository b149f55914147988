// How many lists a device reranks, generates and learns from in a second, by batch size.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "../made_up.hpp"
#include "psad/autograd/eval.hpp"
#include "psad/input/upload.hpp"
#include "psad/model/generate.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace psad_benchmarks {

struct Throughput {
    const char* task;
    int batch;
    double microseconds;  // the median batch
};

// The median of the times that f() takes, over a quarter of a second and five times at least.
template <class F>
double median_microseconds(F f) {
    using Clock = std::chrono::steady_clock;
    for (int warm = 0; warm < 3; ++warm) f();
    std::vector<double> times;
    const auto start = Clock::now();
    while (times.size() < 5 || Clock::now() - start < std::chrono::milliseconds(250)) {
        const auto before = Clock::now();
        f();
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
    }
    std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
    return times[times.size() / 2];
}

// The default variant with 20 candidates and 50 events.
template <class B>
std::vector<Throughput> throughput(const B& device, const std::vector<int>& batches) {
    using Network = psad::Psad<>;
    World<Network> world(*std::max_element(batches.begin(), batches.end()), 20, 50);
    const auto& model = world.model;
    const auto parameters = psad::on_device(device, model.parameters);
    std::vector<Throughput> out;
    for (const int batch : batches) {
        const auto requests = std::span<const psad::Request>(world.requests).first(std::size_t(batch));
        {
            const psad::serve::Reranker reranker(device, model);
            psad::serve::BatchWorkspace<B> room;
            out.push_back({"student, from requests", batch,
                           median_microseconds([&] { reranker(requests, room, Network::spec.slots); })});
        }
        {
            psad::Batch<float> encoded;
            model.encoder.encode(requests, Network::spec.slots, encoded);
            const psad::Inputs<float> host = encoded.view();
            psad::Arena<typename B::Memory> kept, arena;
            const psad::Inputs<float> in = psad::on_device(device, host, kept);
            const auto timed = [&](const char* task, auto write) {
                out.push_back({task, batch, median_microseconds([&] {
                                   arena.reset();
                                   psad::Eval ctx(device, *parameters, in.layout, arena);
                                   const auto written = write(ctx);
                                   ctx.workspace().on_host(written.chosen,
                                                           std::size_t(host.layout.slots.rows));
                               })});
            };
            timed("student, encoded", [&](auto& ctx) {
                const auto& student = model.network.student;
                return psad::generate(ctx, student, student.score(ctx, in, student.user(ctx, in)));
            });
            timed("teacher, encoded",
                  [&](auto& ctx) { return psad::generate(ctx, model.network.teacher, in); });
        }
        if (batch >= 32) {
            psad::TrainSettings settings;
            settings.batch = batch;
            settings.shard = B::Memory::on_host ? settings.shard : batch;
            settings.steps = 25;
            settings.patience = 0;
            std::vector<double> times;
            psad::TrainHooks hooks;
            auto last = std::chrono::steady_clock::now();
            hooks.on_step = [&](auto&&...) {
                const auto now = std::chrono::steady_clock::now();
                times.push_back(std::chrono::duration<double, std::micro>(now - last).count());
                last = now;
            };
            psad::Model<Network> learner = model;
            psad::train(
                device, learner, requests, settings,
                [&](const auto&) {
                    last = std::chrono::steady_clock::now();
                    return psad::ValidationScore{};
                },
                hooks);
            times.erase(times.begin(), times.begin() + 5);
            std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
            out.push_back({"training step", batch, times[times.size() / 2]});
        }
    }
    return out;
}

std::vector<Throughput> throughput_of_cpu(const std::vector<int>& batches, int threads);
std::vector<Throughput> throughput_of_cuda(const std::vector<int>& batches);

}  // namespace psad_benchmarks
