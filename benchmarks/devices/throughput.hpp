// How many lists a device reranks, generates and trains on in a second, by batch size: the default variant with 20
// candidates, 50 events and 10 positions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../synthetic_requests.hpp"
#include "psad/autograd/inference.hpp"
#include "psad/features/on_device.hpp"
#include "psad/model/generate.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"

namespace psad::benchmarks {

/// A batch of lists on a device, and the tasks that are timed with it.
template <class B>
class BatchTasks {
    using Network = Psad<>;

  public:
    BatchTasks(const B& device, int batch)
        : device_(device),
          work_(4 * batch, 20, 50),
          requests_(std::span<const Request>(work_.requests).first(static_cast<std::size_t>(batch))),
          parameters_(on_device(device, work_.model.parameters)),
          reranker_(device, work_.model) {
        work_.model.encoder.encode(requests_, Network::spec.positions, batch_);
        host_ = batch_.view();
        in_ = on_device(device, host_, input_arena_);
    }

    /// The student, from raw requests to orders on the host.
    void rerank() { reranker_(requests_, workspace_, Network::spec.positions); }

    /// The student from encoded inputs on the device.
    void student() {
        generate_lists([&](auto& ctx) {
            const auto& student = work_.model.network.student;
            return generate(ctx, student, student.score(ctx, in_, student.user_state(ctx, in_)), in_);
        });
    }
    void teacher() {
        generate_lists([&](auto& ctx) { return generate(ctx, work_.model.network.teacher, in_); });
    }

    /// So many steps of joint training, four per epoch; calls on_step(steps made) after each. A device with memory of
    /// its own takes a batch as one shard.
    template <class OnStep>
    void train(int steps, OnStep on_step) {
        train::Settings settings;
        settings.batch = static_cast<int>(requests_.size());
        if (!B::Memory::on_host) settings.shard = settings.batch;
        settings.steps = steps;
        settings.patience = 0;
        Model<Network> model = work_.model;
        train::Trainer trainer(device_, model, std::span<const Request>(work_.requests), settings);
        while (trainer.running()) {
            for (; !trainer.epoch_done(); on_step(trainer.state().step)) trainer.step();
            trainer.end_epoch([](const auto&) { return train::ValidationScore{}; });
        }
    }

  private:
    template <class Generate>
    void generate_lists(Generate f) {
        arena_.reset();
        Inference ctx(device_, *parameters_, in_.layout, arena_);
        const auto lists = f(ctx);
        ctx.workspace().on_host(lists.chosen, static_cast<std::size_t>(host_.layout.positions.rows));
    }

    B device_;
    Workload<Network> work_;
    std::span<const Request> requests_;  ///< the first batch
    std::shared_ptr<const Parameters<float, typename B::Memory>> parameters_;
    serve::Reranker<B, Network> reranker_;
    serve::BatchWorkspace<B> workspace_;
    Batch<float> batch_;
    Arena<typename B::Memory> input_arena_, arena_;
    Inputs<float> host_, in_;
};

struct Throughput {
    std::string task;
    int batch;
    double microseconds;  ///< the median
};

inline double median(std::vector<double> numbers) {
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    std::nth_element(numbers.begin(), middle, numbers.end());
    return *middle;
}

template <class B>
std::vector<Throughput> throughput(const B& device, const std::vector<int>& batches) {
    using Clock = std::chrono::steady_clock;
    const auto microseconds = [](auto duration) { return std::chrono::duration<double, std::micro>(duration).count(); };
    std::vector<Throughput> out;
    for (const int batch : batches) {
        BatchTasks<B> tasks(device, batch);
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
        time("student, from requests", [&] { tasks.rerank(); });
        time("student, encoded", [&] { tasks.student(); });
        time("teacher, encoded", [&] { tasks.teacher(); });
        if (batch == 1) continue;
        std::vector<double> times;
        auto last = Clock::now();
        tasks.train(25, [&](std::int64_t step) {
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

/// Does a task ("student", "teacher", "training") once, warm, between cudaProfilerStart and cudaProfilerStop.
void profile_on_cuda(const std::string& task, int batch);

}  // namespace psad::benchmarks
