// Trains a small model on the bundled log of short videos and reranks one list of the validation split.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <psad/psad.hpp>
#include <psad/train/read_training.hpp>
#include <string>

int main(int argc, char** argv) try {
    constexpr psad::Spec spec{.width = 32, .block = 5, .encoder_layers = 1, .decoder_layers = 1};
    using Variant = psad::Psad<spec>;

    const std::filesystem::path videos = argc > 1 ? argv[1] : "data/kuairand-dev";
    const auto log = psad::train::read_training({.lists = {videos / "train.jsonl.gz"},
                                                 .items = {videos / "items.jsonl.gz"},
                                                 .users = {videos / "users.jsonl.gz"}},
                                                {videos / "valid.jsonl.gz"});
    const psad::backend::Cpu<float> cpu(0);  // all threads of the machine
    const auto [model, report] = psad::fit<Variant>(cpu, log.lists, {.epochs = 2});

    if (const auto baseline = psad::eval::best_feature(log.lists.schema, log.lists.catalog, log.lists.valid))
        std::printf("sorted by %s: validation NDCG@10 %.3f\n", baseline->name.c_str(), baseline->ndcg10);
    for (const psad::train::EpochRecord& e : report.epochs)
        std::printf("epoch %d: validation NDCG@10 %.3f\n", e.epoch + 1, e.valid.student);

    const psad::Request& request = log.lists.valid[12];
    const psad::serve::Reranker reranker(cpu, model);
    auto workspace = reranker.workspace();
    std::printf("\n   was  grade  video (grade 2 or 3: watched for long, or liked)\n");
    for (const int i : reranker(request, workspace, 10).order) {  // i: position in the initial order
        const auto at = static_cast<std::size_t>(i);
        const std::string video(log.names.ids.items.name(request.items[at]));
        std::printf("  %4d  %5d  %s\n", i + 1, request.labels[at], video.c_str());
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "quickstart: %s\n", e.what());
    return 1;
}
