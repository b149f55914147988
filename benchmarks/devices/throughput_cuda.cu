#include "psad/backend/thrust/cuda.hpp"
#include "throughput.hpp"

namespace psad_benchmarks {

std::vector<Throughput> throughput_of_cuda(const std::vector<int>& batches) {
    return throughput(psad::backend::Cuda<float>(), batches);
}

}  // namespace psad_benchmarks
