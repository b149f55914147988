// How many lists a device reranks, generates and learns from in a second, by batch size: the default variant
// with 20 candidates, 50 events and 10 places.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../made_up.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/generate.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace psad_benchmarks {

// A batch of lists and what can be done with it.
template <class B>
class Work {
    using Network = psad::Psad<>;

  public:
    Work(const B& device, int batch)
        : device_(device),
          world_(4 * batch, 20, 50),
          requests_(std::span<const psad::Request>(world_.requests).first(static_cast<std::size_t>(batch))),
          parameters_(psad::on_device(device, world_.model.parameters)),
          reranker_(device, world_.model) {
        world_.model.encoder.encode(requests_, Network::spec.positions, batch_);
        host_ = batch_.view();
        in_ = psad::on_device(device, host_, kept_);
    }

    // The student, from raw requests to orders on the host.
    void rerank() { reranker_(requests_, room_, Network::spec.positions); }

    // The same from encoded inputs on the device.
    void student() {
        write([&](auto& ctx) {
            const auto& student = world_.model.network.student;
            return psad::generate(ctx, student, student.score(ctx, in_, student.user(ctx, in_)));
        });
    }
    void teacher() {
        write([&](auto& ctx) { return psad::generate(ctx, world_.model.network.teacher, in_); });
    }

    // So many steps of joint training, four an epoch; the lists of each worked on at once where the device
    // isn't the host.
    void train(int steps, const std::function<void(std::int64_t)>& on_step) {
        psad::TrainSettings settings;
        settings.batch = static_cast<int>(requests_.size());
        if (!B::Memory::on_host) settings.shard = settings.batch;
        settings.steps = steps;
        settings.patience = 0;
        psad::TrainHooks hooks;
        hooks.on_step = [&](std::int64_t step, auto&&...) { on_step(step); };
        psad::Model<Network> model = world_.model;
        psad::train(
            device_, model, world_.requests, settings, [](const auto&) { return psad::ValidationScore{}; },
            hooks);
    }

  private:
    template <class Write>
    void write(Write f) {
        arena_.reset();
        psad::Inference ctx(device_, *parameters_, in_.layout, arena_);
        const auto written = f(ctx);
        ctx.workspace().on_host(written.chosen, static_cast<std::size_t>(host_.layout.positions.rows));
    }

    B device_;
    World<Network> world_;
    std::span<const psad::Request> requests_;  // the first batch
    std::shared_ptr<const psad::Parameters<float, typename B::Memory>> parameters_;
    psad::serve::Reranker<B, Network> reranker_;
    psad::serve::BatchWorkspace<B> room_;
    psad::Batch<float> batch_;
    psad::Arena<typename B::Memory> kept_, arena_;
    psad::Inputs<float> host_, in_;
};

struct Throughput {
    std::string task;
    int batch;
    double microseconds;  // the median
};

inline double median(std::vector<double> numbers) {
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    std::nth_element(numbers.begin(), middle, numbers.end());
    return *middle;
}

template <class B>
std::vector<Throughput> throughput(const B& device, const std::vector<int>& batches) {
    using Clock = std::chrono::steady_clock;
    const auto microseconds = [](auto duration) {
        return std::chrono::duration<double, std::micro>(duration).count();
    };
    std::vector<Throughput> out;
    for (const int batch : batches) {
        Work<B> work(device, batch);
        const auto time = [&](const char* task, auto f) {
            for (int warm = 0; warm < 3; ++warm) f();
            std::vector<double> times;
            const auto start = Clock::now();
            while (times.size() < 5 || Clock::now() - start < std::chrono::milliseconds(250)) {
                const auto before = Clock::now();
                f();
                times.push_back(microseconds(Clock::now() - before));
            }
            out.push_back({task, batch, median(times)});
        };
        time("student, from requests", [&] { work.rerank(); });
        time("student, encoded", [&] { work.student(); });
        time("teacher, encoded", [&] { work.teacher(); });
        if (batch == 1) continue;
        std::vector<double> times;
        auto last = Clock::now();
        work.train(25, [&](std::int64_t step) {
            const auto now = Clock::now();
            if (step > 5) times.push_back(microseconds(now - last));
            last = now;
        });
        out.push_back({"training step", batch, median(times)});
    }
    return out;
}

std::vector<Throughput> throughput_of_cpu(const std::vector<int>& batches, int threads);
std::vector<Throughput> throughput_of_cuda(const std::vector<int>& batches);

// Does a task ("student", "teacher", "training") once, warm, between cudaProfilerStart and Stop.
void profile_on_cuda(const std::string& task, int batch);

}  // namespace psad_benchmarks
