#include <cuda_profiler_api.h>

#include "psad/backend/thrust/cuda.hpp"
#include "throughput.hpp"

namespace psad::benchmarks {

std::vector<Throughput> throughput_of_cuda(const std::vector<int>& batches) {
    return throughput(backend::Cuda<float>(), batches);
}

void profile_on_cuda(const std::string& task, int batch) {
    BatchTasks tasks(backend::Cuda<float>(), batch);
    if (task == "training") {
        tasks.train(5, [](std::int64_t step) {
            if (step == 3) cudaProfilerStart();
            if (step == 4) cudaProfilerStop();
        });
        return;
    }
    for (int i = 0; i < 3; ++i) {
        if (i == 2) cudaProfilerStart();
        task == "student" ? tasks.student() : tasks.teacher();
        if (i == 2) cudaProfilerStop();
    }
}

}  // namespace psad::benchmarks
