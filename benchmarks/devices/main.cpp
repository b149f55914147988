// The CPU beside a CUDA card: see docs/gpu.md.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "psad/core/error.hpp"
#include "throughput.hpp"

int main(int argc, char** argv) {
    using psad_benchmarks::Throughput;
    const std::string only = argc > 1 ? argv[1] : "";
    if (argc > 2 || (argc == 2 && only != "cpu" && only != "cuda")) {
        std::fprintf(stderr, "usage: %s [cpu|cuda]\n", argv[0]);
        return 2;
    }
    const std::vector<int> batches{1, 64, 1024};
    const auto print = [](const std::string& device, const std::vector<Throughput>& all) {
        for (const Throughput& t : all)
            std::printf("%-16s %-24s %6d lists %12.1f us %12.0f lists/s\n", device.c_str(), t.task, t.batch,
                        t.microseconds, 1e6 * t.batch / t.microseconds);
        std::fflush(stdout);
    };
    try {
        if (only != "cpu") print("cuda", psad_benchmarks::throughput_of_cuda(batches));
        if (only != "cuda") {
            for (const int threads : {1, int(std::thread::hardware_concurrency())})
                print("cpu, " + std::to_string(threads) + " threads",
                      psad_benchmarks::throughput_of_cpu(batches, threads));
        }
    } catch (const psad::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
