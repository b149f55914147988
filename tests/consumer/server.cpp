// A server includes what it needs and no more: no reader of data, so no xtensor.
#include <cstdio>
#include <exception>
#include <psad/serve.hpp>

using Network =
    psad::StudentOf<psad::Psad<psad::Spec{.width = 16, .heads = 2, .encoder_layers = 1, .decoder_layers = 1}>>;

int main(int argc, char** argv) {
    try {
        const auto model = psad::model_file::load<Network>(argc > 1 ? argv[1] : "no model");
        const psad::backend::Cpu<float> cpu;
        const psad::serve::Reranker reranker(cpu, model);
        return 1;
    } catch (const psad::ModelFileError& error) {
        std::printf("%s\n", error.what());
        return 0;
    }
}
