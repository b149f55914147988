// One of several objects that were compiled with other flags, or from another version of psad.
#include <psad/serve.hpp>
#include <string>

#define PART_TEXT_OF(part) #part
#define PART_TEXT(part) PART_TEXT_OF(part)
#define FUNCTION_OF(part) sum_of_##part
#define FUNCTION(part) FUNCTION_OF(part)
#define ABI_TEXT_OF(abi) #abi
#define ABI_TEXT(abi) ABI_TEXT_OF(abi)

std::string FUNCTION(PART)(float& sum);

/// Computes with psad's kernels; says in which namespace.
std::string FUNCTION(PART)(float& sum) {
    const float a[] = {1, 2, 3, 4};
    float out[1] = {0};
    const psad::backend::Cpu<float> cpu;
    cpu.gemm(psad::Matrix<const float>{a, 1, 4, 4}, psad::Matrix<const float>{a, 4, 1, 1},
             psad::Matrix<float>{out, 1, 1, 1}, false);
    sum = out[0];
    return ABI_TEXT(PSAD_ABI);
}
