// The CPU beside a CUDA card, by batch size: see docs/gpu.md.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "psad/core/error.hpp"
#include "throughput.hpp"

namespace {

int usage(const char* program) {
    std::fprintf(stderr,
                 "usage: %s [cpu|cuda]\n"
                 "       %s profile student|teacher|training LISTS\n\n"
                 "Prints times by batch size, of both devices or one. With \"profile\" it does a task once, for a "
                 "profiler.\n",
                 program, program);
    return 2;
}

void print(const std::string& device, const std::vector<psad::benchmarks::Throughput>& all) {
    for (const auto& t : all)
        std::printf("%-16s %-24s %5d lists %12.1f us %12.0f lists/s\n", device.c_str(), t.task.c_str(), t.batch,
                    t.microseconds, 1e6 * t.batch / t.microseconds);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::vector<int> batches{1, 64, 1024};
    try {
        if (arguments.size() == 3 && arguments[0] == "profile") {
            const int lists = std::atoi(arguments[2].c_str());
            const bool known = arguments[1] == "student" || arguments[1] == "teacher" || arguments[1] == "training";
            if (!known || lists < 1 || lists > 100'000) return usage(argv[0]);
            psad::benchmarks::profile_on_cuda(arguments[1], lists);
            return 0;
        }
        const std::string only = arguments.empty() ? "" : arguments[0];
        if (arguments.size() > 1 || (only != "" && only != "cpu" && only != "cuda")) return usage(argv[0]);
        if (only != "cpu") print("cuda", psad::benchmarks::throughput_of_cuda(batches));
        if (only != "cuda") {
            for (const int threads : {1, static_cast<int>(std::thread::hardware_concurrency())})
                print("cpu, " + std::to_string(threads) + " threads",
                      psad::benchmarks::throughput_of_cpu(batches, threads));
        }
    } catch (const psad::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
