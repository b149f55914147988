// Trains a small model on the bundled film ratings and reranks one list of the test split.
#include <cstdio>
#include <exception>
#include <psad/psad.hpp>

int main(int argc, char** argv) try {
    constexpr psad::Spec spec{.width = 32, .block = 5, .encoder_layers = 1, .decoder_layers = 1};
    using Variant = psad::Psad<spec>;

    const auto films = psad::data::read_lists(argc > 1 ? argv[1] : "data/movietweetings-ci");
    const psad::backend::Cpu<float> cpu(0);  // all threads of the machine
    const auto [model, report] = psad::fit<Variant>(cpu, films, {.epochs = 3});
    for (const psad::train::EpochRecord& e : report.epochs)
        std::printf("epoch %d: validation NDCG@10 %.3f\n", e.epoch + 1, e.valid.student);

    const psad::Request request = films.request(films.test, 100);
    const psad::serve::Reranker reranker(cpu, model);
    auto workspace = reranker.workspace();
    std::printf("\n   was  film (* = the user rated it)\n");
    for (const int i : reranker(request, workspace, 10).order) {  // i: position in the initial order
        const auto at = static_cast<std::size_t>(i);
        const auto film = static_cast<std::size_t>(request.items[at]);
        std::printf("%s %4d  %s\n", request.labels[at] > 0 ? "*" : " ", i + 1, films.titles[film].c_str());
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "quickstart: %s\n", e.what());
    return 1;
}
