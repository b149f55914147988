#include <cuda_profiler_api.h>

#include "psad/backend/thrust/cuda.hpp"
#include "throughput.hpp"

namespace psad_benchmarks {

std::vector<Throughput> throughput_of_cuda(const std::vector<int>& batches) {
    return throughput(psad::backend::Cuda<float>(), batches);
}

void profile_on_cuda(const std::string& task, int batch) {
    Work work(psad::backend::Cuda<float>(), batch);
    if (task == "training") {
        work.train(5, [](std::int64_t step) {
            if (step == 3) cudaProfilerStart();
            if (step == 4) cudaProfilerStop();
        });
        return;
    }
    for (int i = 0; i < 3; ++i) {
        if (i == 2) cudaProfilerStart();
        task == "student" ? work.student() : work.teacher();
        if (i == 2) cudaProfilerStop();
    }
}

}  // namespace psad_benchmarks
