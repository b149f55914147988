// One fuzz target as a program of libFuzzer: PSAD_FUZZ names it. Without arguments of libFuzzer, "--seeds FOLDER"
// writes the inputs to begin with.
#include "fuzz.hpp"
#include PSAD_FUZZ_HEADER

#include <cstring>

#define PSAD_FUZZ_JOIN(a, b) a##b
#define PSAD_FUZZ_SEEDS(name) PSAD_FUZZ_JOIN(name, _seeds)

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
    if (*count < 3 || std::strcmp((*words)[1], "--seeds") != 0) return 0;
    int number = 0;
    for (const std::string& seed : psad::fuzz::PSAD_FUZZ_SEEDS(PSAD_FUZZ)()) {
        const std::string path = std::string((*words)[2]) + "/seed-" + std::to_string(number++);
        std::FILE* const file = std::fopen(path.c_str(), "wb");
        if (file == nullptr) std::exit(1);
        std::fwrite(seed.data(), 1, seed.size(), file);
        std::fclose(file);
    }
    std::exit(0);
}
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    psad::fuzz::PSAD_FUZZ({reinterpret_cast<const char*>(data), size});
    return 0;
}
