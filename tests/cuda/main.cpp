// Tests on a CUDA card; where there is none they say so and end well.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstdio>

int main(int argc, char** argv) {
    int cards = 0;
    const cudaError_t status = cudaGetDeviceCount(&cards);
    if (status == cudaErrorNoDevice || status == cudaErrorInsufficientDriver) {
        std::printf("SKIPPED: no CUDA card (%s)\n", cudaGetErrorString(status));
        return 0;
    }
    if (status != cudaSuccess) {
        std::fprintf(stderr, "a CUDA card that does not answer: %s\n", cudaGetErrorString(status));
        return 1;
    }
    return doctest::Context(argc, argv).run();
}
