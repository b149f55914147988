#include "psad/backend/cpu/cpu.hpp"
#include "throughput.hpp"

namespace psad::benchmarks {

std::vector<Throughput> throughput_of_cpu(const std::vector<int>& batches, int threads) {
    return throughput(backend::Cpu<float>(threads), batches);
}

}  // namespace psad::benchmarks
